"""The closed hours are looked through when the recorder starts, behind everything else.

What is damaged, then or later, is written anew.

The newest hour is checked before it is gone on with. The others would hold acceptance up
for minutes: a thread of low priority reads them, newest first, one after another, so that
a damaged one is told before somebody asks for it.
"""

import contextlib
import logging
import os
import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import Final

from monitorme.errors import StorageError
from monitorme.plugin import Context
from monitorme_recorder import room
from monitorme_recorder.history.hour_readers import HourReaders, open_read_only
from monitorme_recorder.mending import mend
from monitorme_recorder.salvage import LostSpan
from monitorme_recorder.store import Store
from monitorme_recorder.writer import Writer

log = logging.getLogger(__name__)

PAUSE_S: Final = 1.0
"""Between two files, so that the disk belongs to others in the meantime."""
NICENESS: Final = 15
"""How far the thread stands back for all others (Linux counts it by thread)."""
STOP_S: Final = 5.0
MEND_EVERY_S: Final = 5.0
"""How often it is looked whether a damage was met, and whether there is room by now."""
NOTE_S: Final = 60.0
"""How long the thread that writes may take to write down what is lost."""
_NO_ROOM: Final = "no_room_to_mend"


class Checking:
    """Checks what was there at the start, and mends; for the recorder's thread."""

    def __init__(
        self,
        readers: HourReaders,
        store: Store,
        writer: Writer,
        *,
        reserve_mb: int = 0,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._readers = readers
        self._store = store
        self._writer = writer
        self._failed: set[str] = set()
        self._reserve_mb = reserve_mb
        self._without_room: list[str] = []
        self._pause_s = pause_s
        self._waiting = [path for path in readers.paths() if path != store.path]
        self._db: sqlite3.Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="check", daemon=True)

    def start(self) -> None:
        """Begin to check."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not checked is checked after the next start."""
        self._stopping.set()
        db = self._db
        if db is not None:
            with contextlib.suppress(sqlite3.ProgrammingError):  # closed just now
                db.interrupt()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def tell(self, context: Context) -> None:
        """Say how many files are still to be checked, and what waits for room."""
        context.figures["hours_to_check"] = float(len(self._waiting))
        context.trouble.pop(_NO_ROOM, None)
        if self._without_room:
            context.trouble[_NO_ROOM] = (
                f"{', '.join(self._without_room)}: damaged, and as it is until there is "
                f"room on the disk to write it anew beside {self._reserve_mb} MB in reserve"
            )

    def _run(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        while self._waiting and not self._stopping.is_set():
            path = self._waiting[-1]
            found = self._fault(path)
            if self._stopping.is_set():
                return
            if found and path.exists():
                log.error("a closed hour is damaged file=%s: %s", path.name, found)
                self._readers.torn.setdefault(path.name, found)
            self._waiting.pop()
            self._stopping.wait(self._pause_s)
        while not self._stopping.is_set():
            without_room = []
            for name in {**self._readers.damaged, **self._readers.torn}:
                path = self._readers.folder / name
                if not self._is_to_be_mended(path):
                    continue
                if self._has_room(path):
                    self._mend(path)
                else:
                    without_room.append(name)
            self._without_room = without_room
            self._stopping.wait(MEND_EVERY_S)

    def _is_to_be_mended(self, path: Path) -> bool:
        """Say whether an hour is closed, still here, and not given up before."""
        is_written = path == self._store.path
        return path.name not in self._failed and not is_written and path.exists()

    def _has_room(self, path: Path) -> bool:
        """Say whether a file as large fits beside it: the damaged one is kept."""
        try:
            needed_mb = path.stat().st_size / room.MB
        except FileNotFoundError:  # its hour was dropped just now
            return True
        return room.free_mb(path.parent) - needed_mb >= self._reserve_mb

    def _mend(self, path: Path) -> None:
        """Write a damaged hour anew."""
        try:
            mend(
                path,
                self._store.memory.catalogue,
                self._readers,
                self._stopping,
                note=self._note_lost,
            )
        except StorageError as error:
            # Not again before the next start: it takes minutes.
            self._failed.add(path.name)
            log.error("a damaged hour stays as it is file=%s: %s", path.name, error)

    def _note_lost(self, lost: list[LostSpan]) -> None:
        """Have it written down what is lost; for as long as a disk may stall."""
        if lost:
            job = self._writer.submit(partial(self._store.note_lost, lost))
            job.result(NOTE_S)

    def _fault(self, path: Path) -> str:
        """Return what is wrong with a file; empty where nothing is."""
        try:
            self._db = open_read_only(path)
            with contextlib.closing(self._db):
                (answer,) = self._db.execute("pragma quick_check(1)").fetchone()
        except sqlite3.Error as error:
            return str(error)
        return "" if answer == "ok" else str(answer)
