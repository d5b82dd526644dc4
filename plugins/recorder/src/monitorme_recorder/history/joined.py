"""Both stores as one: the journal for as far back as it reaches, InfluxDB for before.

A reading lies in the journal file of an hour that is never before its own time. So the
journal is complete from the beginning of its oldest file on, but for hours that were set
aside as damaged: what it has not is asked of InfluxDB. What came late for such a time is
in the journal and perhaps not in InfluxDB yet; raw readings are therefore asked of both,
and each is given once.
"""

import heapq
import logging
from collections.abc import Iterator
from operator import attrgetter

from monitorme.errors import StorageError
from monitorme_recorder.history.older import Older
from monitorme_recorder.history.reach import EVER_MS, Reach
from monitorme_recorder.history.sums import joined
from monitorme_recorder.history_store import (
    Bucket,
    Grid,
    HistoryStore,
    Period,
    Series,
    StoredReading,
)

log = logging.getLogger(__name__)


class JoinedHistory:
    """Answers from the journal, and from an archive for what the journal has not."""

    def __init__(
        self, journal: HistoryStore, archive: HistoryStore, reach: Reach
    ) -> None:
        self._journal = journal
        self._archive = archive
        self._older = Older(archive)
        self._reach = reach

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

    def latest(self, ward: str, bed: str, since_ms: int) -> dict[str, StoredReading]:
        """Return the newest readings; of the journal alone where it has every vital.

        Without an answer from the archive the journal's is better than none.
        """
        found = self._journal.latest(ward, bed, since_ms)
        now_ms = self._reach.now_ms()
        missing = self._reach.missing(Period(0, EVER_MS))
        if not any(one.from_ms < now_ms and since_ms < one.to_ms for one in missing):
            return found
        try:
            older = self._older.of_bed(ward, bed, since_ms, now_ms, missing)
        except StorageError as error:
            log.warning("newest readings of the journal alone: %s", error)
            return found
        for vital, one in older.items():
            known = found.get(vital)
            if known is None or one.position > known.position:
                found[vital] = one
        return dict(sorted(found.items()))

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
            if missing.from_ms < missing.to_ms:
                old = self._archive.buckets(series, missing, grid, component)
                found = joined(found, old)
            at_ms = missing.to_ms
        return found


def _each_once(readings: Iterator[StoredReading]) -> Iterator[StoredReading]:
    """Leave out a reading that both stores gave: they come one after the other."""
    last = None
    for one in readings:
        position = one.position
        if position != last:
            yield one
        last = position
