"""How far each hour of the journal is in InfluxDB: a small SQLite file of its own."""

import sqlite3
from pathlib import Path
from typing import Self

from monitorme_recorder.hour_file import storage_errors

_SCHEMA = """
create table if not exists shipped(
    hour text primary key, log_id integer not null) without rowid;
"""


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

    def forget_before(self, hour: str) -> None:
        """Forget hours whose files are gone."""
        with storage_errors(self._path):
            self._db.execute("delete from shipped where hour < ?", (hour,))
