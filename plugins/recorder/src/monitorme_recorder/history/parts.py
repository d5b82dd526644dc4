"""The parts that a journal's answer is made of: chunks in files, and what is in memory.

Chunks and memory are listed as of one moment, so that a reading is in one of them and
never in both; without waiting for the writer, which may be folding for 100 ms. A chunk
never changes; it is loaded when it is needed, without a snapshot, so that a slow listener
holds nothing up. It is loaded from the file in which it was listed: in one that is written
anew meanwhile, its place may be another's.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import numpy as np

from monitorme.errors import StorageError
from monitorme_recorder.curve import PART_MS, Points, unpack_curves
from monitorme_recorder.history.hour_readers import (
    HourReaders,
    Reader,
    Source,
    WrittenAnew,
)
from monitorme_recorder.history_store import Series
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store
from monitorme_recorder.tracks import Tails

T = TypeVar("T")

SNAPSHOTS: Final = 2
"""Files of which a snapshot is taken: the hour that is written, and the one before."""


class Chunk(NamedTuple):
    """A chunk as it is listed: its span, and where it lies."""

    stream: Stream
    source: Source
    number: int
    id: int
    first_ms: int
    last_ms: int
    readings: int


class Parts(NamedTuple):
    """Everything of some streams, as of one moment."""

    chunks: list[Chunk]
    tails: dict[Stream, list[Kept]]


class Listing:
    """Lists the parts of streams, and loads them."""

    def __init__(self, store: Store, readers: HourReaders) -> None:
        self._store = store
        self._readers = readers

    @contextmanager
    def moment(
        self,
        paths: Callable[[list[Path]], list[Path]],
        wanted: Callable[[Stream], bool],
    ) -> "Iterator[Moment]":
        """Hold one moment: what is in memory, and the files as they are then.

        Nothing of the writer's is waited for: what is folded between the look at memory
        and the snapshots is taken from the snapshots.
        """
        held = self._store.tails(wanted)
        chosen = paths(self._readers.paths())
        with ExitStack() as stack:
            open_files = self._snapshots(chosen[-SNAPSHOTS:], stack)
            tails = not_folded(held, open_files.get(held.path))
            yield Moment(self._readers, tails, chosen, open_files)

    def load(self, chunk: Chunk) -> list[Kept]:
        """Return a chunk's readings, none where its hour has been dropped meanwhile."""
        return self.readings_of(chunk.source, chunk.number, chunk.id)

    def readings_of(self, source: Source, number: int, chunk: int) -> list[Kept]:
        """Return the readings of a chunk by where it lies: file, stream and id."""
        try:
            with self._readers.borrow_again(source) as db:
                row = db.execute(_DATA, (number, chunk)).fetchone()
        except StorageError:
            if source.path.exists():
                raise
            return []
        return self._readers.unpack(source, row[0]) if row is not None else []

    def _snapshots(self, paths: list[Path], stack: ExitStack) -> dict[Path, Reader]:
        found = {}
        for path in paths:
            try:
                found[path] = stack.enter_context(self._snapshot(path))
            except WrittenAnew:
                continue  # a closed hour, which needs none
            except StorageError:
                if not self._readers.is_lost(path):
                    raise
        return found

    @contextmanager
    def _snapshot(self, path: Path) -> Iterator[Reader]:
        with self._readers.borrow(path) as db:
            db.execute("begin")
            db.execute("select 1 from meta limit 1").fetchone()
            yield db


class Moment:
    """What is in memory and in the files at one moment."""

    def __init__(
        self,
        readers: HourReaders,
        tails: dict[Stream, list[Kept]],
        paths: list[Path],
        open_files: dict[Path, Reader],
    ) -> None:
        self.tails = tails
        self.paths = paths
        self._readers = readers
        self._open_files = open_files

    def each_file(
        self,
        ask: Callable[[Reader], Iterable[T]],
        *,
        newest_first: bool = False,
    ) -> Iterator[T]:
        """Return what each file answers in turn, as long as the moment is held.

        One that is damaged answers up to there, one that is gone nothing.
        """
        for path in reversed(self.paths) if newest_first else self.paths:
            yield from self._answer(path, ask)

    def _answer(self, path: Path, ask: Callable[[Reader], Iterable[T]]) -> list[T]:
        found: list[T] = []
        try:
            with self._reader(path) as db:
                for one in ask(db):
                    found.append(one)  # kept where the next is damaged
        except WrittenAnew:
            self._open_files.pop(path, None)
            return self._answer(path, ask)
        except StorageError:
            if not self._readers.is_lost(path):
                raise
        return found

    def _reader(self, path: Path) -> AbstractContextManager[Reader]:
        db = self._open_files.get(path)
        return self._readers.borrow(path) if db is None else self._readers.telling(db)

    def chunks(
        self, ward: str, bed: str, vital: str, from_ms: int, to_ms: int
    ) -> list[Chunk]:
        """Return the chunks of a vital that may hold readings of a time."""

        def ask(db: Reader) -> Iterator[Chunk]:
            for number, stream in streams_of(db, ward, bed, vital):
                for row in db.execute(_LISTED, (number, from_ms, to_ms)):
                    yield Chunk(stream, db.source, number, *row)

        return list(self.each_file(ask))

    def curve(self, series: Series, from_ms: int, to_ms: int) -> Points:
        """Return the points of a numeric vital in the files, each lot in order."""
        parts = (from_ms // PART_MS, to_ms // PART_MS)

        def ask(db: Reader) -> Iterator[bytes]:
            for number, _ in streams_of(db, *series):
                for (data,) in db.execute(_CURVE, (number, *parts, from_ms, to_ms)):
                    yield data

        return unpack_curves(self.each_file(ask))


_DATA: Final = "select data from chunk where stream=? and id=?"
_FOLDED: Final = (
    "select log from folded where stream = (select id from stream where ward=? and bed=?"
    " and vital=? and device=? and boot=?)"
)
_LISTED: Final = (
    "select id, first_ms, last_ms, readings from chunk"
    " where stream=? and last_ms>=? and first_ms<? order by id"
)
_CURVE: Final = (
    "select data from curve where stream=? and part between ? and ? and last_ms>=?"
    " and first_ms<?"
)


def not_folded(held: Tails, db: sqlite3.Connection | None) -> dict[Stream, list[Kept]]:
    """Return the tails but for those that a snapshot of their file has in chunks.

    All of a stream's tail is folded at once, and the row of the log noted up to which.
    """
    found: dict[Stream, list[Kept]] = {}
    for stream, first_log, kept in held.tails:
        row = db.execute(_FOLDED, stream).fetchone() if db is not None else None
        if row is None or row[0] < first_log:
            found[stream] = kept
    return found


def streams_of(
    db: sqlite3.Connection, ward: str, bed: str | None = None, vital: str | None = None
) -> list[tuple[int, Stream]]:
    """Return a file's streams of a ward, a bed or one of its vitals, by number."""
    sql = "select id, ward, bed, vital, device, boot from stream where ward=?"
    values = [ward]
    for name, value in (("bed", bed), ("vital", vital)):
        if value is not None:
            sql, values = f"{sql} and {name}=?", [*values, value]
    rows = db.execute(sql, values).fetchall()
    return [(number, Stream(*fields)) for number, *fields in rows]


def points_of(kept: Iterable[Kept], component: str | None) -> Points:
    """Return times and values of usable numbers; of a composite, of one component."""
    found = []
    for one in kept:
        value = one.value
        if isinstance(value, dict) and component is not None:
            value = value.get(component)  # type: ignore[assignment]  # judged by its kind
        if one.is_usable and isinstance(value, float):
            found.append((one.at_ms, value))
    times = np.array([at_ms for at_ms, _ in found], np.int64)
    return times, np.array([value for _, value in found], np.float64)
