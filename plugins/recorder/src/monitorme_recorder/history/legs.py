"""Where to look: a bed for a time, or the beds in which a patient lay, one after another.

Every question is asked leg by leg, so that a bed and a patient are asked about alike, a
transfer is followed, and whoever lay there before is never seen.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, dropwhile
from typing import NamedTuple

from monitorme_recorder.history.stays import Stay
from monitorme_recorder.history.sums import joined
from monitorme_recorder.history_store import (
    Bucket,
    Grid,
    HistoryStore,
    Period,
    Position,
    Series,
    StoredReading,
)


class Leg(NamedTuple):
    """A bed for a time."""

    ward: str
    bed: str
    period: Period


def legs_of(stays: Iterable[Stay], period: Period) -> list[Leg]:
    """Return the legs of a patient within a period, in order of time."""
    legs = []
    for stay in stays:
        to_ms = period.to_ms if stay.to_ms is None else min(period.to_ms, stay.to_ms)
        part = Period(max(period.from_ms, stay.from_ms), to_ms)
        if part.from_ms < part.to_ms:
            legs.append(Leg(stay.ward, stay.bed, part))
    return legs


def readings(
    store: HistoryStore,
    legs: Iterable[Leg],
    vital: str,
    after: Position | None = None,
) -> Iterator[StoredReading]:
    """Return the readings of a vital in order of position, those after a position."""
    asked = legs if after is None else _from(legs, after.at_ms)
    found = chain.from_iterable(
        store.readings(Series(leg.ward, leg.bed, vital), leg.period) for leg in asked
    )
    if after is None:
        return found
    return dropwhile(_is_not_after(after), found)


def buckets(
    store: HistoryStore,
    legs: Iterable[Leg],
    vital: str,
    grid: Grid,
    component: str | None,
) -> list[Bucket]:
    """Return a vital's numbers by the buckets of a grid, over all legs."""
    found: list[Bucket] = []
    for leg in legs:
        series = Series(leg.ward, leg.bed, vital)
        part = store.buckets(series, leg.period, grid, component)
        found = joined(found, part) if found else part
    return found


def _from(legs: Iterable[Leg], at_ms: int) -> Iterator[Leg]:
    for leg in legs:
        begin_ms = max(leg.period.from_ms, at_ms)
        if begin_ms < leg.period.to_ms:
            yield leg._replace(period=Period(begin_ms, leg.period.to_ms))


def _is_not_after(after: Position) -> Callable[[StoredReading], bool]:
    return lambda one: one.position <= after
