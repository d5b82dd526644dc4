"""What breathing does to each heartbeat, as curves of even samples."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitorme_analysis.respiration.curves import Samples, smooth, without_drift
from monitorme_analysis.respiration.spectrum import GRID_HZ
from monitorme_analysis.respiration.swings import turns

FEWEST_BEATS: Final = 8
OUTLIER: Final = 4.0
"""Times the usual deviation from the median: an ectopic beat, a jolt."""
_QRS_S: Final = 0.05
_BEFORE_QRS_S: Final = (0.10, 0.06)
"""Where the line between the beats lies."""
_PULSE_SHARE: Final = 0.45


@dataclass(frozen=True, slots=True)
class Modulation:
    """One number of each beat, and when."""

    at_s: Samples
    values: Samples

    def curve(self, begin_s: float, end_s: float) -> Samples | None:
        """Return it as a curve between two times; None where beats are too few."""
        if len(self.values) < FEWEST_BEATS:
            return None
        middle = np.median(self.values)
        usual = np.median(np.abs(self.values - middle)) + 1e-12
        tamed = np.clip(self.values, middle - OUTLIER * usual, middle + OUTLIER * usual)
        grid = np.arange(begin_s, end_s, 1 / GRID_HZ)
        curve: Samples = np.interp(grid, self.at_s, tamed)
        return curve


class Pulses(NamedTuple):
    """What breathing does to the pulses of a pleth or a pressure."""

    heights: Modulation
    levels: Modulation
    intervals: Modulation


def of_pulse(wave: Samples, rate_hz: float, begin_s: float) -> Pulses | None:
    """Return the pulses of a window; None where they are too few."""
    pulses = turns(
        without_drift(smooth(wave, rate_hz, 6.0), rate_hz, 1.2), _PULSE_SHARE
    )
    if len(pulses.tops) < FEWEST_BEATS:
        return None
    calm = smooth(wave, rate_hz, 8.0)
    tops, bottoms = calm[pulses.tops], calm[pulses.bottoms[:-1]]
    at_s = begin_s + pulses.tops / rate_hz
    feet_s = begin_s + pulses.bottoms[:-1] / rate_hz
    return Pulses(
        heights=Modulation(at_s, tops - bottoms),
        levels=Modulation(at_s, (tops + bottoms) / 2),
        intervals=Modulation(feet_s, np.diff(pulses.bottoms) / rate_hz),
    )


def qrs_shape(
    lead: Samples, rate_hz: float, places: NDArray[np.int64]
) -> tuple[Samples, Samples]:
    """Return the height of each beat, and the line it stands on; NaN near the ends."""
    reach = max(1, int(_QRS_S * rate_hz))
    first, last = (int(back * rate_hz) for back in _BEFORE_QRS_S)
    inside = (places >= first) & (places < len(lead) - reach)
    kept = np.where(inside, places, max(first, reach))
    around = lead[kept[:, None] + np.arange(-reach, reach + 1)]
    before = lead[kept[:, None] + np.arange(-first, -last + 1)].mean(axis=1)
    heights = np.where(inside, around.max(axis=1) - around.min(axis=1), np.nan)
    return heights, np.where(inside, before, np.nan)
