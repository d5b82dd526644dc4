"""What is done to the files of an outbox so that no moment of it can lose a record."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from monitorme.outbox.record import Found


def write_whole(file: int, record: bytes, offset: int) -> None:
    """Write a record where it belongs: a failed write before it leaves no hole."""
    written = os.pwrite(file, record, offset)
    if written != len(record):
        raise OSError(errno.ENOSPC, "no space for a whole record")


def sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as what is written into it."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def set_aside(path: Path, data: bytes, readable: Iterable[Found]) -> Path:
    """Keep a damaged segment whole under another name, and its readable part in place.

    At every moment all that is readable is in the segment or beside it.
    """
    aside = _free_name(path.with_suffix(".damaged"))
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.writelines(data[one.start : one.stop] for one in readable)
        file.flush()
        os.fsync(file.fileno())
    os.link(path, aside)
    part.replace(path)
    sync_folder(path.parent)
    return aside


def _free_name(path: Path) -> Path:
    """Return the path, or the first like it that nothing has yet."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
