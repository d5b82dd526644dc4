"""The watermarks that files have: with which an hour began, and with which it ended."""

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from monitorme.errors import StorageError
from monitorme_recorder import watermark as watermarks
from monitorme_recorder.hour_file import storage_errors
from monitorme_recorder.hours import journal_files
from monitorme_recorder.watermark import Watermark

log = logging.getLogger(__name__)

Marks = dict[tuple[str, str], Watermark]
"""Watermarks by device and boot."""
_HAS_OPENING: Final = "select 1 from meta where name='has_opening'"
_UNREADABLE: Final = (StorageError, msgspec.MsgspecError)


def marks_before(path: Path) -> Marks | None:
    """Return the watermarks with which an hour began; None where nobody knows them.

    They are its own, or those with which the hour before ended.
    """
    own = _opening_in(path)
    if own is not None:
        return own
    for earlier in reversed(journal_files(path.parent)):
        if earlier.name < path.name:
            try:
                return _marks_in(earlier)
            except _UNREADABLE as error:
                log.error("no watermarks left file=%s: %s", earlier.name, error)
    return None


def marks_left(path: Path) -> Marks:
    """Return the watermarks of a damaged file; empty where they cannot be read."""
    try:
        return _marks_in(path)
    except _UNREADABLE as error:
        log.error("no watermarks left file=%s: %s", path.name, error)
        return {}


def packed(marks: Marks) -> Iterator[tuple[str, str, bytes]]:
    """Return watermarks as a file has them."""
    for (device, boot), mark in marks.items():
        yield device, boot, watermarks.save(mark)


def _opening_in(path: Path) -> Marks | None:
    """Return what a file itself says; None where that cannot be read, or is not there."""
    try:
        with _reading(path) as db:
            if db.execute(_HAS_OPENING).fetchone() is None:
                return None
            return _loaded(db.execute("select device, boot, data from opening"))
    except _UNREADABLE:
        return None


def _marks_in(path: Path) -> Marks:
    with _reading(path) as db:
        return _loaded(db.execute("select device, boot, data from watermark"))


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with (
        storage_errors(path),
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db,
    ):
        yield db


def _loaded(rows: Iterable[tuple[str, str, bytes]]) -> Marks:
    return {(device, boot): watermarks.load(data, 0) for device, boot, data in rows}
