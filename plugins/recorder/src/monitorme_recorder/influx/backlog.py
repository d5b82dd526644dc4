"""What of the journal is not in InfluxDB yet, in order, a parcel at a time."""

import logging
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monitorme.errors import ContractError, StorageError
from monitorme_recorder.history.hour_readers import open_read_only
from monitorme_recorder.hour_file import hour_of, journal_files
from monitorme_recorder.influx.cursor import Cursor
from monitorme_recorder.influx.lines import LineWriters, Writer
from monitorme_recorder.records import Stream, unpack_log

log = logging.getLogger(__name__)

MOST_BYTES: Final = 4 * 1024 * 1024
"""About so much of the log goes into a parcel: this bounds what is in memory."""


@dataclass(slots=True)
class Parcel:
    """Lines of successive rows of an hour's log, and where they end."""

    hour: str
    rows: int = 0
    last_row: int = 0
    readings: list[str] = field(default_factory=list)
    waveforms: list[str] = field(default_factory=list)
    first_ms: int = 0
    """When the first of its readings came."""
    unreadable: int = 0
    log_bytes: int = 0

    def is_full(self, lines: int) -> bool:
        """Say whether it has so many lines, or more bytes than is good."""
        return (
            len(self.readings) + len(self.waveforms) >= lines
            or self.log_bytes >= MOST_BYTES
        )


class Backlog:
    """Reads the log of the hours, oldest first, after the cursor; for one thread.

    An hour that is read to its end while a newer one exists is finished: the recorder
    goes back to no older file while it runs.
    """

    def __init__(self, folder: Path, cursor: Cursor, writers: LineWriters) -> None:
        self._folder = folder
        self._cursor = cursor
        self._writers = writers
        self._open: _OpenHour | None = None
        self._finished = ""
        self._given_up: set[str] = set()
        self.lost_hours: list[str] = []
        self.unshipped_from_ms = 0
        """The beginning of the oldest hour that is not all in InfluxDB."""

    def close(self) -> None:
        """Close the file that is read."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def next_parcel(self, lines: int) -> Parcel | None:
        """Return what comes next, or None where all is shipped; raises StorageError.

        Comes with the same again until the cursor has advanced.
        """
        for path in self._pending():
            parcel = self._parcel_of(path, lines)
            if parcel is not None:
                return parcel
        return None

    def following(self, parcel: Parcel, lines: int) -> Parcel | None:
        """Return what comes behind a parcel in its hour, before that is confirmed.

        None where there is not as much again yet, and where the hour is gone or cannot
        be read: `next_parcel` says why.
        """
        hour = self._open
        if hour is None or hour.path.stem != parcel.hour or not hour.path.exists():
            return None
        try:
            if hour.rows_behind(parcel.last_row) < parcel.rows:
                return None
            return hour.parcel(parcel.last_row, lines, self._writers)
        except sqlite3.Error:
            return None

    def _pending(self) -> Iterator[Path]:
        """Return the hours that may have something, oldest first."""
        paths = journal_files(self._folder)
        self._notice_dropped(paths)
        for path in [one for one in paths if one.stem > self._finished]:
            self.unshipped_from_ms = hour_of(path)
            if path.stem not in self._given_up:
                yield path
            if path != paths[-1]:
                self._finished = path.stem
                self._cursor.forget_before(paths[0].stem)

    def _notice_dropped(self, paths: list[Path]) -> None:
        """Say it where the hour that is read has gone with something unshipped."""
        reading = self._open
        if reading is None or reading.path in paths:
            return
        self.close()
        if reading.path.stem > self._finished:
            self.lost_hours.append(reading.path.stem)
            log.error("hour dropped before InfluxDB had it hour=%s", reading.path.stem)

    def _parcel_of(self, path: Path, lines: int) -> Parcel | None:
        try:
            hour = self._hour(path)
            return hour.parcel(self._cursor.of(path.stem), lines, self._writers)
        except sqlite3.OperationalError as error:
            raise StorageError(f"{path.name}: {error}") from error
        except sqlite3.DatabaseError as error:
            # Damaged: what is behind the damage cannot be had, what is newer can.
            self._given_up.add(path.stem)
            self.lost_hours.append(path.stem)
            log.error("hour cannot be shipped hour=%s: %s", path.stem, error)
            return None

    def _hour(self, path: Path) -> "_OpenHour":
        if self._open is None or self._open.path != path:
            self.close()
            self._open = _OpenHour(path)
        return self._open


class _OpenHour:
    """An hour's file, open for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = open_read_only(path)
        self._known: dict[int, Writer] = {}

    def close(self) -> None:
        self._db.close()

    def rows_behind(self, row: int) -> int:
        """Return how many rows come behind one."""
        (newest,) = self._db.execute("select max(id) from log").fetchone()
        return max(0, (newest or 0) - row)

    def parcel(self, after: int, lines: int, writers: LineWriters) -> Parcel | None:
        """Return the lines of the rows behind one; None where there are none."""
        parcel = Parcel(self.path.stem)
        rows = self._db.execute(
            "select id, records from log where id > ? order by id", (after,)
        )
        for number, records in rows:
            parcel.rows += 1
            parcel.last_row = number
            parcel.log_bytes += len(records)
            self._add(parcel, records, writers)
            if parcel.is_full(lines):
                break
        rows.close()
        return parcel if parcel.last_row else None

    def _add(self, parcel: Parcel, records: bytes, writers: LineWriters) -> None:
        first_ms = 0
        try:
            unpacked = list(unpack_log(records))
        except (ValueError, struct.error) as error:
            # One damaged row is not to hold up all that comes after it.
            parcel.unreadable += 1
            log.error("a row of the log is damaged row=%d: %s", parcel.last_row, error)
            return
        for record in unpacked:
            number = record.stream
            writer = self._known.get(number) or self._learn(number, writers)
            try:
                line = writer.write(record)
            except ContractError as error:
                # It stays in the journal; the catalogue has changed since.
                parcel.unreadable += 1
                log.warning("no line for a reading: %s", error)
                continue
            (parcel.waveforms if writer.is_waveform else parcel.readings).append(line)
            first_ms = first_ms or record.received_ms
        parcel.first_ms = parcel.first_ms or first_ms

    def _learn(self, number: int, writers: LineWriters) -> Writer:
        rows = self._db.execute("select id, ward, bed, vital, device, boot from stream")
        self._known = {row[0]: writers.of(Stream(*row[1:])) for row in rows}
        return self._known[number]
