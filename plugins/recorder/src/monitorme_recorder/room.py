"""Room on the disk: the oldest goes before there is none, the last 24 hours never."""

import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from monitorme_recorder.hours import HOUR_MS, end_of, set_aside_files

log = logging.getLogger(__name__)

KEPT_MS: Final = 24 * HOUR_MS
"""What the customer promises its hospitals is never dropped for want of room."""
MB: Final = 1_000_000


def free_mb(folder: Path) -> int:
    """Return how much room is left, in MB."""
    return shutil.disk_usage(folder).free // MB


def damaged_before(folder: Path, time_ms: int) -> list[Path]:
    """Return what was set aside of hours that ended before a time and takes room."""
    found = set_aside_files(folder)
    return [path for path in found if end_of(path) <= time_ms and path.stat().st_size]


def empty(paths: Iterable[Path]) -> int:
    """Give the room of files back; returns of how many.

    Their names stay until their hours are dropped: by them history knows what is
    missing. A file that the disk refuses to empty is passed over.
    """
    emptied = 0
    for path in paths:
        try:
            os.truncate(path, 0)
            emptied += 1
        except OSError as error:
            log.warning("cannot empty file=%s: %s", path.name, error)
    return emptied


def trouble(free: int, reserve: int, dropped: int, emptied: int) -> str:
    """Return what to say of a disk that is nearly full.

    Args:
        free: the room that is left, in MB.
        reserve: the room that there should be, in MB.
        dropped: hours that went before their time.
        emptied: files set aside as damaged that were emptied.
    """
    given = []
    if emptied:
        given.append(f"{emptied} damaged files were emptied")
    if dropped:
        given.append(f"{dropped} hours beyond the last 24 were dropped early")
    text = f"the recorder's disk has {free} MB left of {reserve} MB in reserve"
    need = "make room, or history and then recording will stop"
    return f"{text}: {', '.join([*given, need])}"
