"""What of the journal is not in InfluxDB yet, in order, a parcel at a time."""

import logging
import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monitorme.errors import ContractError, StorageError
from monitorme_recorder.history.hour_readers import file_number, open_read_only
from monitorme_recorder.hours import end_of, hour_of, journal_files, set_aside_files
from monitorme_recorder.influx.cursor import Cursor, State
from monitorme_recorder.influx.curve_parcel import CurveParcel, curves_behind
from monitorme_recorder.influx.lines import LineWriters, Writer
from monitorme_recorder.records import Stream, read_log

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
    goes back to no older file while it runs. Then its curves are read.
    """

    def __init__(self, folder: Path, cursor: Cursor, writers: LineWriters) -> None:
        self._folder = folder
        self._cursor = cursor
        self._writers = writers
        self._open: _OpenHour | None = None
        self._states = cursor.hours()
        self._given_up: dict[str, int | None] = {}
        """Damaged hours, and which file it was: they may be written anew."""
        self.lost_hours: list[str] = []
        self.unshipped_from_ms = 0
        """The beginning of the oldest hour that is not all in InfluxDB."""
        self.curves_from_ms = cursor.curves_from_ms
        """From when on every hour's curves are in the journal or in InfluxDB."""

    def close(self) -> None:
        """Close the file that is read."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def look(self) -> None:
        """Take note of hours that have begun, and of those that have gone."""
        paths = journal_files(self._folder)
        names = [path.stem for path in paths]
        if self.curves_from_ms is None and paths:
            self._begin_curves(hour_of(paths[0]))
        new = [name for name in names if name not in self._states]
        if new:
            self._note(new, State.SEEN)
        for name in sorted(self._states.keys() - set(names)):
            self._gone(name)
        for path in [one for one in paths if one.stem in self._given_up]:
            self._take_up_again(path)
        unshipped = [path for path in paths if self._states[path.stem] < State.WHOLE]
        if unshipped:
            self.unshipped_from_ms = hour_of(unshipped[0])

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

    def next_curves(self, rows: int) -> CurveParcel | None:
        """Return the curves that come next of finished hours; raises StorageError."""
        finished = [n for n, state in self._states.items() if state is State.LOG]
        for name in sorted(finished):
            path = self._folder / f"{name}.journal"
            try:
                parcel = curves_behind(path, self._cursor.curve_of(name), rows)
            except sqlite3.OperationalError as error:
                raise StorageError(f"{path.name}: {error}") from error
            except sqlite3.DatabaseError as error:
                log.error("curves cannot be shipped hour=%s: %s", name, error)
                self._begin_curves(end_of(path))
                parcel = None
            if parcel is not None:
                return parcel
            if path.stem in {one.stem for one in set_aside_files(self._folder)}:
                # What was salvaged is less than what InfluxDB may have had before.
                self._begin_curves(end_of(path))
            self._note([name], State.WHOLE)
        return None

    def _pending(self) -> Iterator[Path]:
        """Return the hours whose log may have something, oldest first."""
        paths = journal_files(self._folder)
        for path in paths:
            if self._states.get(path.stem, State.SEEN) is not State.SEEN:
                continue
            yield path
            # One that was given up meanwhile is whole already: for as much as can be had.
            if path != paths[-1] and self._states.get(path.stem) is State.SEEN:
                self._note([path.stem], State.LOG)

    def _gone(self, name: str) -> None:
        """Forget an hour whose file is gone; say it where InfluxDB has not all of it."""
        state = self._states.pop(name)
        self._given_up.pop(name, None)
        if self._open is not None and self._open.path.stem == name:
            self.close()
        if state is State.SEEN:
            self.lost_hours.append(name)
            log.error("hour dropped before InfluxDB had it hour=%s", name)
        if state < State.WHOLE:
            self._begin_curves(end_of(self._folder / name))
        self._cursor.forget(name)

    def _give_up(self, path: Path, error: sqlite3.Error) -> None:
        """Pass over what is behind a damage: it cannot be had, what is newer can."""
        self.lost_hours.append(path.stem)
        log.error("hour cannot be shipped hour=%s: %s", path.stem, error)
        self._begin_curves(end_of(path))
        self._note([path.stem], State.WHOLE)
        self._given_up[path.stem] = file_number(path)

    def _take_up_again(self, path: Path) -> None:
        """Go on with an hour that was damaged, once it has been written anew."""
        if file_number(path) == self._given_up[path.stem]:
            return
        del self._given_up[path.stem]
        self.lost_hours.remove(path.stem)
        self._note([path.stem], State.SEEN)
        log.info("a damaged hour is shipped after all hour=%s", path.stem)

    def _note(self, names: list[str], state: State) -> None:
        self._cursor.note(names, state)
        self._states.update(dict.fromkeys(names, state))

    def _begin_curves(self, time_ms: int) -> None:
        """Trust curves from a time on, and no sooner than so far."""
        time_ms = max(time_ms, self.curves_from_ms or 0)
        self._cursor.set_curves_from(time_ms)
        self.curves_from_ms = time_ms

    def _parcel_of(self, path: Path, lines: int) -> Parcel | None:
        try:
            hour = self._hour(path)
            return hour.parcel(self._cursor.of(path.stem), lines, self._writers)
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                # An hour that is just being made.
                return None
            raise StorageError(f"{path.name}: {error}") from error
        except sqlite3.DatabaseError as error:
            self._give_up(path, error)
            return None

    def _hour(self, path: Path) -> "_OpenHour":
        if self._open is None or not self._open.is_of(path):
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

    def is_of(self, path: Path) -> bool:
        """Say whether it is what a path names now."""
        return self.path == path and self._db.is_of(path)

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

    def _add(self, parcel: Parcel, row: bytes, writers: LineWriters) -> None:
        try:
            records = list(read_log(row))
        except (ValueError, struct.error) as error:
            # One damaged row is not to hold up all that comes after it.
            parcel.unreadable += 1
            log.error("a row of the log is damaged row=%d: %s", parcel.last_row, error)
            return
        known = self._known
        for record in records:
            number = record[0]
            writer = known.get(number)
            if writer is None:
                known = self._learn(writers)
                writer = known[number]
            try:
                line = writer.write(record)
            except ContractError as error:
                # It stays in the journal; the catalogue has changed since.
                parcel.unreadable += 1
                log.warning("no line for a reading: %s", error)
                continue
            (parcel.waveforms if writer.is_waveform else parcel.readings).append(line)
        if records:
            parcel.first_ms = parcel.first_ms or records[0][2]

    def _learn(self, writers: LineWriters) -> dict[int, Writer]:
        rows = self._db.execute("select id, ward, bed, vital, device, boot from stream")
        self._known = {row[0]: writers.of(Stream(*row[1:])) for row in rows}
        return self._known
