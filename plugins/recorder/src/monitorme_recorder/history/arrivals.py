"""What has come for a bed since a moment, in the order in which it came."""

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Final, NamedTuple

from monitorme_recorder.history.hour_readers import HourReaders, Reader, Source
from monitorme_recorder.history.parts import Listing, streams_of
from monitorme_recorder.history_store import StoredReading
from monitorme_recorder.hours import end_of, hour_of
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store

_NEWEST_CHUNKS: Final = "select id from chunk where stream=? order by id desc"


class _Reference(NamedTuple):
    source: Source
    number: int
    stream: Stream
    chunks: list[int]
    """Newest first."""


class Arrivals:
    """Reads the newest files backwards, so that a short while ago costs little."""

    def __init__(self, store: Store, readers: HourReaders) -> None:
        self._listing = Listing(store, readers)

    def since(
        self, ward: str, bed: str, received_ms: int, vitals: Collection[str] = ()
    ) -> Iterator[StoredReading]:
        """Return what came at `received_ms` or later, in order of arrival.

        That is by `received_ms`; within a millisecond by device, boot and seq, which is
        the order in which a device sends. No `vitals` means all. What comes while this
        is read is not in it.
        """

        def wanted(stream: Stream) -> bool:
            return stream[:2] == (ward, bed) and (not vitals or stream.vital in vitals)

        def ask(db: Reader) -> Iterator[_Reference]:
            for number, stream in streams_of(db, ward, bed):
                if wanted(stream):
                    rows = db.execute(_NEWEST_CHUNKS, (number,)).fetchall()
                    chunks = [chunk for (chunk,) in rows]
                    yield _Reference(db.source, number, stream, chunks)

        with self._listing.moment(
            lambda paths: [p for p in paths if end_of(p) > received_ms],
            wanted,
        ) as moment:
            references = list(moment.each_file(ask))
            tails = moment.tails
        return self._by_hour(references, tails, received_ms)

    def _by_hour(
        self,
        references: list[_Reference],
        tails: dict[Stream, list[Kept]],
        received_ms: int,
    ) -> Iterator[StoredReading]:
        """Return readings hour by hour, so that a day need not fit into memory.

        What came late in an hour that a clock was set back to waits for its turn.
        """
        waiting = [
            StoredReading(stream, one)
            for stream, tail in tails.items()
            for one in tail
            if one.received_ms >= received_ms
        ]
        for path, of_hour in groupby(references, key=lambda one: one.source.path):
            for reference in of_hour:
                waiting += self._newest(reference, received_ms)
            waiting.sort(key=_arrival)
            end_ms = hour_of(path)
            ready = [one for one in waiting if one.kept.received_ms < end_ms]
            yield from ready
            del waiting[: len(ready)]
        yield from sorted(waiting, key=_arrival)

    def _newest(
        self, reference: _Reference, received_ms: int
    ) -> Iterator[StoredReading]:
        """Return a stream's readings of one file, chunk by chunk until one is too old."""
        for chunk in reference.chunks:
            source, number = reference.source, reference.number
            kept = self._listing.readings_of(source, number, chunk)
            for one in kept:
                if one.received_ms >= received_ms:
                    yield StoredReading(reference.stream, one)
            if kept and max(one.received_ms for one in kept) < received_ms:
                return


def _arrival(one: StoredReading) -> tuple[int, str, str, int]:
    stream, kept = one.stream, one.kept
    return kept.received_ms, stream.device, stream.boot, kept.seq
