"""Everything that the journal holds: for comparison, and for counting."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from monitorme_recorder.history.hour_readers import HourReaders, open_read_only
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
        databases = list(self._snapshots())
        tails = not_folded(held, dict(databases).get(held.path))
        for path, db in databases:
            with closing(db):
                yield from self._chunks_of(path, db)
        for stream, tail in tails.items():
            yield from _all(stream, tail)

    def _snapshots(self) -> Iterator[tuple[Path, sqlite3.Connection]]:
        """Open every file but those that are too damaged for it."""
        for path in self._readers.paths():
            try:
                yield path, _snapshot(path)
            except sqlite3.DatabaseError as error:
                trouble = self._readers.failed(path, error)
                if path.name not in self._readers.damaged:
                    raise trouble from error

    def _chunks_of(self, path: Path, db: sqlite3.Connection) -> Iterator[StoredReading]:
        """Return what a file has, up to where it is damaged."""
        try:
            for *fields, data in db.execute(_CHUNKS):
                yield from _all(Stream(*fields), self._readers.unpack(path, data))
        except sqlite3.DatabaseError as error:
            self._readers.failed(path, error)

    def count(self) -> int:
        """Return how many readings are stored."""
        total = 0

        def ask(path: Path, db: sqlite3.Connection) -> None:
            nonlocal total
            (readings,) = db.execute(_COUNT).fetchone()
            total += readings

        with self._listing.moment(list, lambda stream: True) as moment:
            moment.each_file(ask)
            return total + sum(len(tail) for tail in moment.tails.values())


def _all(stream: Stream, kept: list[Kept]) -> Iterator[StoredReading]:
    for one in kept:
        yield StoredReading(stream, one)


def _snapshot(path: Path) -> sqlite3.Connection:
    """Return a connection of its own: a slow comparison keeps none from others."""
    db = open_read_only(path)
    db.execute("begin")
    db.execute("select 1 from meta limit 1").fetchone()
    return db
