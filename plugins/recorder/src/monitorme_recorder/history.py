"""Reading the journal: over all hours' files, and what is still in memory."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.errors import StorageError
from monitorme_recorder.hour_file import HOUR_MS, hour_of, journal_files
from monitorme_recorder.records import Kept, RollUp, Stream, roll_up, unpack_chunk
from monitorme_recorder.store import Store

LATE_HOURS: Final = 48
"""A reading may lie in a file of a later hour than its own: it came late."""


class ChunkRow(NamedTuple):
    """A chunk as it is listed: its span and roll-up, and how to get its readings."""

    first_ms: int
    last_ms: int
    readings: int
    numbers: RollUp
    load: Callable[[], list[Kept]]


class Bucket(NamedTuple):
    """The numbers of one vital between two times; the end is not included."""

    start_ms: int
    end_ms: int
    numbers: int
    low: float
    high: float
    mean: float


class StoredGap(NamedTuple):
    """Readings that nobody can give any more."""

    device: str
    boot: str
    first_seq: int
    last_seq: int
    noticed_ms: int
    reason: str


class StoredEvent(NamedTuple):
    """An alarm, an admission or an event, as it arrived."""

    received_ms: int
    kind: str
    payload: bytes


class History:
    """Answers questions about what the store holds; used from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def vitals(self, ward: str, bed: str) -> list[str]:
        """Return the vitals of which a bed has readings."""
        with self._store.lock:
            streams = self._store.tail_streams()
        found = {stream.vital for stream in streams if stream[:2] == (ward, bed)}
        for path in journal_files(self._store.folder):
            with closing(_read_only(path)) as db:
                rows = db.execute(
                    "select distinct vital from stream where ward=? and bed=?",
                    (ward, bed),
                )
                found.update(vital for (vital,) in rows)
        return sorted(found)

    def readings(
        self, ward: str, bed: str, vital: str, from_ms: int, to_ms: int
    ) -> Iterator[tuple[Stream, Kept]]:
        """Return a bed's readings of a vital in order of time; `to_ms` is excluded."""
        found: list[tuple[Stream, Kept]] = []
        for stream, chunks, tail in self._parts(ward, bed, vital, from_ms, to_ms):
            for chunk in chunks:
                found += [(stream, one) for one in chunk.load()]
            found += [(stream, one) for one in tail]
        inside = [pair for pair in found if from_ms <= pair[1].at_ms < to_ms]
        return iter(sorted(inside, key=lambda pair: (pair[1].at_ms, pair[1].seq)))

    def latest(self, ward: str, bed: str, vital: str, now_ms: int) -> Kept | None:
        """Return the newest reading of a vital by its time, if there is one."""
        newest: Kept | None = None
        for path in (None, *reversed(journal_files(self._store.folder))):
            for kept in self._newest_in(path, ward, bed, vital):
                if newest is None or kept.at_ms > newest.at_ms:
                    newest = kept
            if newest is not None:
                return newest
        return None

    def buckets(
        self,
        ward: str,
        bed: str,
        vital: str,
        from_ms: int,
        to_ms: int,
        count: int,
        component: str | None = None,
    ) -> list[Bucket]:
        """Return `count` equal buckets of a vital's usable numbers, empty ones left out.

        A chunk that lies within one bucket is taken by its roll-up, unread.
        """
        width_ms = max(1, -(-(to_ms - from_ms) // count))
        sums: dict[int, list[float]] = {}
        for _, chunks, tail in self._parts(ward, bed, vital, from_ms, to_ms):
            for chunk in chunks:
                first = (chunk.first_ms - from_ms) // width_ms
                last = (chunk.last_ms - from_ms) // width_ms
                inside = chunk.first_ms >= from_ms and chunk.last_ms < to_ms
                if component is None and first == last and inside:
                    _add(sums, first, chunk.numbers)
                else:
                    self._spread(
                        sums, chunk.load(), from_ms, to_ms, width_ms, component
                    )
            self._spread(sums, tail, from_ms, to_ms, width_ms, component)
        return [
            Bucket(
                from_ms + index * width_ms,
                from_ms + (index + 1) * width_ms,
                int(numbers),
                low,
                high,
                total / numbers,
            )
            for index, (numbers, low, high, total) in sorted(sums.items())
        ]

    def events(
        self, ward: str, bed: str, from_ms: int, to_ms: int, limit: int
    ) -> list[StoredEvent]:
        """Return alarms, admissions and events of a bed, in order of arrival."""
        rows: list[StoredEvent] = []
        for path in _between(journal_files(self._store.folder), from_ms, to_ms):
            with closing(_read_only(path)) as db:
                found = db.execute(
                    "select received_ms, kind, payload from event where ward=? and"
                    " bed=? and received_ms>=? and received_ms<? order by received_ms",
                    (ward, bed, from_ms, to_ms),
                )
                rows += [StoredEvent(*row) for row in found]
        return rows[:limit]

    def gaps(self, ward: str, bed: str) -> list[StoredGap]:
        """Return the gaps of a bed's devices that nobody can fill."""
        rows: list[StoredGap] = []
        for path in journal_files(self._store.folder):
            with closing(_read_only(path)) as db:
                found = db.execute(
                    "select device, boot, first, last, noticed_ms, reason from gap"
                    " where ward=? and bed=? order by noticed_ms",
                    (ward, bed),
                )
                rows += [StoredGap(*row) for row in found]
        return rows

    def everything(self) -> Iterator[tuple[Stream, Kept]]:
        """Return every reading that is stored, stream by stream."""
        with self._store.lock:
            tails = {s: self._store.tail(s) for s in self._store.tail_streams()}
            databases = [_snapshot(path) for path in journal_files(self._store.folder)]
        for db in databases:
            with closing(db):
                rows = db.execute(
                    "select ward, bed, vital, device, boot, data from chunk"
                    " join stream on stream.id = chunk.stream"
                )
                for *fields, data in rows:
                    for kept in unpack_chunk(data):
                        yield Stream(*fields), kept
        for stream, tail in tails.items():
            for kept in tail:
                yield stream, kept

    def count(self) -> int:
        """Return how many readings are stored."""
        with self._store.lock:
            total = sum(len(self._store.tail(s)) for s in self._store.tail_streams())
            databases = [_snapshot(path) for path in journal_files(self._store.folder)]
        for db in databases:
            with closing(db):
                (readings,) = db.execute(
                    "select coalesce(sum(readings), 0) from chunk"
                ).fetchone()
                total += readings
        return total

    def _parts(
        self, ward: str, bed: str, vital: str, from_ms: int, to_ms: int
    ) -> Iterator[tuple[Stream, list[ChunkRow], list[Kept]]]:
        """Return chunks and tail of every stream of a bed's vital, as of one moment."""
        with self._store.lock:
            tails = {
                s: self._store.tail(s)
                for s in self._store.tail_streams()
                if s[:3] == (ward, bed, vital)
            }
            paths = _between(journal_files(self._store.folder), from_ms, to_ms)
            databases = [_snapshot(path) for path in paths]
        try:
            chunks: dict[Stream, list[ChunkRow]] = {}
            for db in databases:
                _list_chunks(db, chunks, (ward, bed, vital), from_ms, to_ms)
            for stream in {**chunks, **tails}:
                yield stream, chunks.get(stream, []), tails.get(stream, [])
        finally:
            for db in databases:
                db.close()

    def _newest_in(
        self, path: Path | None, ward: str, bed: str, vital: str
    ) -> Iterator[Kept]:
        if path is None:
            with self._store.lock:
                for stream in self._store.tail_streams():
                    if stream[:3] == (ward, bed, vital):
                        yield max(self._store.tail(stream), key=attrgetter("at_ms"))
            return
        with closing(_read_only(path)) as db:
            rows = db.execute(
                "select data from chunk join stream on stream.id = chunk.stream where"
                " ward=? and bed=? and vital=? order by last_ms desc limit 1",
                (ward, bed, vital),
            )
            for (data,) in rows:
                yield max(unpack_chunk(data), key=attrgetter("at_ms"))

    def _spread(
        self,
        sums: dict[int, list[float]],
        readings: list[Kept],
        from_ms: int,
        to_ms: int,
        width_ms: int,
        component: str | None,
    ) -> None:
        """Add readings to the buckets that they fall into."""
        parts: dict[int, list[Kept]] = {}
        for one in readings:
            if from_ms <= one.at_ms < to_ms:
                parts.setdefault((one.at_ms - from_ms) // width_ms, []).append(one)
        for index, inside in parts.items():
            _add(sums, index, roll_up(inside, component))


def _add(sums: dict[int, list[float]], index: int, numbers: RollUp) -> None:
    if not numbers.numbers:
        return
    known = sums.get(index)
    if known is None:
        sums[index] = [float(numbers.numbers), *numbers[1:]]
    else:
        known[0] += numbers.numbers
        known[1] = min(known[1], numbers.low)
        known[2] = max(known[2], numbers.high)
        known[3] += numbers.total


def _list_chunks(
    db: sqlite3.Connection,
    chunks: dict[Stream, list[ChunkRow]],
    key: tuple[str, str, str],
    from_ms: int,
    to_ms: int,
) -> None:
    streams = db.execute(
        "select id, device, boot from stream where ward=? and bed=? and vital=?", key
    ).fetchall()
    for number, device, boot in streams:
        rows = db.execute(
            "select id, first_ms, last_ms, readings, count, low, high, total from chunk"
            " where stream=? and last_ms>=? and first_ms<?",
            (number, from_ms, to_ms),
        )
        listed = chunks.setdefault(Stream(*key, device, boot), [])
        for chunk, first_ms, last_ms, readings, *numbers in rows:
            load = _loader(db, number, chunk)
            listed.append(ChunkRow(first_ms, last_ms, readings, RollUp(*numbers), load))


def _loader(
    db: sqlite3.Connection, stream: int, chunk: int
) -> Callable[[], list[Kept]]:
    def load() -> list[Kept]:
        (data,) = db.execute(
            "select data from chunk where stream=? and id=?", (stream, chunk)
        ).fetchone()
        return unpack_chunk(data)

    return load


def _between(paths: list[Path], from_ms: int, to_ms: int) -> list[Path]:
    """Return the files that may hold readings of a time: its hours, and later ones."""
    latest_ms = to_ms + LATE_HOURS * HOUR_MS
    return [
        path
        for path in paths
        if hour_of(path) + HOUR_MS > from_ms and hour_of(path) < latest_ms
    ]


def _read_only(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, timeout=5, check_same_thread=False
        )
        db.execute("pragma query_only=on")
    except sqlite3.Error as error:
        raise StorageError(f"{path.name}: {error}") from error
    return db


def _snapshot(path: Path) -> sqlite3.Connection:
    """Open a file for reading as it is now, whatever is written meanwhile."""
    db = _read_only(path)
    db.isolation_level = None
    db.execute("begin")
    db.execute("select 1 from meta limit 1").fetchone()
    return db
