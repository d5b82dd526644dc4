"""Heartbeats of an ECG with what breathing does to them, as samples come."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from monitorme_analysis.ecg.detector import BeatDetector
from monitorme_analysis.respiration.curves import Samples, filled
from monitorme_analysis.respiration.modulation import Modulation, qrs_shape

KEPT_S: Final = 8.0
"""Samples are kept until the detector has named the beats in them."""
REMEMBERED_S: Final = 40.0


class Heartbeats:
    """Finds the beats of some leads and keeps the newest, with their heights and lines."""

    def __init__(self, rate_hz: float, leads: tuple[str, ...]) -> None:
        self._rate_hz = rate_hz
        self._detector = BeatDetector(rate_hz, leads)
        self._samples: Samples = np.zeros((len(leads), 0))
        self._end = 0
        self._at_s: Samples = np.zeros(0)
        self._shapes: Samples = np.zeros((len(leads), 2, 0))

    def feed(self, block: Samples) -> None:
        """Take in mV, a row for each lead, NaN where missing."""
        beats = self._detector.feed(block)
        joined = np.concatenate([self._samples, block], axis=1)
        self._samples = joined[:, -int(KEPT_S * self._rate_hz) :]
        self._end += block.shape[1]
        first = self._end - self._samples.shape[1]
        places = np.array([beat.sample - first for beat in beats], dtype=np.int64)
        if not places.size:
            return
        shapes = np.stack(
            [
                np.stack(qrs_shape(_known(lead), self._rate_hz, places))
                for lead in self._samples
            ]
        )
        at_s = np.concatenate([self._at_s, (places + first) / self._rate_hz])
        kept = at_s >= at_s[-1] - REMEMBERED_S
        self._at_s = at_s[kept]
        self._shapes = np.concatenate([self._shapes, shapes], axis=2)[:, :, kept]

    def per_min(self, begin_s: float, end_s: float) -> float | None:
        """Return the heart rate between two times."""
        at_s = self._at_s[(self._at_s >= begin_s) & (self._at_s < end_s)]
        if len(at_s) < 3:
            return None
        return float(60 / np.median(np.diff(at_s)))

    def modulations(self, begin_s: float, end_s: float) -> Iterator[Modulation]:
        """Yield the intervals, and of each lead the heights and lines of its beats."""
        inside = (self._at_s >= begin_s) & (self._at_s < end_s)
        at_s = self._at_s[inside]
        if len(at_s) > 1:
            yield Modulation(at_s[1:], np.diff(at_s))
        for lead in self._shapes[:, :, inside]:
            for values in lead:
                known = ~np.isnan(values)
                yield Modulation(at_s[known], values[known])


def _known(lead: Samples) -> Samples:
    return np.zeros(len(lead)) if np.isnan(lead).all() else filled(lead)
