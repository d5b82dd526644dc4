"""What speaks for a beat, as log-odds, and the likeliest sequence of beats.

A peak of energy may be a beat, a T wave, a P wave or noise. Its height, its likeness to
known beats and the noise around it speak for it or against; so does its distance from
its neighbours. The sequence with the greatest sum is found exactly (dynamic programming
over the few peaks not yet decided), so that a strong beat that comes later can still
unseat a weak peak before it.
"""

from collections.abc import Sequence
from math import log
from typing import Final

_BASE: Final = 3.5
_STRENGTH: Final = 4.5
_MATCH: Final = 5.0
_NOISE: Final = 9.0
_RELATIVE: Final = 0.8
_STEP: Final = 12.0
_SHORT: Final = 4.0
_LONG: Final = 2.0
_LONGEST: Final = 0.75
_EARLY: Final = 0.7
_LATE: Final = 1.5
REFRACTORY_S: Final = 0.2
_T_WAVE_S: Final = 0.36
"""A second beat within this time is likelier the T wave (Pan and Tompkins 1985)."""
_NEVER: Final = -1000.0


def of_peak(
    strength: float, match: float, noise: float, usual: float, stepness: float
) -> float:
    """Return the log-odds that a peak is a beat, its neighbours aside.

    Args:
        strength: height over the usual height of beats.
        match: correlation with the most similar shape.
        noise: median energy around, over the usual height of beats.
        usual: strength of beats of that shape.
        stepness: part of the deflection by which the signal stays displaced after it.
    """
    height = log(max(strength, 0.03))
    relative = min(0.3, max(-2.0, height - log(max(usual, 0.03))))
    odds = (
        _BASE
        + _STRENGTH * height
        + _MATCH * match
        - _NOISE * noise
        + _RELATIVE * relative
    )
    return odds - _STEP * (stepness - 0.6) if stepness > 0.6 else odds


def of_interval(interval_s: float, usual_s: float, before_s: float) -> float:
    """Return what an interval between two beats adds: nothing, or something negative.

    Args:
        interval_s: the interval.
        usual_s: the usual one.
        before_s: the one before it: a run that is fast is early but once.
    """
    if interval_s < REFRACTORY_S:
        return _NEVER
    soonest_s, latest_s = _expected(usual_s)
    if soonest_s <= interval_s <= latest_s:
        return 0.0  # most are as expected
    odds = of_silence(interval_s, usual_s)
    if interval_s < _T_WAVE_S:
        odds -= (_T_WAVE_S - interval_s) / (_T_WAVE_S - REFRACTORY_S)
    # A rate may double from one beat to the next, but not because the last was slow.
    early = interval_s / min(usual_s, (usual_s + before_s) / 2, 1.0)
    if early < _EARLY:
        odds -= _SHORT * (_EARLY - early) / 0.5
    return odds


def _expected(usual_s: float) -> tuple[float, float]:
    """Return from when to when a beat adds nothing by coming."""
    return max(_T_WAVE_S, _EARLY * min(usual_s, 1.0)), _LATE * usual_s


def of_silence(silence_s: float, usual_s: float) -> float:
    """Return what a time without a beat adds; little, so that a pause stays one."""
    over = silence_s / usual_s - _LATE
    return -_LONG * min(_LONGEST, over) if over > 0 else 0.0


def begins_path(
    peaks: Sequence[tuple[float, float]],
    last_s: float,
    now_s: float,
    usual_s: float,
    before_s: float,
) -> bool:
    """Say whether the first of the peaks is on the likeliest path through all of them.

    Args:
        peaks: when they are, in order, and the log-odds of each.
        last_s: when the last beat was that is decided.
        now_s: until when peaks are known.
        usual_s: the usual interval.
        before_s: the newest interval that is decided.
    """
    soonest_s, latest_s = _expected(usual_s)
    # From here an interval is nothing but a silence (see `of_interval`).
    late_s = max(latest_s, _T_WAVE_S)
    top, chosen = of_silence(now_s - last_s, usual_s), False
    paths: list[tuple[float, float, float, bool]] = []
    for time_s, odds in peaks:
        # The best way to get here: from the last beat, or from a peak before.
        came_s = time_s - last_s
        best, has_first = 0.0, not paths
        if not soonest_s <= came_s <= latest_s:
            best = of_interval(came_s, usual_s, before_s)
        for from_s, other, from_came_s, other_has_first in paths:
            interval_s = time_s - from_s
            if interval_s > late_s:
                other += of_silence(interval_s, usual_s)
            elif not soonest_s <= interval_s <= latest_s:
                other += of_interval(interval_s, usual_s, from_came_s)
            if other > best:
                best, has_first, came_s = other, other_has_first, interval_s
        best += odds
        paths.append((time_s, best, came_s, has_first))
        silence_s = now_s - time_s
        end = best + of_silence(silence_s, usual_s) if silence_s > latest_s else best
        if end > top:
            top, chosen = end, has_first
    return chosen
