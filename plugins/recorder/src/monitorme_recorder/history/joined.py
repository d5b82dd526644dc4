"""Both stores as one: the journal for as far back as it reaches, InfluxDB for before.

A reading lies in the journal file of an hour that is never before its own time. So the
journal is complete from the beginning of its oldest file on, but for hours that were set
aside as damaged: what it has not is asked of InfluxDB. What came late for such a time is
in the journal and perhaps not in InfluxDB yet; raw readings are therefore asked of both,
and each is given once. Curves are asked of both too: InfluxDB's say in which hour of the
journal their numbers came, so that those of hours that are still here are left out.
"""

import heapq
import logging
import time
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from monitorme.contract.readings import FUTURE_TOLERANCE_MS
from monitorme_recorder.curve import Points, in_order
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.older import Older
from monitorme_recorder.history.reach import EVER_MS, Reach
from monitorme_recorder.history.sums import bucketed, joined
from monitorme_recorder.history_store import (
    Archive,
    Bucket,
    Grid,
    Latest,
    NoCurve,
    Period,
    Series,
    StoredReading,
)

log = logging.getLogger(__name__)


SEEN_FOR_S: Final = 30.0
"""For so long it is trusted what the journal was seen to miss; `Ahead` looks sooner."""


class _Seen(NamedTuple):
    """What the journal missed, and when that was looked at."""

    at_s: float
    missing: list[Period]


class JoinedHistory:
    """Answers from the journal, and from an archive for what the journal has not."""

    def __init__(self, journal: JournalHistory, archive: Archive, reach: Reach) -> None:
        self._journal = journal
        self._archive = archive
        self._older = Older(archive)
        self._reach = reach
        self._seen: _Seen | None = None

    def close(self) -> None:
        """Ask the archive no more."""
        self._older.close()

    def vitals(self, ward: str, bed: str) -> list[str]:
        """Return the vitals of which a bed has readings in either store."""
        both = {*self._journal.vitals(ward, bed), *self._archive.vitals(ward, bed)}
        return sorted(both)

    def readings(self, series: Series, period: Period) -> Iterator[StoredReading]:
        """Return the readings of a period in order of position, each once."""
        answers = [self._journal.readings(series, period)]
        for missing in self._reach.missing(period):
            answers.append(self._archive.readings(series, missing))
        if len(answers) == 1:
            return answers[0]
        return _each_once(heapq.merge(*answers, key=attrgetter("position")))

    def latest(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        """Return the newest readings; of the journal alone where it has all of the time.

        Without an answer from the archive the journal's is better than none.
        """
        found = self._journal.latest(ward, beds, since_ms)
        now_ms = self._reach.now_ms()
        missing = self._reach.missing(Period(0, EVER_MS))
        self._seen = _Seen(time.monotonic(), missing)
        if not _reaches_into(missing, since_ms, now_ms):
            return found
        older = self._older.of_beds(ward, beds, since_ms, now_ms, missing)
        return {bed: _newer(found[bed], older[bed]) for bed in beds}

    def latest_at_hand(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest] | None:
        """Return what `latest` does from memory alone, None where that cannot be.

        What the journal misses is as it was seen last: of an hour that it has dropped
        since, it still has in memory what was newest.
        """
        found = self._journal.latest_at_hand(ward, beds, since_ms)
        seen = self._seen
        if found is None or seen is None or time.monotonic() > seen.at_s + SEEN_FOR_S:
            return None
        now_ms = self._reach.now_ms()
        if not _reaches_into(seen.missing, since_ms, now_ms):
            return found
        older = self._older.at_hand(ward, beds, since_ms, now_ms, seen.missing)
        if older is None:
            return None
        return {bed: _newer(found[bed], older[bed]) for bed in beds}

    def buckets(
        self, series: Series, period: Period, grid: Grid, component: str | None
    ) -> list[Bucket]:
        """Return a vital's numbers by the buckets of a grid, over both stores."""
        found: list[Bucket] = []
        at_ms = period.from_ms
        for missing in (
            *self._reach.missing(period),
            Period(period.to_ms, period.to_ms),
        ):
            if at_ms < missing.from_ms:
                kept = Period(at_ms, missing.from_ms)
                found = joined(
                    found, self._journal.buckets(series, kept, grid, component)
                )
            for old in self._old(series, missing, grid, component):
                found = joined(found, old)
            at_ms = missing.to_ms
        return found

    def points(self, series: Series, period: Period) -> Points | None:
        """Return a numeric vital's numbers of a period and some around it, by time.

        None where a part of them is in no curve.
        """
        missing = self._reach.missing(period)
        if any(self._in_curves(one, None) != one for one in missing):
            return None
        if not missing:
            return self._journal.points(series, period, None)
        return self._all_points(series, period)

    def _old(
        self, series: Series, missing: Period, grid: Grid, component: str | None
    ) -> Iterator[list[Bucket]]:
        """Return the buckets of what the journal may lack: from curves where they are."""
        if missing.from_ms >= missing.to_ms:
            return
        curve = self._in_curves(missing, component)
        points = (
            self._all_points(series, curve) if curve.from_ms < curve.to_ms else None
        )
        if points is None:
            yield self._archive.buckets(series, missing, grid, component)
            return
        yield bucketed(points, curve, grid)
        for part in (
            Period(missing.from_ms, curve.from_ms),
            Period(curve.to_ms, missing.to_ms),
        ):
            if part.from_ms < part.to_ms:
                yield self._archive.buckets(series, part, grid, component)

    def _in_curves(self, missing: Period, component: str | None) -> Period:
        """Return the part of a period that is all in curves, at its end where none is.

        What the journal lacks because it is damaged is not: readings alone are sure.
        """
        from_ms = self._archive.curves_from_ms
        if from_ms is None or component is not None:
            return Period(missing.to_ms, missing.to_ms)
        end_ms = min(missing.to_ms, self._reach.begins_ms())
        begin_ms = max(missing.from_ms, from_ms + FUTURE_TOLERANCE_MS)
        if begin_ms >= end_ms:
            return Period(missing.to_ms, missing.to_ms)
        return Period(begin_ms, end_ms)

    def _all_points(self, series: Series, period: Period) -> Points | None:
        """Return the numbers of both stores' curves; None where one cannot be read."""
        while True:
            oldest = self._reach.oldest_hour()
            here = self._journal.points(series, period, None)
            try:
                there = self._archive.points(series, period, oldest)
            except NoCurve as error:
                log.error("asking for readings instead series=%s: %s", series, error)
                return None
            # An hour that was dropped meanwhile is in neither, or in both.
            if oldest == self._reach.oldest_hour():
                return in_order([there, here])


def _reaches_into(missing: Iterable[Period], since_ms: int, now_ms: int) -> bool:
    """Say whether something may be missing of the time from `since_ms` until now."""
    return any(one.from_ms < now_ms and since_ms < one.to_ms for one in missing)


def _newer(one: Latest, other: Latest) -> Latest:
    """Return the last of each vital that either has."""
    found = one.copy()
    for vital, candidate in other.items():
        known = found.get(vital)
        if known is None or candidate.position > known.position:
            found[vital] = candidate
    return dict(sorted(found.items()))


def _each_once(readings: Iterator[StoredReading]) -> Iterator[StoredReading]:
    """Leave out a reading that both stores gave: they come one after the other."""
    last = None
    for one in readings:
        position = one.position
        if position != last:
            yield one
        last = position
