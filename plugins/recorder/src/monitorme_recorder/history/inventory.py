"""Everything that the journal holds: for comparison, and for counting."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from monitorme.errors import StorageError
from monitorme_recorder.history.hour_readers import HourReaders, Reader
from monitorme_recorder.history.parts import Listing, not_folded
from monitorme_recorder.history_store import StoredReading
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store

_CHUNKS: Final = (
    "select ward, bed, vital, device, boot, data from chunk"
    " join stream on stream.id = chunk.stream"
)
_COUNT: Final = "select coalesce(sum(readings), 0) from chunk"


class Inventory:
    """Goes through all files; for a technician, not for a screen."""

    def __init__(self, store: Store, readers: HourReaders) -> None:
        self._store = store
        self._readers = readers
        self._listing = Listing(store, readers)

    def everything(self) -> Iterator[StoredReading]:
        """Return every reading that is stored, then what is in memory."""
        held = self._store.tails(lambda stream: True)
        databases = {db.source.path: db for db in self._snapshots()}
        tails = not_folded(held, databases.get(held.path))
        for db in databases.values():
            with closing(db):
                yield from self._chunks_of(db)
        for stream, tail in tails.items():
            yield from _all(stream, tail)

    def _snapshots(self) -> Iterator[Reader]:
        """Open every file but those that are too damaged for it.

        By connections of their own: a slow comparison keeps none from others.
        """
        for path in self._readers.paths():
            try:
                yield self._snapshot(path)
            except StorageError:
                if not self._readers.is_lost(path):
                    raise

    def _snapshot(self, path: Path) -> Reader:
        db = self._readers.open(path)
        try:
            with self._readers.telling(db):
                db.execute("begin")
                db.execute("select 1 from meta limit 1").fetchone()
        except StorageError:
            db.close()
            raise
        return db

    def _chunks_of(self, db: Reader) -> Iterator[StoredReading]:
        """Return what a file has, up to where it is damaged."""
        try:
            for *fields, data in db.execute(_CHUNKS):
                kept = self._readers.unpack(db.source, data)
                yield from _all(Stream(*fields), kept)
        except sqlite3.DatabaseError as error:
            self._readers.failed(db.source, error)

    def count(self) -> int:
        """Return how many readings are stored."""

        def ask(db: Reader) -> Iterator[int]:
            return (readings for (readings,) in db.execute(_COUNT))

        with self._listing.moment(list, lambda stream: True) as moment:
            in_memory = sum(len(tail) for tail in moment.tails.values())
            return in_memory + sum(moment.each_file(ask))


def _all(stream: Stream, kept: list[Kept]) -> Iterator[StoredReading]:
    for one in kept:
        yield StoredReading(stream, one)
