"""Irregularity suggestive of atrial fibrillation.

It is said where the intervals of a minute or more vary, without a pattern, and as little
of one follows from the one before as in atrial fibrillation:

- S. Dash et al., "Automatic real time detection of atrial fibrillation", Annals of
  Biomedical Engineering 37 (2009): the root mean square of successive differences over
  the mean interval above 0.1, a Shannon entropy of the intervals above 0.7, and as many
  turning points as chance makes;
- D. Lake and J. Moorman, "Accurate estimation of entropy in very short physiological time
  series", American Journal of Physiology, Heart 300 (2011): a coefficient of sample
  entropy above -1.4.

It is told once this has been seen again and again for a minute, of beats of a minute or
more each time, and until it has not been for half a minute.

Intervals beside a beat of another shape are left out. Where such beats are many, nothing
is said at all: what they leave of a rhythm is irregular whatever the rhythm is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from operator import sub
from typing import Final

import numpy as np

from monitorme.contract.payloads import Priority
from monitorme_analysis.ecg.sign import Sign
from monitorme_analysis.ecg.stream import Noted
from monitorme_analysis.ecg.ventricular import is_other
from monitorme_analysis.ecg.view import View

LOOKS: Final = 12
"""Each is five seconds after the one before (see `heart`)."""
SPAN_MS: Final = 60_000
"""A minute at least: a few irregular beats are nobody's atrial fibrillation."""
INTERVALS: Final = 48
_OTHERS: Final = 0.1
"""The part of beats of another shape from which nothing is said."""
_VARIATION: Final = 0.1
_ENTROPY: Final = 0.7
_SAMPLE_ENTROPY: Final = -1.4
_BINS: Final = 16
_NOISE: Final = 0.4
"""Beats in more noise may be elsewhere than they seem."""
_LEAST_TOLERANCE_MS: Final = 30
_LEAST_MATCHES: Final = 5


@dataclass(slots=True)
class Irregularity:
    """How long it has been seen, and what is told of it."""

    looks: int = 0
    told: Sign | None = None

    def look(self, view: View) -> None:
        """Look again, some seconds after the last time."""
        if is_irregular(view.beats):
            self.looks = min(self.looks + 1, LOOKS)
        else:
            self.looks = self.looks - 1 if self.told else 0
        if self.looks <= LOOKS // 2:
            self.told = None
        elif self.looks == LOOKS and self.told is None:
            self.told = Sign(
                "ecg_irregular",
                view.beats[0].at_ms,
                "irregular without a pattern: atrial fibrillation?",
                Priority.LOW,
            )

    def signs(self) -> Iterator[Sign]:
        """Yield what is told."""
        if self.told is not None:
            yield self.told


def is_irregular(beats: Sequence[Noted]) -> bool:
    """Say whether the beats of a minute or more are irregular without a pattern."""
    if len(beats) <= INTERVALS or beats[-1].at_ms - beats[0].at_ms < SPAN_MS:
        return False
    times = [one.at_ms for one in beats]
    # Most hearts are regular, which costs little to see.
    if _variation(list(map(sub, times[1:], times))) <= _VARIATION:
        return False
    if sum(map(is_other, beats)) > _OTHERS * len(beats):
        return False
    gaps = gaps_ms(beats)
    return len(gaps) >= INTERVALS and is_without_pattern(gaps)


def gaps_ms(beats: Sequence[Noted]) -> list[int]:
    """Return the intervals between beats that follow each other and are clear and usual."""
    is_clear = [one.beat.noise < _NOISE and not is_other(one) for one in beats]
    return [
        beats[place + 1].at_ms - beats[place].at_ms
        for place, (before, after) in enumerate(pairwise(is_clear))
        if before and after
    ]


def is_without_pattern(gaps_ms: Sequence[int]) -> bool:
    """Say whether intervals vary as in atrial fibrillation."""
    if _variation(gaps_ms) <= _VARIATION:
        return False
    steps = [after - before for before, after in pairwise(gaps_ms)]
    turns = sum(a * b < 0 for a, b in pairwise(steps))
    # Of n random numbers, 2(n-2)/3 are turning points, with variance (16n-29)/90.
    count = len(gaps_ms)
    expected, deviation = 2 * (count - 2) / 3, sqrt((16 * count - 29) / 90)
    if abs(turns - expected) > 1.96 * deviation:
        return False
    return _entropy(gaps_ms) > _ENTROPY and sample_entropy(gaps_ms) > _SAMPLE_ENTROPY


def sample_entropy(gaps_ms: Sequence[int]) -> float:
    """Return the coefficient of sample entropy of intervals (Lake and Moorman 2011).

    It is the surprise of an interval by the one before, as a density and in units of the
    mean interval. Two intervals are alike within a tolerance: 30 ms, or as much more as
    five pairs of intervals take to be alike together with those that follow them.
    """
    gaps = np.asarray(gaps_ms, dtype=np.float64)
    first, second = np.triu_indices(len(gaps) - 1, 1)
    apart = np.abs(gaps[first] - gaps[second])
    next_apart = np.abs(gaps[first + 1] - gaps[second + 1])
    both = np.maximum(apart, next_apart)
    fifth = float(np.partition(both, _LEAST_MATCHES - 1)[_LEAST_MATCHES - 1])
    tolerance_ms = max(_LEAST_TOLERANCE_MS, fifth)
    alike = int(np.count_nonzero(apart <= tolerance_ms))
    both_alike = int(np.count_nonzero(both <= tolerance_ms))
    return log(alike / both_alike) + log(2 * tolerance_ms) - log(float(gaps.mean()))


def _variation(gaps_ms: Sequence[int]) -> float:
    """Return the root mean square of successive differences over the mean."""
    steps = list(map(sub, gaps_ms[1:], gaps_ms))
    mean = sum(gaps_ms) / len(gaps_ms)
    return sqrt(sum([step * step for step in steps]) / len(steps)) / mean


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
