"""What can still be read of a damaged hour, put into a new file of the same name.

A reading is in the log, and soon in a chunk as well. The log's records name themselves
twice and chunks carry checksums, so what is taken from a damaged file is what was put
there. Of what cannot be read, the new file's watermarks know nothing: it is asked for from
the devices again, and becomes a gap where they no longer hold it either.
"""

import logging
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from monitorme.contract.readings import Reading, decode_reading
from monitorme.errors import ContractError, StorageError
from monitorme_recorder import watermark as watermarks
from monitorme_recorder.hour_file import HourFile, journal_files, storage_errors
from monitorme_recorder.records import (
    Kept,
    LogRecord,
    Stream,
    before_judgement,
    pack_log,
    unpack_chunk,
    unpack_log,
)
from monitorme_recorder.watermark import Watermark

log = logging.getLogger(__name__)

ROWS_OF_AN_HOUR: Final = 1_000_000
"""No hour's log has so many rows: what is behind them is new to whoever had the hour."""
SHORTEST_ROW: Final = 64
"""Bytes that a row of the log takes at least."""
READINGS_A_ROW: Final = 500

Marks = dict[tuple[str, str], Watermark]


def salvage(damaged: Path, path: Path) -> tuple[HourFile, int]:
    """Return a new file at `path` with all that can be read, and how much that is."""
    old = _Damaged(damaged)
    new = HourFile(path)
    try:
        with new.transaction():
            readings = _Salvage(old, new, _marks_before(path)).run()
    finally:
        old.close()
    log.warning("salvaged file=%s readings=%d", damaged.name, readings)
    return new, readings


class _Damaged:
    """A damaged file; whatever cannot be read of it is left out."""

    def __init__(self, path: Path) -> None:
        self._db: sqlite3.Connection | None = None
        self._bytes = path.stat().st_size
        self._numbers: list[int] | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("pragma cell_size_check=on")
        except sqlite3.Error as error:
            log.error("nothing can be read of file=%s: %s", path.name, error)
        self.streams = self._streams()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def log_rows(self) -> Iterator[tuple[int, list[LogRecord]]]:
        """Return the readable records of the log by their row."""
        if self._numbers is None:
            self._numbers = list(range(1, self._highest() + 1))
        numbers, self._numbers = self._numbers, []
        for number in numbers:
            for (row,) in self._ask("select records from log where id=?", number):
                if records := list(self._records(row)):
                    self._numbers.append(number)
                    yield number, records

    def chunks(self) -> Iterator[tuple[Stream, list[Kept]]]:
        """Return the readable chunks."""
        for number, stream in self.streams.items():
            ids = self._ask("select id from chunk where stream=?", number)
            for (chunk,) in list(ids):
                sql = "select data from chunk where stream=? and id=?"
                for (data,) in self._ask(sql, number, chunk):
                    try:
                        yield stream, unpack_chunk(data)
                    except (zlib.error, msgspec.MsgspecError, TypeError):
                        continue

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a table up to where it is damaged."""
        yield from self._ask(f"select * from {table}")

    def _streams(self) -> dict[int, Stream]:
        sql = "select id, ward, bed, vital, device, boot from stream"
        return {
            number: Stream(*fields)
            for number, *fields in self._ask(sql)
            if all(isinstance(field, str) for field in fields)
        }

    def _highest(self) -> int:
        """Return the number of the log's last row, or one that is behind it."""
        for (found,) in self._ask("select max(id) from log"):
            return min(found or 0, ROWS_OF_AN_HOUR)
        return min(self._bytes // SHORTEST_ROW, ROWS_OF_AN_HOUR)

    def _records(self, row: bytes) -> Iterator[LogRecord]:
        try:
            for record in unpack_log(row):
                if self._is_itself(record):
                    yield record
        # Noise in place of a row: whatever it says cannot be had.
        except (struct.error, ValueError, TypeError):
            return

    def _is_itself(self, record: LogRecord) -> bool:
        """Say whether a record's head and payload name the same reading."""
        stream = self.streams.get(record.stream)
        if stream is None:
            return False
        try:
            reading = decode_reading(record.payload)
        except ContractError:
            return False
        name = (stream.device, stream.boot, record.seq)
        return name == (reading.device, reading.boot, reading.seq)

    def _ask(self, sql: str, *values: int) -> Iterator[tuple[Any, ...]]:
        if self._db is None:
            return
        try:
            yield from self._db.execute(sql, values)
        except sqlite3.Error:
            return


class _Salvage:
    """Copies what is readable, each reading once."""

    def __init__(self, old: _Damaged, new: HourFile, marks: Marks) -> None:
        self._old = old
        self._new = new
        self._marks = marks
        self._logged: Marks = {}
        self._readings = 0

    def run(self) -> int:
        """Copy all; returns the number of readings. Within a transaction."""
        new, old = self._new, self._old
        for number, records in old.log_rows():
            new.append_at(number, pack_log(self._renumbered(records)))
            for one in records:
                _mark(self._logged, old.streams[one.stream]).add(one.seq, 1)
        new.append_at(max(new.log_id, 0) + ROWS_OF_AN_HOUR, b"")
        self._append(self._from_chunks())
        new.mark_folded(new.log_id)
        self._append(self._not_in_chunks())
        self._copy_events_and_gaps()
        new.save_watermarks(
            (device, boot, watermarks.save(mark))
            for (device, boot), mark in self._marks.items()
        )
        return self._readings

    def _from_chunks(self) -> Iterator[LogRecord]:
        """Copy the chunks; returns what of them the log has not, to be logged too."""
        for stream, kept in self._old.chunks():
            fresh = [
                one for one in kept if self._is_new(stream, one.seq, one.received_ms)
            ]
            if fresh:
                self._new.add_chunk(stream, fresh)
            for one in fresh:
                if not _mark(self._logged, stream).has(one.seq):
                    yield self._record_of(stream, one)

    def _not_in_chunks(self) -> Iterator[LogRecord]:
        for _, records in self._old.log_rows():
            for one in records:
                stream = self._old.streams[one.stream]
                if self._is_new(stream, one.seq, one.received_ms):
                    yield self._renumber(one)

    def _is_new(self, stream: Stream, seq: int, now_ms: int) -> bool:
        """Note a reading; says whether it was not noted before."""
        mark = _mark(self._marks, stream)
        if mark.has(seq):
            return False
        mark.add(seq, now_ms)
        self._readings += 1
        return True

    def _append(self, records: Iterable[LogRecord]) -> None:
        batch: list[LogRecord] = []
        for one in records:
            batch.append(one)
            if len(batch) >= READINGS_A_ROW:
                self._new.append(pack_log(batch))
                batch = []
        if batch:
            self._new.append(pack_log(batch))

    def _renumbered(self, records: Iterable[LogRecord]) -> list[LogRecord]:
        return [self._renumber(one) for one in records]

    def _renumber(self, record: LogRecord) -> LogRecord:
        stream = self._old.streams[record.stream]
        return record._replace(stream=self._new.stream_number(stream))

    def _record_of(self, stream: Stream, one: Kept) -> LogRecord:
        """Return a chunk's reading as the log would have it."""
        quality, reason = before_judgement(one)
        reading = Reading(
            *(stream.device, stream.boot, one.seq, one.time_ms, one.value),
            *(quality, reason),
        )
        number = self._new.stream_number(stream)
        return LogRecord(number, one.seq, one.received_ms, reading.to_json())

    def _copy_events_and_gaps(self) -> None:
        for _, received_ms, ward, bed, kind, payload in self._old.rows("event"):
            self._new.add_event(received_ms, ward, bed, kind, payload)
        for row in self._old.rows("gap"):
            self._new.copy_gap(row)


def _mark(marks: Marks, stream: Stream) -> Watermark:
    return marks.setdefault((stream.device, stream.boot), Watermark())


def _marks_before(path: Path) -> Marks:
    """Return the watermarks with which the hour began: those of the hour before."""
    for earlier in reversed(journal_files(path.parent)):
        if earlier.name < path.name:
            try:
                return _marks_in(earlier)
            except StorageError:
                continue
    return {}


def _marks_in(path: Path) -> Marks:
    with storage_errors(path):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = db.execute("select device, boot, data from watermark").fetchall()
        finally:
            db.close()
    return {(device, boot): watermarks.load(data, 0) for device, boot, data in rows}
