"""A file that was written anew takes the place of the damaged one, which is kept.

Whenever a crash comes, one of both is in its place, whole: what is ready but not there
yet is put there at the next start. A write-ahead log of the damaged file must be gone
before the new one comes, since SQLite would take it for the new one's.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from monitorme_recorder.hours import companions, set_aside_files

WRITING: Final = ".mending"
READY: Final = ".mended"


def begun(path: Path) -> Path:
    """Return the file into which an hour is written anew; there is nothing in it yet."""
    new = path.with_suffix(WRITING)
    remove(new)
    return new


def ready(path: Path) -> Path:
    """Note that the new file of an hour is whole; returns it."""
    return path.with_suffix(WRITING).replace(path.with_suffix(READY))


def keep_aside(path: Path) -> Path:
    """Keep a damaged file, and its write-ahead log, under another name as well."""
    for aside in set_aside_files(path.parent):
        if aside.samefile(path):
            return aside
    aside = free_name(path)
    log_file = companions(path)[0]
    if log_file.exists() and log_file.stat().st_size:
        _name_too(log_file, companions(aside)[0])
    _name_too(path, aside)
    return aside


def take_place(new: Path, path: Path) -> None:
    """Put a file in the place of one that is kept aside."""
    for companion in companions(path):
        companion.unlink(missing_ok=True)
    new.replace(path)


def finish(folder: Path) -> None:
    """Do what a crash has left undone."""
    for new in folder.glob(f"????????T??{READY}"):
        path = new.with_suffix(".journal")
        if path.exists():
            keep_aside(path)
        take_place(new, path)
    for new in folder.glob(f"????????T??{WRITING}"):
        remove(new)


def remove(path: Path) -> None:
    """Remove a file and what SQLite keeps beside it."""
    for part in (path, *companions(path)):
        part.unlink(missing_ok=True)


def free_name(path: Path) -> Path:
    """Return a name for a damaged file that nothing has yet."""
    number, aside = 1, path.with_suffix(".damaged")
    while aside.exists() or companions(aside)[0].exists():
        number += 1
        aside = path.with_suffix(f".damaged-{number}")
    return aside


def _name_too(path: Path, other: Path) -> None:
    """Give a file another name as well; a copy where the file system knows no links."""
    try:
        os.link(path, other)
    except OSError:
        try:
            shutil.copyfile(path, other)
        except OSError:
            other.unlink(missing_ok=True)
            raise
