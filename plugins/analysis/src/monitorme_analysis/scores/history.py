"""The scores of stays over time, on disk: a line when a score changes, and now and then."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.errors import StorageError
from monitorme_analysis.scores.assessment import Assessment

FILE_NAME: Final = "scores.sqlite"
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS score (
  admission TEXT NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL,
  low REAL NOT NULL, high REAL NOT NULL, is_complete INTEGER NOT NULL,
  text TEXT NOT NULL, response TEXT NOT NULL,
  PRIMARY KEY (admission, name, at_ms)) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A score of a stay, from a time on."""

    name: str
    at_ms: int
    low: float
    high: float
    is_complete: bool
    text: str
    response: str


class ScoreHistory:
    """Keeps scores in a file of its own; raises StorageError where the disk refuses."""

    def __init__(self, folder: Path, *, at_least_every_ms: int) -> None:
        """Open the file, or begin it."""
        self._every_ms = at_least_every_ms
        self._last: dict[tuple[str, str], Entry] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(folder / FILE_NAME, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"cannot open {folder / FILE_NAME}: {error}") from error

    def add(
        self, stays: Iterable[tuple[str, Iterable[Assessment]]], at_ms: int
    ) -> None:
        """Keep the scores of stays that have changed, or were last kept long ago."""
        new = {
            (admission, one.name): entry
            for admission, found in stays
            for one in found
            if (entry := self._due(admission, one, at_ms)) is not None
        }
        if not new:
            return
        rows = [
            (
                admission,
                one.name,
                one.at_ms,
                one.low,
                one.high,
                one.is_complete,
                one.text,
                one.response,
            )
            for (admission, _), one in new.items()
        ]
        try:
            with self._file:
                self._file.execute("BEGIN")
                self._file.executemany(
                    "INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
                )
        except sqlite3.Error as error:
            raise StorageError(f"cannot keep scores: {error}") from error
        self._last.update(new)

    def of_stay(self, admission: str, since_ms: int) -> list[Entry]:
        """Return the scores of a stay, oldest first: also each one that held before."""
        asked = (
            "SELECT name, at_ms, low, high, is_complete, text, response FROM score AS s "
            "WHERE admission = ? AND at_ms >= coalesce((SELECT max(at_ms) FROM score "
            "WHERE admission = s.admission AND name = s.name AND at_ms <= ?), ?) "
            "ORDER BY at_ms, name"
        )
        try:
            rows = self._file.execute(asked, (admission, since_ms, since_ms)).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"cannot read scores: {error}") from error
        return [
            Entry(name, at_ms, low, high, bool(whole), text, told)
            for name, at_ms, low, high, whole, text, told in rows
        ]

    def forget(self, before_ms: int) -> None:
        """Drop what is older."""
        try:
            self._file.execute("DELETE FROM score WHERE at_ms < ?", (before_ms,))
        except sqlite3.Error as error:
            raise StorageError(f"cannot drop old scores: {error}") from error
        old = [key for key, one in self._last.items() if one.at_ms < before_ms]
        for key in old:
            del self._last[key]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _due(self, admission: str, one: Assessment, at_ms: int) -> Entry | None:
        now = Entry(
            one.name, at_ms, one.low, one.high, one.is_complete, one.text, one.response
        )
        last = self._last.get((admission, one.name))
        if last is None or at_ms - last.at_ms >= self._every_ms:
            return now
        same = (last.low, last.high, last.is_complete, last.response)
        changed = (now.low, now.high, now.is_complete, now.response) != same
        return now if changed else None
