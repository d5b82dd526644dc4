"""One hour of the journal: a SQLite file with an append-only log, and chunks to read.

The log is the promise: a batch is one row, on disk when its transaction ends. Chunks are
for reading: what is in memory of a stream is folded into one when it is enough, or old,
with its roll-up, and its numbers are added to the stream's curve for buckets; up to which
row of the log a stream is in chunks is noted in the same transaction. What is not is read
from the log again when the recorder starts.
"""

import logging
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from monitorme.errors import StorageError
from monitorme_recorder.curve import curve_of, numbers_of
from monitorme_recorder.events import EventTable
from monitorme_recorder.records import (
    Kept,
    LogRecord,
    Stream,
    pack_chunk,
    roll_up,
    unpack_log,
)
from monitorme_recorder.spans import Span

log = logging.getLogger(__name__)

ROWS_OF_AN_HOUR: Final = 1_000_000
"""No hour's log has so many rows: what is behind them is new to whoever had the hour."""
_SCHEMA: Final = """
create table if not exists stream(
    id integer primary key, ward text, bed text, vital text, device text, boot text,
    unique (ward, bed, vital, device, boot));
create table if not exists log(id integer primary key, records blob not null);
create table if not exists chunk(
    stream integer not null, id integer not null,
    first_ms integer not null, last_ms integer not null, readings integer not null,
    count integer not null, low real, high real, total real, data blob not null,
    primary key (stream, id)) without rowid;
create table if not exists curve(
    stream integer not null, part integer not null,
    first_ms integer not null, last_ms integer not null, data blob not null,
    primary key (stream, part)) without rowid;
create table if not exists folded(stream integer primary key, log integer not null);
create table if not exists watermark(
    device text, boot text, data blob not null, primary key (device, boot))
    without rowid;
create table if not exists opening(
    device text, boot text, data blob not null, primary key (device, boot))
    without rowid;
create table if not exists event(
    id integer primary key, received_ms integer not null,
    ward text not null, bed text not null, kind text not null, payload blob not null);
create index if not exists event_by_bed on event(ward, bed, received_ms);
create table if not exists gap(
    ward text, bed text, device text, boot text, first integer, last integer,
    noticed_ms integer, reason text, from_ms integer, to_ms integer,
    primary key (device, boot, first)) without rowid;
create table if not exists meta(name text primary key, value integer) without rowid;
"""
# The bytes of blobs are joined as they are; the cast keeps the outcome a blob.
_EXTEND_CURVE: Final = (
    "insert into curve values(?,?,?,?,?) on conflict(stream, part) do update set"
    " first_ms=min(first_ms, excluded.first_ms), last_ms=max(last_ms, excluded.last_ms),"
    " data=cast(data || excluded.data as blob)"
)


class HourFile:
    """The file of one hour, open for writing by one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with storage_errors(path):
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False
            )
            try:
                self._begin()
            except sqlite3.Error:
                # Closed late, it would take away what is beside a file of its name.
                self._db.close()
                raise

    def _begin(self) -> None:
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._is_synced = True
        self._db.execute("pragma wal_autocheckpoint=4000")
        self._db.executescript(_SCHEMA)
        self._grow()
        newest = self._db.execute("select max(id) from log").fetchone()
        self.log_id: int = newest[0] or 0
        self._streams = {stream: number for number, stream in self.streams()}
        self.events = EventTable(self._db)

    def _grow(self) -> None:
        """Add what a file of an earlier version does not have."""
        known = {row[1] for row in self._db.execute("pragma table_info(gap)")}
        for name in ("from_ms", "to_ms"):
            if name not in known:
                self._db.execute(f"alter table gap add column {name} integer")

    def close(self) -> None:
        """Close the file, its write-ahead log folded in.

        SQLite does that by itself only where nobody else has the file open, and history
        keeps finished hours open. Where somebody reads just then, the log stays.
        """
        with suppress(sqlite3.Error):
            self._db.execute("pragma busy_timeout=0")
            self._db.execute("pragma wal_checkpoint(truncate)")
        self._db.close()

    def check(self) -> None:
        """Raise StorageError where the file is damaged."""
        with storage_errors(self.path):
            (answer,) = self._db.execute("pragma quick_check(1)").fetchone()
        if answer != "ok":
            raise StorageError(f"{self.path.name}: {answer}")

    @property
    def is_begun(self) -> bool:
        """Whether anything has been written to it."""
        tables = ("log", "watermark", "event", "chunk")
        sql = " or ".join(f"exists(select 1 from {name})" for name in tables)
        with storage_errors(self.path):
            (answer,) = self._db.execute(f"select {sql}").fetchone()
        return bool(answer)

    @contextmanager
    def transaction(self, *, is_synced: bool = True) -> Iterator[None]:
        """Do all or nothing; on disk when it ends. Raises StorageError.

        One that is not synced is on disk with the next that is, or not at all.
        """
        with storage_errors(self.path):
            self._sync(is_synced=is_synced)
            self._db.execute("begin immediate")
            try:
                yield
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                # What was numbered in a transaction that failed is not on disk.
                self.events.read_again()
                self._streams = {stream: number for number, stream in self.streams()}
                raise

    def _sync(self, *, is_synced: bool) -> None:
        if is_synced != self._is_synced:
            self._db.execute(f"pragma synchronous={'full' if is_synced else 'normal'}")
            self._is_synced = is_synced

    def stream_number(self, stream: Stream) -> int:
        """Return the number of a stream in this file, giving it one if need be."""
        number = self._streams.get(stream)
        if number is None:
            cursor = self._db.execute(
                "insert into stream(ward, bed, vital, device, boot) values(?,?,?,?,?)",
                stream,
            )
            assert cursor.lastrowid is not None
            number = self._streams[stream] = cursor.lastrowid
        return number

    def keep_stream(self, number: int, stream: Stream) -> None:
        """Give a stream the number that it had in another file, where both are free."""
        sql = "insert or ignore into stream values(?,?,?,?,?,?)"
        if self._db.execute(sql, (number, *stream)).rowcount:
            self._streams[stream] = number

    def append(self, records: bytes) -> int:
        """Append a row to the log; returns its id."""
        cursor = self._db.execute("insert into log(records) values(?)", (records,))
        assert cursor.lastrowid is not None
        self.log_id = cursor.lastrowid
        return self.log_id

    def append_at(self, log_id: int, records: bytes) -> None:
        """Put a row into the log under an id that is free."""
        self._db.execute("insert into log values(?,?)", (log_id, records))
        self.log_id = max(self.log_id, log_id)

    def has_row(self, log_id: int) -> bool:
        """Say whether the log has a row."""
        found = self._db.execute("select 1 from log where id=?", (log_id,))
        return found.fetchone() is not None

    def add_gap(
        self,
        stream: Stream,
        span: Span,
        noticed_ms: int,
        reason: str,
        around: tuple[int | None, int | None] = (None, None),
    ) -> None:
        """Write down readings that nobody can give, and the times around them."""
        self._db.execute(
            "insert or replace into gap(ward, bed, device, boot, first, last,"
            " noticed_ms, reason, from_ms, to_ms) values(?,?,?,?,?,?,?,?,?,?)",
            (
                *(stream.ward, stream.bed, stream.device, stream.boot),
                *(span.first, span.last, noticed_ms, reason, *around),
            ),
        )

    def copy_gap(self, row: tuple[object, ...]) -> None:
        """Write down a row of another file's table of gaps."""
        marks = ",".join("?" * len(row))
        self._db.execute(f"insert or replace into gap values({marks})", row)

    def add_chunk(self, stream: Stream, kept: list[Kept]) -> int:
        """Fold readings of a stream into a chunk: all of it that the log has so far.

        Returns the chunk's id; those of a stream are in order of arrival.
        """
        number = self.stream_number(stream)
        chunk: int
        (chunk,) = self._db.execute(
            "select coalesce(max(id), 0) + 1 from chunk where stream=?", (number,)
        ).fetchone()
        times = [one.at_ms for one in kept]
        numbers = numbers_of(kept)
        self._db.execute(
            "insert into chunk values(?,?,?,?,?,?,?,?,?,?)",
            (
                *(number, chunk, min(times), max(times), len(kept)),
                *roll_up([value for _, value in numbers]),
                pack_chunk(kept),
            ),
        )
        for part in curve_of(numbers):
            self._db.execute(_EXTEND_CURVE, (number, *part))
        self._db.execute(
            "insert or replace into folded values(?,?)", (number, self.log_id)
        )
        return chunk

    def order_chunks(self, stream: Stream, places: list[tuple[int, int]]) -> None:
        """Give a stream's chunks ids in order of arrival again.

        `places` has until when the readings of each came, and its id.
        """
        number = self.stream_number(stream)
        ordered = sorted(places)
        if ordered == places:
            return
        change = "update chunk set id=? where stream=? and id=?"
        moves = [(-new, number, old) for new, (_, old) in enumerate(ordered, 1)]
        self._db.executemany(change, moves)
        self._db.execute("update chunk set id=-id where stream=?", (number,))

    def mark_folded(self, log_id: int) -> None:
        """Note that everything in the log up to a row is in chunks."""
        self._db.execute("insert or replace into meta values('folded', ?)", (log_id,))

    def save_watermarks(self, saved: Iterable[tuple[str, str, bytes]]) -> None:
        """Write watermarks down: device, boot, data."""
        self._db.executemany("insert or replace into watermark values(?,?,?)", saved)

    def save_opening(self, saved: Iterable[tuple[str, str, bytes]]) -> None:
        """Write down the watermarks with which the hour began."""
        self._db.executemany("insert or replace into opening values(?,?,?)", saved)
        self._db.execute("insert or replace into meta values('has_opening', 1)")

    def watermarks(self) -> Iterator[tuple[str, str, bytes]]:
        """Return the watermarks that were written down."""
        yield from self._db.execute("select device, boot, data from watermark")

    def streams(self) -> Iterator[tuple[int, Stream]]:
        """Return the streams by number."""
        rows = self._db.execute("select id, ward, bed, vital, device, boot from stream")
        for number, *fields in rows:
            yield number, Stream(*fields)

    def since_checkpoint(self) -> Iterator[tuple[int, LogRecord, bool]]:
        """Return the log's records of which the watermarks may not know yet.

        With each, the id of its row, and whether it is in a chunk already.
        """
        folded = dict(self._db.execute("select stream, log from folded"))
        rows = self._db.execute(
            "select id, records from log where id >"
            " coalesce((select value from meta where name='folded'), 0) order by id"
        )
        for log_id, row in rows:
            try:
                records = list(unpack_log(row))
            except (ValueError, struct.error) as error:
                log.error("a row of the log is damaged row=%d: %s", log_id, error)
                continue
            for record in records:
                yield log_id, record, log_id <= folded.get(record.stream, 0)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into a StorageError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"{path.name}: {error}") from error
