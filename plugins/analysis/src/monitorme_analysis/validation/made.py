"""Electrocardiograms that are made, so that it is known where each beat is.

A beat is a sum of Gaussian waves, as in McSharry et al., "A dynamical model for
generating synthetic electrocardiogram signals" (2003), without its noise or dynamics.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_NORMAL: Final = (  # seconds from the R peak, mV, width in seconds
    (-0.17, 0.12, 0.022),
    (-0.025, -0.12, 0.008),
    (0.0, 1.1, 0.011),
    (0.027, -0.22, 0.010),
    (0.26, 0.28, 0.045),
)
_VENTRICULAR: Final = (
    (-0.03, 0.7, 0.018),
    (0.02, 1.3, 0.024),
    (0.08, -0.7, 0.026),
    (0.3, -0.4, 0.06),
)


def made_ecg(
    beats_s: Sequence[float],
    duration_s: float,
    rate_hz: float,
    *,
    ventricular: Sequence[int] = (),
    gain: float = 1.0,
    noise_mv: float = 0.0,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return one lead, in mV, with an R peak at each of the times.

    Args:
        beats_s: when the beats are.
        duration_s: how long the lead is.
        rate_hz: samples a second.
        ventricular: places in `beats_s` of wide beats without a P wave.
        gain: by which the waves are multiplied.
        noise_mv: standard deviation of white noise.
        seed: of the noise.
    """
    times = np.arange(round(duration_s * rate_hz)) / rate_hz
    lead = np.random.default_rng(seed).standard_normal(len(times)) * noise_mv
    for place, beat_s in enumerate(beats_s):
        waves = _VENTRICULAR if place in ventricular else _NORMAL
        low, high = np.searchsorted(times, [beat_s - 0.4, beat_s + 0.6])
        near = times[low:high] - beat_s
        for at_s, height, width_s in waves:
            lead[low:high] += (
                gain * height * np.exp(-(((near - at_s) / width_s) ** 2) / 2)
            )
    return lead


def regular(count: int, interval_s: float, *, first_s: float = 0.5) -> list[float]:
    """Return the times of beats at one interval."""
    return [first_s + index * interval_s for index in range(count)]


def made_pulse(
    beats_s: Sequence[float],
    duration_s: float,
    rate_hz: float,
    *,
    delay_s: float = 0.25,
) -> NDArray[np.float64]:
    """Return a pleth, in no unit, with a pulse some time after each of the beats."""
    times = np.arange(round(duration_s * rate_hz)) / rate_hz
    pleth = np.zeros(len(times))
    for beat_s in beats_s:
        after = times - beat_s - delay_s
        pleth += np.exp(-((after - 0.10) ** 2) / (2 * 0.055**2))
        pleth += 0.4 * np.exp(-((after - 0.32) ** 2) / (2 * 0.09**2))
    return pleth
