"""What can still be read of a damaged hour, put into a new file of the same name.

Of what cannot be read, the new file's watermarks know nothing: it is asked for from the
devices again, and becomes a gap where they no longer hold it either.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from monitorme.contract.readings import Reading
from monitorme.errors import StorageError
from monitorme_recorder import watermark as watermarks
from monitorme_recorder.damaged_file import DamagedFile
from monitorme_recorder.hour_file import (
    ROWS_OF_AN_HOUR,
    HourFile,
    journal_files,
    storage_errors,
)
from monitorme_recorder.pages import Pages
from monitorme_recorder.records import (
    Kept,
    LogRecord,
    Stream,
    before_judgement,
    pack_log,
)
from monitorme_recorder.watermark import Watermark

log = logging.getLogger(__name__)

READINGS_A_ROW: Final = 500

Marks = dict[tuple[str, str], Watermark]


def salvage(damaged: Path, path: Path) -> tuple[HourFile, int]:
    """Return a new file at `path` with all that can be read, and how much that is."""
    new = HourFile(path)
    with Pages(damaged) as pages, new.transaction():
        readings = _Salvage(DamagedFile(pages), new, _marks_before(path)).run()
    log.warning("salvaged file=%s readings=%d", damaged.name, readings)
    return new, readings


class _Salvage:
    """Copies what is readable, each reading once."""

    def __init__(self, old: DamagedFile, new: HourFile, marks: Marks) -> None:
        self._old = old
        self._new = new
        self._marks = marks
        self._logged: Marks = {}
        self._readings = 0

    def run(self) -> int:
        """Copy all; returns the number of readings. Within a transaction."""
        new, old = self._new, self._old
        for number, stream in sorted(old.streams.items()):
            new.keep_stream(number, stream)
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
        for _, event in self._old.events():
            self._new.add_event(*event)
        for row in self._old.gaps():
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
