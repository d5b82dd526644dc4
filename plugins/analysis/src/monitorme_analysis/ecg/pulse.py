"""What a pulse says of the heart: a pulse that goes on cannot come from one that stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from monitorme_analysis.ecg.stream import Noted
from monitorme_analysis.ecg.view import PulseView, View

_MATCH: Final = 0.8
_STRENGTH: Final = 0.45
_NOISE: Final = 0.65
_BEATS_ON_MS: Final = 1_000
"""A pulse this long after a beat is no longer that beat's own."""
LEAST: Final = 3
_LONGEST_MS: Final = 2_200
"""Pulses farther apart than this do not go on: they may be a hand on the sensor."""


@dataclass(frozen=True, slots=True)
class Train:
    """Pulses of one source that follow each other."""

    source: str
    count: int
    rate: float
    """Pulses a minute, from the median interval."""
    strength: float
    """Their median height, over the usual."""


def is_good(pulse: Noted) -> bool:
    """Say whether a pulse looks like those of this patient."""
    beat = pulse.beat
    is_clear = beat.match >= _MATCH and beat.noise <= _NOISE
    return is_clear and beat.strength >= _STRENGTH


def trains(
    view: View, from_ms: int, to_ms: int, longest_ms: float = _LONGEST_MS
) -> Iterator[Train]:
    """Yield the pulses of each source that went on from one moment to another.

    They go on when they follow each other without a gap, from the first moment to the
    last; one that came back, or that faded, is none.
    """
    for source, pulse in view.pulses.items():
        found = _train(source, pulse, from_ms, min(to_ms, pulse.known_ms), longest_ms)
        if found is not None:
            yield found


def goes_on(view: View, since_ms: int, now_ms: int) -> Train | None:
    """Return a pulse that went on while no beat was seen, if there is one."""
    found = trains(view, since_ms + _BEATS_ON_MS, now_ms)
    return max(found, key=lambda train: train.count, default=None)


def unchanged(view: View, first_ms: int, last_ms: int) -> Train | None:
    """Return a pulse that went on through a run as it was before it."""
    before = {one.source: one for one in trains(view, first_ms - 6_000, first_ms)}
    for source, was in before.items():
        interval_ms = 60_000 / was.rate
        through = trains(view, first_ms - 2_000, last_ms + 600, 1.6 * interval_ms)
        train = next((one for one in through if one.source == source), None)
        if train is None:
            continue
        same_rate = abs(train.rate - was.rate) < 0.15 * was.rate
        if same_rate and train.strength > 0.75 * was.strength:
            return train
    return None


def _train(
    source: str, pulse: PulseView, from_ms: int, to_ms: int, longest_ms: float
) -> Train | None:
    if not pulse.is_live:
        return None
    found = [one for one in pulse.pulses if from_ms <= one.at_ms <= to_ms]
    good = [one for one in found if is_good(one)]
    if len(good) < LEAST or len(good) < 0.7 * len(found):
        return None
    times = [from_ms, *(one.at_ms for one in good), to_ms]
    gaps = [after - before for before, after in pairwise(times)]
    if max(gaps) > longest_ms:
        return None
    return Train(
        source,
        len(good),
        60_000 / max(1.0, median(gaps[1:-1])),
        median(one.beat.strength for one in good),
    )
