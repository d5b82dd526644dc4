"""Connections that read the hours' files, kept open between questions.

To open a file costs more than most questions do. A finished hour never changes, so that
any connection sees the same; a snapshot is taken only of the newest files. A damaged hour
may be written anew: whoever began to read the file before finds it under another name.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from monitorme.contract.readings import FUTURE_TOLERANCE_MS
from monitorme.errors import StorageError
from monitorme_recorder import in_place
from monitorme_recorder.hours import companions, end_of, is_set_aside, journal_files
from monitorme_recorder.records import Kept, unpack_chunk

log = logging.getLogger(__name__)

IDLE_PER_FILE: Final = 2
"""More are closed when they are no longer used."""
CACHE_KIB: Final = 256
"""Of each connection; the operating system caches the rest."""


class WrittenAnew(StorageError):
    """A damaged file could not be read, and another has its place: that can be asked."""


class Source(NamedTuple):
    """The very file that something was found in: another may have its name since."""

    path: Path
    number: int | None

    @property
    def is_there(self) -> bool:
        """Whether its name is still its own."""
        return self.number == file_number(self.path)


class Reader(sqlite3.Connection):
    """A connection that reads a file."""

    source: Source

    def is_of(self, path: Path) -> bool:
        """Say whether it reads what a path names now: a damaged hour is written anew."""
        return self.source.number == file_number(path)


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
        self.replaced = 0
        """How often a file has taken the place of a damaged one."""
        self._idle: dict[Path, list[Reader]] = {}
        self._set_aside: dict[Source, Path] = {}
        """Where the damaged files are now in whose place there is another."""
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
            for source in [one for one in self._set_aside if not one.path.exists()]:
                del self._set_aside[source]
        for db in closing:
            db.close()

    def replace(self, path: Path, new: Path, aside: Path) -> None:
        """Put a file in the place of a damaged one, which has another name by now too.

        Who reads that just now goes on.
        """
        with self._lock:
            damaged = Source(path, aside.stat().st_ino)
            closing = self._idle.pop(path, [])
            in_place.take_place(new, path)
            self.replaced += 1
            self._set_aside[damaged] = aside
            self.damaged.pop(path.name, None)
            self.torn.pop(path.name, None)
        for db in closing:
            db.close()

    def paths(self) -> list[Path]:
        """Return the files that can be read, oldest first."""
        found = journal_files(self.folder)
        return [path for path in found if path.name not in self.damaged]

    def is_lost(self, path: Path) -> bool:
        """Say whether a file is damaged or gone: the rest is served without it."""
        return path.name in self.damaged or not path.exists()

    def borrow(self, path: Path) -> AbstractContextManager[Reader]:
        """Lend a connection to what a path names now.

        Raises StorageError where that cannot be read.
        """
        return self._lent(self._take(path))

    def borrow_again(self, source: Source) -> AbstractContextManager[Reader]:
        """Lend a connection to a file in which something was found, wherever it is now.

        Raises StorageError where it cannot be read any more.
        """
        return self._lent(self._take_again(source))

    def open(self, path: Path) -> Reader:
        """Open a connection of one's own; raises StorageError."""
        while True:
            source = Source(path, file_number(path))
            try:
                return open_read_only(path)
            except sqlite3.Error as error:
                if source.is_there:
                    raise self.failed(source, error) from error

    @contextmanager
    def telling(self, db: Reader) -> Iterator[Reader]:
        """Turn what SQLite says of a file into a StorageError, and remember damage."""
        try:
            yield db
        except sqlite3.Error as error:
            raise self.failed(db.source, error) from error

    def unpack(self, source: Source, data: bytes) -> list[Kept]:
        """Return the readings of a chunk; none, and it is told, where it is damaged."""
        try:
            return unpack_chunk(data)
        except (ValueError, msgspec.MsgspecError, TypeError) as error:
            name = source.path.name
            with self._lock:
                if self._is_served(source):
                    if name not in self.torn:
                        log.error("a chunk is unreadable file=%s: %s", name, error)
                    self.torn[name] = f"a chunk cannot be read: {error}"
            return []

    def failed(self, source: Source, error: sqlite3.Error) -> StorageError:
        """Remember a file that is damaged, so that the rest is served without it."""
        is_busy = isinstance(error, sqlite3.OperationalError)
        name = source.path.name
        with self._lock:
            if source.path.exists() and not self._is_served(source):
                return WrittenAnew(f"{name} was written anew: {error}")
            if not is_busy and source.path.exists():
                log.error("journal file unreadable file=%s: %s", name, error)
                self.damaged[name] = str(error)
        return StorageError(f"{name}: {error}")

    def _is_served(self, source: Source) -> bool:
        """Say whether a file is still the one of its hour. Under the lock."""
        return source.is_there and not is_set_aside(source.path)

    @contextmanager
    def _lent(self, db: Reader) -> Iterator[Reader]:
        try:
            with self.telling(db):
                yield db
        except BaseException:
            db.close()
            raise
        self._give_back(db)

    def _take(self, path: Path) -> Reader:
        with self._lock:
            idle = self._idle.get(path)
            if idle:
                return idle.pop()
        return self.open(path)

    def _take_again(self, source: Source) -> Reader:
        while True:
            path = self._set_aside.get(source, source.path)
            db = self._take(path)
            if db.source.number == source.number:
                return db
            self._give_back(db)
            if path == self._set_aside.get(source, source.path):
                raise StorageError(f"{path.name}: it was another file that was read")

    def _give_back(self, db: Reader) -> None:
        """Take a connection back, its snapshot let go."""
        if db.in_transaction:
            db.rollback()
        path = db.source.path
        with self._lock:
            idle = self._idle.setdefault(path, [])
            if len(idle) < IDLE_PER_FILE and db.is_of(path):
                idle.append(db)
                return
        db.close()


def overlapping(paths: list[Path], from_ms: int) -> list[Path]:
    """Return the files that may hold readings from a time on.

    A reading lies in the file of the hour in which it came: never before its own time,
    but for what a device's clock may be ahead, and any time after it.
    """
    earliest_ms = from_ms - FUTURE_TOLERANCE_MS
    return [path for path in paths if end_of(path) > earliest_ms]


def file_number(path: Path) -> int | None:
    """Return what tells a file from another of its name; None where there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def open_read_only(path: Path) -> Reader:
    """Open a file for reading."""
    while True:
        source = Source(path, file_number(path))
        db = _connect(path)
        # Else another was put in its place just then: which of them was opened?
        if source.is_there:
            db.source = source
            return db
        db.close()


def _connect(path: Path) -> Reader:
    db = sqlite3.connect(
        f"file:{path}?{_mode(path)}",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
        factory=Reader,
    )
    try:
        db.execute(f"pragma cache_size=-{CACHE_KIB}")
        db.execute("select 1 from meta limit 1").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _mode(path: Path) -> str:
    """Return how a file is opened: beside what is set aside nothing is to be made."""
    is_final = is_set_aside(path) and not companions(path)[0].exists()
    return "immutable=1" if is_final else "mode=ro"
