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

_IMPULSES: Final = 7.0
_READY_VARIES_S: Final = 0.1


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


def fibrillating_atria(seconds: float, rate: float, *, seed: int = 0) -> list[float]:
    """Return the times of beats in atrial fibrillation, in seconds.

    Impulses come from the atria at random, 7 a second, and the first that finds the
    node ready makes a beat; how long the node is not ready varies: V. Corino et al., "An
    atrioventricular node model for analysis of the ventricular response during atrial
    fibrillation", IEEE Transactions on Biomedical Engineering 58 (2011), with one way
    through the node.

    Args:
        seconds: how long it lasts.
        rate: beats a minute, as a mean.
        seed: of the chance.
    """
    rng = np.random.default_rng(seed)
    shortest_s = 60 / rate - 1 / _IMPULSES - _READY_VARIES_S / 2
    times = [0.5]
    while times[-1] < seconds - 1:
        ready_s = shortest_s + rng.uniform(0, _READY_VARIES_S)
        times.append(times[-1] + ready_s + rng.exponential(1 / _IMPULSES))
    return times


def premature(seconds: float, share: float, *, seed: int = 0) -> list[float]:
    """Return the times of beats in a sinus rhythm of 75 a minute that breathes.

    Args:
        seconds: how long it lasts.
        share: the part of beats that come too early, in no order, each with the pause
            after it that a premature beat of the atria makes.
        seed: of the chance.
    """
    rng = np.random.default_rng(seed)
    times = [0.5]
    while times[-1] < seconds - 3:
        interval_s = 0.8 + 0.04 * np.sin(times[-1] * np.pi / 2) + rng.normal(0, 0.02)
        if rng.random() < share:
            times.append(times[-1] + interval_s * rng.uniform(0.55, 0.8))
            interval_s *= rng.uniform(1.0, 1.25)
        times.append(times[-1] + interval_s)
    return times


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
