"""Whether a restless signal repeats itself, which noise does not.

Beats so wide and so fast that the line never comes to rest between them look like noise
to whoever waits for quiet. Their likeness to themselves one beat later tells them apart,
as autocorrelation tells tachycardia from fibrillation: S. Chen, N. Thakor and M. Mower,
"Ventricular fibrillation detection by a regression test on the autocorrelation
function", Medical & Biological Engineering & Computing 25 (1987).
"""

from math import sqrt
from typing import Final

from monitorme_analysis.ecg.filters import Samples, without_baseline

RESTLESS: Final = 0.4
"""Energy, in usual heights of a beat, that a signal exceeds for half of the time: at up
to 250 a minute, that is for 120 ms of each beat or longer."""
SLOWEST: Final = 100.0
FASTEST: Final = 250.0
_ALIKE: Final = 0.85
_AS_ALIKE: Final = 0.05
"""A shorter lag that is so nearly as good is the true one."""
_SHORTEST_S: Final = 0.12
"""What repeats faster than a heart can (a tremor, hum) is found by its own lag."""
_LEAST_MV: Final = 0.08


def per_min(wave: Samples, rate_hz: float) -> float:
    """Return how often a minute one lead repeats itself; 0 where it does not, as a heart.

    Args:
        wave: some seconds of one lead, in mV.
        rate_hz: its rate.
    """
    flat = without_baseline(wave, rate_hz)
    longest = round(60 / SLOWEST * rate_hz) + 1
    if len(flat) < 2 * longest or flat.max() - flat.min() < _LEAST_MV:
        return 0.0
    shortest = max(1, round(_SHORTEST_S * rate_hz) - 1)
    likeness = [_likeness(flat, lag) for lag in range(shortest, longest + 1)]
    tops = [
        place
        for place in range(1, len(likeness) - 1)
        if likeness[place - 1] <= likeness[place] >= likeness[place + 1]
    ]
    best = max((likeness[place] for place in tops), default=0.0)
    if best < _ALIKE:
        return 0.0
    first = next(place for place in tops if likeness[place] >= best - _AS_ALIKE)
    found = 60 * rate_hz / (shortest + first)
    return found if found <= FASTEST else 0.0


def _likeness(flat: Samples, lag: int) -> float:
    now, before = flat[lag:], flat[:-lag]
    size = float(now.dot(now)) * float(before.dot(before))
    return float(now.dot(before)) / (sqrt(size) + 1e-12)
