"""The newest reading of every vital, without reading a file twice."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator

from monitorme_recorder.history.hour_readers import HourReaders, Reader
from monitorme_recorder.history.parts import Listing, streams_of
from monitorme_recorder.history_store import StoredReading
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store

Bed = tuple[str, str]


class Newest:
    """Knows the newest readings: the store those since it began, this those before."""

    def __init__(self, store: Store, listing: Listing, readers: HourReaders) -> None:
        self._store = store
        self._readers = readers
        self._listing = listing
        self._before: dict[Bed, dict[Stream, Kept]] = {}
        self._replaced = readers.replaced
        self._lock = threading.Lock()

    def of_bed(self, ward: str, bed: str, since_ms: int) -> dict[str, StoredReading]:
        """Return the newest reading of each of a bed's vitals, by name."""
        before = self._of_files((ward, bed))
        with self._store.lock:
            now = dict(self._store.newest(ward, bed))
        found: dict[str, StoredReading] = {}
        for stream, kept in (*before.items(), *now.items()):
            one, known = StoredReading(stream, kept), found.get(stream.vital)
            if kept.at_ms >= since_ms and (
                known is None or one.position >= known.position
            ):
                found[stream.vital] = one
        return dict(sorted(found.items()))

    def _of_files(self, bed: Bed) -> dict[Stream, Kept]:
        """Return what the files say; asked once, for what comes later is in the store."""
        replaced = self._readers.replaced
        with self._lock:
            if replaced != self._replaced:
                # An hour that was written anew may have what it could not give before.
                self._before.clear()
                self._replaced = replaced
            known = self._before.get(bed)
        if known is not None:
            return known
        found: dict[Stream, Kept] = {}

        def ask(db: Reader) -> Iterator[tuple[Stream, list[Kept]]]:
            for number, stream in streams_of(db, *bed):
                data = _last_of(db, number)
                if data is not None:
                    yield stream, self._readers.unpack(db.source, data)

        with self._listing.moment(list, lambda stream: stream[:2] == bed) as moment:
            for stream, tail in moment.tails.items():
                _keep(found, stream, tail)
            for stream, kept in moment.each_file(ask):
                _keep(found, stream, kept)
        with self._lock:
            if replaced == self._replaced:
                self._before[bed] = found
        return found


def _last_of(db: sqlite3.Connection, stream: int) -> bytes | None:
    """Return the chunk that reaches furthest, packed."""
    row: tuple[bytes] | None = db.execute(
        "select data from chunk where stream=? order by last_ms desc limit 1", (stream,)
    ).fetchone()
    return row[0] if row is not None else None


def _keep(found: dict[Stream, Kept], stream: Stream, kept: Iterable[Kept]) -> None:
    known = found.get(stream)
    candidates = [*kept] if known is None else [known, *kept]
    if candidates:
        found[stream] = max(candidates, key=lambda one: (one.at_ms, one.seq))
