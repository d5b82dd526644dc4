"""Irregularity suggestive of atrial fibrillation.

After S. Dash et al., "Automatic real time detection of atrial fibrillation", Annals of
Biomedical Engineering 2009: the root mean square of successive differences over the mean
interval above 0.1, a Shannon entropy of the intervals above 0.7, and as many turning
points as chance makes. Ectopic beats and the intervals beside them are left out first.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log, sqrt
from operator import sub
from typing import Final

from monitorme.contract.payloads import Priority
from monitorme_analysis.ecg.sign import Sign
from monitorme_analysis.ecg.stream import Noted
from monitorme_analysis.ecg.ventricular import (
    is_other,
    is_ventricular,
    usual_width_ms,
)
from monitorme_analysis.ecg.view import View

INTERVALS: Final = 64
_VARIATION: Final = 0.1
_ENTROPY: Final = 0.7
_BINS: Final = 16
_NOISE: Final = 0.4
"""Beats in more noise may be elsewhere than they seem."""


def atrial_fibrillation(view: View) -> Iterator[Sign]:
    """Yield an irregularity of the last 64 intervals without a pattern."""
    if len(view.beats) <= INTERVALS:
        return
    gaps = newest_gaps_ms(view.beats)
    if len(gaps) == INTERVALS and is_without_pattern(gaps):
        yield Sign(
            "ecg_irregular",
            view.beats[-INTERVALS].at_ms,
            "irregular without a pattern: atrial fibrillation?",
            Priority.LOW,
        )


def newest_gaps_ms(beats: Sequence[Noted]) -> list[int]:
    """Return the newest intervals between beats that are clear and not ventricular."""
    newest = beats[-INTERVALS - 1 :]
    if all(one.beat.noise < _NOISE and not is_other(one) for one in newest):
        times = [one.at_ms for one in newest]
        return list(map(sub, times[1:], times))
    usual_ms = usual_width_ms(beats)
    gaps: list[int] = []
    next_ms: int | None = None
    for one in reversed(beats):
        is_clear = one.beat.noise < _NOISE and not is_ventricular(one, usual_ms)
        if is_clear and next_ms is not None:
            gaps.append(next_ms - one.at_ms)
            if len(gaps) == INTERVALS:
                break
        next_ms = one.at_ms if is_clear else None
    return gaps[::-1]


def is_without_pattern(gaps_ms: Sequence[int]) -> bool:
    """Say whether intervals vary as in atrial fibrillation."""
    count = len(gaps_ms)
    mean = sum(gaps_ms) / count
    steps = [after - before for before, after in pairwise(gaps_ms)]
    variation = sqrt(sum(step * step for step in steps) / len(steps)) / mean
    if variation <= _VARIATION:
        return False
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    # Of n random numbers, 2(n-2)/3 are turning points, with variance (16n-29)/90.
    expected, deviation = 2 * (count - 2) / 3, sqrt((16 * count - 29) / 90)
    if abs(turns - expected) > 1.96 * deviation:
        return False
    return _entropy(gaps_ms) > _ENTROPY


def _entropy(gaps_ms: Sequence[int]) -> float:
    """Return the Shannon entropy of intervals in 16 bins, 0 to 1, without outliers."""
    outliers = len(gaps_ms) // 16
    kept = sorted(gaps_ms)[outliers : len(gaps_ms) - outliers]
    span = kept[-1] - kept[0]
    if span == 0:
        return 0.0
    counts = [0] * _BINS
    for gap in kept:
        counts[min(_BINS - 1, (gap - kept[0]) * _BINS // span)] += 1
    parts = [count / len(kept) for count in counts if count]
    return -sum(part * log(part) for part in parts) / log(_BINS)
