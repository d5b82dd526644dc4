"""The journal as a store of history."""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import AbstractContextManager
from operator import attrgetter

from monitorme_recorder.curve import Points, in_order
from monitorme_recorder.history.hour_readers import (
    HourReaders,
    Reader,
    overlapping,
)
from monitorme_recorder.history.newest import Newest
from monitorme_recorder.history.parts import (
    Listing,
    Moment,
    Parts,
    points_of,
    streams_of,
)
from monitorme_recorder.history.sums import bucketed
from monitorme_recorder.history_store import (
    Bucket,
    Grid,
    Latest,
    Period,
    Position,
    Series,
    StoredReading,
)
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store


class JournalHistory:
    """Answers from the hours' files and from what is in memory."""

    def __init__(self, store: Store, readers: HourReaders) -> None:
        self._store = store
        self._listing = Listing(store, readers)
        self._newest = Newest(store, self._listing, readers)

    def vitals(self, ward: str, bed: str) -> list[str]:
        """Return the vitals of which a bed has readings, sorted."""

        def ask(db: Reader) -> Iterator[str]:
            return (stream.vital for _, stream in streams_of(db, ward, bed))

        with self._listing.moment(list, lambda s: s[:2] == (ward, bed)) as moment:
            found = {stream.vital for stream in moment.tails}
            found.update(moment.each_file(ask))
        return sorted(found)

    def readings(self, series: Series, period: Period) -> Iterator[StoredReading]:
        """Return the readings of a period in order of position."""
        return _in_order(self._listing, self._parts(series, period), period)

    def latest(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        """Return the reading with the last position of each vital, of each bed."""
        return self._newest.of_beds(ward, beds, since_ms)

    def latest_at_hand(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest] | None:
        """Return what `latest` does from memory alone, None where that cannot be."""
        return self._newest.at_hand(ward, beds, since_ms)

    def buckets(
        self, series: Series, period: Period, grid: Grid, component: str | None
    ) -> list[Bucket]:
        """Return a vital's usable numbers by the buckets of a grid, from its curve."""
        return bucketed(self.points(series, period, component), period, grid)

    def points(self, series: Series, period: Period, component: str | None) -> Points:
        """Return the usable numbers of a period and some around it, in order of time."""
        if component is not None:
            parts = self._parts(series, period)
            kept = [*parts.tails.values(), *map(self._listing.load, parts.chunks)]
            return in_order([points_of(some, component) for some in kept])
        with self._moment(series, period) as moment:
            folded = moment.curve(series, *period)
        return in_order([folded, *(points_of(t, None) for t in moment.tails.values())])

    def _parts(self, series: Series, period: Period) -> Parts:
        with self._moment(series, period) as moment:
            chunks = moment.chunks(*series, period.from_ms, period.to_ms)
            return Parts(chunks, moment.tails)

    def _moment(self, series: Series, period: Period) -> AbstractContextManager[Moment]:
        return self._listing.moment(
            lambda paths: overlapping(paths, period.from_ms),
            lambda stream: stream[:3] == series,
        )


def _in_order(
    listing: Listing, parts: Parts, period: Period
) -> Iterator[StoredReading]:
    """Return readings by position, loading a chunk no sooner than it is needed."""
    pending: list[StoredReading] = []
    for stream, tail in parts.tails.items():
        pending += _inside(stream, tail, period)
    for chunk in sorted(parts.chunks, key=attrgetter("first_ms")):
        pending.sort(key=_position)
        ready = bisect_left(pending, chunk.first_ms, key=_at_ms)
        yield from pending[:ready]
        del pending[:ready]
        pending += _inside(chunk.stream, listing.load(chunk), period)
    yield from sorted(pending, key=_position)


def _inside(stream: Stream, kept: list[Kept], period: Period) -> list[StoredReading]:
    return [
        StoredReading(stream, one)
        for one in kept
        if period.from_ms <= one.at_ms < period.to_ms
    ]


def _position(one: StoredReading) -> Position:
    return one.position


def _at_ms(one: StoredReading) -> int:
    return one.kept.at_ms
