"""The parts that a journal's answer is made of: chunks in files, and what is in memory.

Chunks and memory are listed as of one moment, so that a reading is in one of them and
never in both; without waiting for the writer, which may be folding for 100 ms. A chunk
never changes; it is loaded when it is needed, without a snapshot, so that a slow listener
holds nothing up.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from monitorme.errors import StorageError
from monitorme_recorder.curve import PART_MS, Points, unpack_curves
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history_store import Series
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store
from monitorme_recorder.tracks import Tails

SNAPSHOTS: Final = 2
"""Files of which a snapshot is taken: the hour that is written, and the one before."""


class Chunk(NamedTuple):
    """A chunk as it is listed: its span, and where it lies."""

    stream: Stream
    path: Path
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
            open_files = {
                path: stack.enter_context(self._snapshot(path))
                for path in chosen[-SNAPSHOTS:]
            }
            tails = not_folded(held, open_files.get(held.path))
            yield Moment(self._readers, tails, chosen, open_files)

    def load(self, chunk: Chunk) -> list[Kept]:
        """Return a chunk's readings, none where its file has been dropped meanwhile."""
        sql = "select data from chunk where stream=? and id=?"
        try:
            with self._readers.borrow(chunk.path) as db:
                row = db.execute(sql, (chunk.number, chunk.id)).fetchone()
        except StorageError:
            if chunk.path.exists():
                raise
            return []
        return self._readers.unpack(chunk.path, row[0]) if row is not None else []

    @contextmanager
    def _snapshot(self, path: Path) -> Iterator[sqlite3.Connection]:
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
        open_files: dict[Path, sqlite3.Connection],
    ) -> None:
        self.tails = tails
        self.paths = paths
        self._readers = readers
        self._open_files = open_files

    def each_file(
        self,
        ask: Callable[[Path, sqlite3.Connection], None],
        *,
        newest_first: bool = False,
    ) -> None:
        """Ask each file in turn; one that is damaged or gone is passed over."""
        for path in reversed(self.paths) if newest_first else self.paths:
            db = self._open_files.get(path)
            if db is not None:
                ask(path, db)
                continue
            try:
                with self._readers.borrow(path) as borrowed:
                    ask(path, borrowed)
            except StorageError:
                if path.exists() and path.name not in self._readers.damaged:
                    raise

    def chunks(
        self, ward: str, bed: str, vital: str, from_ms: int, to_ms: int
    ) -> list[Chunk]:
        """Return the chunks of a vital that may hold readings of a time."""
        found: list[Chunk] = []

        def ask(path: Path, db: sqlite3.Connection) -> None:
            for number, stream in streams_of(db, ward, bed, vital):
                rows = db.execute(_LISTED, (number, from_ms, to_ms)).fetchall()
                found.extend(_chunk(stream, path, number, row) for row in rows)

        self.each_file(ask)
        return found

    def curve(self, series: Series, from_ms: int, to_ms: int) -> Points:
        """Return the points of a numeric vital in the files, each lot in order."""
        lots: list[bytes] = []
        parts = (from_ms // PART_MS, to_ms // PART_MS)

        def ask(path: Path, db: sqlite3.Connection) -> None:
            for number, _ in streams_of(db, *series):
                found = db.execute(_CURVE, (number, *parts, from_ms, to_ms))
                lots.extend(data for (data,) in found)

        self.each_file(ask)
        return unpack_curves(lots)


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
    db: sqlite3.Connection, ward: str, bed: str, vital: str | None = None
) -> list[tuple[int, Stream]]:
    """Return a file's streams of a bed, or of one of its vitals, by number."""
    sql = "select id, ward, bed, vital, device, boot from stream where ward=? and bed=?"
    values = [ward, bed]
    if vital is not None:
        sql, values = sql + " and vital=?", [*values, vital]
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


def _chunk(stream: Stream, path: Path, number: int, row: tuple) -> Chunk:  # type: ignore[type-arg]  # a row of _LISTED
    return Chunk(stream, path, number, *row)
