"""Connections that read the hours' files, kept open between questions.

To open a file costs more than most questions do. A finished hour never changes, so that
any connection sees the same; a snapshot is taken only of the newest files.
"""

import logging
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from monitorme.contract.readings import FUTURE_TOLERANCE_MS
from monitorme.errors import StorageError
from monitorme_recorder.hour_file import companions, end_of, journal_files
from monitorme_recorder.records import Kept, unpack_chunk

log = logging.getLogger(__name__)

IDLE_PER_FILE: Final = 2
"""More are closed when they are no longer used."""
CACHE_KIB: Final = 256
"""Of each connection; the operating system caches the rest."""


class HourReaders:
    """Lends read-only connections; used from any thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damaged: dict[str, str] = {}
        """Files that could not be read, by name, with the reason."""
        self.torn: dict[str, str] = {}
        """Files of which a chunk could not be read, while the rest serves."""
        self.mended: dict[str, str] = {}
        """Files that were written anew because they were damaged, with what is lost."""
        self._idle: dict[Path, list[Reader]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close what is not lent; the rest is closed when it comes back."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for db in connections:
                db.close()

    def forget_dropped(self) -> None:
        """Close connections to files that are gone, whose room is else not free.

        Whether they were damaged matters no more.
        """
        for known in (self.damaged, self.torn, self.mended):
            for name in tuple(known):  # other threads add to it
                if not (self.folder / name).exists():
                    known.pop(name, None)
        with self._lock:
            gone = [path for path in self._idle if not path.exists()]
            closing = [db for path in gone for db in self._idle.pop(path)]
        for db in closing:
            db.close()

    def replace(self, path: Path, new: Path) -> None:
        """Put a file in the place of a damaged one; who reads that just now goes on."""
        with self._lock:
            closing = self._idle.pop(path, [])
            for companion in companions(path):
                companion.unlink(missing_ok=True)
            new.replace(path)
        for db in closing:
            db.close()
        self.damaged.pop(path.name, None)
        self.torn.pop(path.name, None)

    def paths(self) -> list[Path]:
        """Return the files that can be read, oldest first."""
        found = journal_files(self.folder)
        return [path for path in found if path.name not in self.damaged]

    @contextmanager
    def borrow(self, path: Path) -> Iterator["Reader"]:
        """Lend a connection. Raises StorageError where the file cannot be read."""
        db = self.take(path)
        try:
            yield db
        except sqlite3.Error as error:
            db.close()
            if not db.is_of(path):
                raise StorageError(f"{path.name} was written anew: {error}") from error
            raise self.failed(path, error) from error
        except BaseException:
            db.close()
            raise
        else:
            self.give_back(path, db)

    def take(self, path: Path) -> "Reader":
        """Lend a connection until `give_back`; raises StorageError."""
        with self._lock:
            idle = self._idle.get(path)
            if idle:
                return idle.pop()
        try:
            return open_read_only(path)
        except sqlite3.Error as error:
            raise self.failed(path, error) from error

    def give_back(self, path: Path, db: "Reader") -> None:
        """Take a connection back, its snapshot let go."""
        if db.in_transaction:
            db.rollback()
        with self._lock:
            idle = self._idle.setdefault(path, [])
            if len(idle) < IDLE_PER_FILE and db.is_of(path):
                idle.append(db)
                return
        db.close()

    def unpack(self, path: Path, data: bytes) -> list[Kept]:
        """Return the readings of a chunk; none, and it is told, where it is damaged."""
        try:
            return unpack_chunk(data)
        except (zlib.error, msgspec.MsgspecError, TypeError) as error:
            if path.name not in self.torn:
                log.error("a chunk is unreadable file=%s: %s", path.name, error)
            self.torn[path.name] = f"a chunk cannot be read: {error}"
            return []

    def failed(self, path: Path, error: sqlite3.Error) -> StorageError:
        """Remember a file that is damaged, so that the rest is served without it."""
        is_busy = isinstance(error, sqlite3.OperationalError)
        if not is_busy and path.exists():
            log.error("journal file unreadable file=%s: %s", path.name, error)
            self.damaged[path.name] = str(error)
        return StorageError(f"{path.name}: {error}")


def overlapping(paths: list[Path], from_ms: int) -> list[Path]:
    """Return the files that may hold readings from a time on.

    A reading lies in the file of the hour in which it came: never before its own time,
    but for what a device's clock may be ahead, and any time after it.
    """
    earliest_ms = from_ms - FUTURE_TOLERANCE_MS
    return [path for path in paths if end_of(path) > earliest_ms]


class Reader(sqlite3.Connection):
    """A connection that reads a file; another may be in its place meanwhile."""

    file_number: int | None = None

    def is_of(self, path: Path) -> bool:
        """Say whether it reads what a path names now: a damaged hour is written anew."""
        return self.file_number is not None and self.file_number == file_number(path)


def file_number(path: Path) -> int | None:
    """Return what tells a file from another of its name; None where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def open_read_only(path: Path) -> Reader:
    """Open a file for reading."""
    # Before it is opened: a file that is put in its place just then counts as another.
    number = file_number(path)
    db = sqlite3.connect(
        f"file:{path}?mode=ro",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        factory=Reader,
    )
    db.file_number = number
    try:
        db.execute(f"pragma cache_size=-{CACHE_KIB}")
        db.execute("select 1 from meta limit 1").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db
