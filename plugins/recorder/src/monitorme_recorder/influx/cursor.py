"""How far each hour of the journal is in InfluxDB: a small SQLite file of its own.

An hour is known from when it is first seen until its file is gone: so what has gone
before InfluxDB had it is noticed, whenever that was.
"""

import sqlite3
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Final, Self

from monitorme_recorder.hour_file import storage_errors

_SCHEMA = """
create table if not exists shipped(
    hour text primary key, log_id integer not null) without rowid;
create table if not exists hour(
    name text primary key, state integer not null,
    stream integer not null default 0, part integer not null default 0) without rowid;
create table if not exists meta(name text primary key, value integer not null)
    without rowid;
"""
_CURVES_FROM: Final = "curves_from_ms"


class State(IntEnum):
    """What of an hour InfluxDB has."""

    SEEN = 0
    LOG = 1
    """Every reading: its log is finished, and all of it confirmed."""
    WHOLE = 2
    """Its curves too."""


CurvePlace = tuple[int, int]
"""A row of an hour's curves: the stream's number, and which five minutes."""


class Cursor:
    """The last row of each hour's log that InfluxDB has confirmed; for one thread.

    It may be behind what InfluxDB has, never ahead: what is sent again changes nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False
            )
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=normal")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, hour: str) -> int:
        """Return the last row of an hour that is confirmed; 0 before the first."""
        with storage_errors(self._path):
            row = self._db.execute(
                "select log_id from shipped where hour=?", (hour,)
            ).fetchone()
        return int(row[0]) if row else 0

    def advance(self, hour: str, log_id: int) -> None:
        """Note that an hour's log is confirmed up to a row."""
        with storage_errors(self._path):
            self._db.execute(
                "insert or replace into shipped values(?,?)", (hour, log_id)
            )

    def hours(self) -> dict[str, State]:
        """Return the hours that are known, by name."""
        with storage_errors(self._path):
            rows = self._db.execute("select name, state from hour").fetchall()
        return {name: State(state) for name, state in rows}

    def note(self, hours: Iterable[str], state: State) -> None:
        """Note what InfluxDB has of hours."""
        with storage_errors(self._path):
            self._db.executemany(
                "insert into hour(name, state) values(?,?)"
                " on conflict(name) do update set state=excluded.state",
                [(hour, state) for hour in hours],
            )

    def curve_of(self, hour: str) -> CurvePlace:
        """Return the last row of an hour's curves that is confirmed."""
        with storage_errors(self._path):
            row = self._db.execute(
                "select stream, part from hour where name=?", (hour,)
            ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def advance_curve(self, hour: str, place: CurvePlace) -> None:
        """Note that an hour's curves are confirmed up to a row."""
        with storage_errors(self._path):
            self._db.execute(
                "update hour set stream=?, part=? where name=?", (*place, hour)
            )

    @property
    def curves_from_ms(self) -> int | None:
        """From when on InfluxDB has every hour's curves; None before the first hour."""
        with storage_errors(self._path):
            row = self._db.execute(
                "select value from meta where name=?", (_CURVES_FROM,)
            ).fetchone()
        return int(row[0]) if row else None

    def set_curves_from(self, time_ms: int) -> None:
        """Note from when on InfluxDB has every hour's curves."""
        with storage_errors(self._path):
            self._db.execute(
                "insert or replace into meta values(?,?)", (_CURVES_FROM, time_ms)
            )

    def forget(self, hour: str) -> None:
        """Forget an hour whose file is gone."""
        with storage_errors(self._path):
            self._db.execute("delete from shipped where hour=?", (hour,))
            self._db.execute("delete from hour where name=?", (hour,))
