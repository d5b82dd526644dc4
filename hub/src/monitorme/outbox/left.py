"""What an earlier process left in an outbox's folder, mended where that is needed."""

import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.outbox.disk import set_aside
from monitorme.outbox.kept import SUFFIX as KEPT_SUFFIX
from monitorme.outbox.record import Scan, scan
from monitorme.outbox.segment import Segment

log = logging.getLogger(__name__)

SUFFIX: Final = ".segment"
_NUMBER: Final = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class LeftSegment:
    """A segment that may hold something unconfirmed.

    `damaged` counts the places in it that could not be read, `aside` is where it is
    kept as it was, if one of them is more than an unfinished record.
    """

    number: int
    path: Path
    scan: Scan
    damaged: int = 0
    aside: Path | None = None


def left_segments(folder: Path) -> Iterator[LeftSegment]:
    """Return the segments that are not all confirmed, oldest first."""
    for number, path in _numbered(folder, SUFFIX):
        data = path.read_bytes()
        scanned = scan(data)
        if scanned.damaged:
            aside = _set_aside(path, data, scanned)
            mended = scan(path.read_bytes())
            yield LeftSegment(number, path, mended, len(scanned.damaged), aside)
        elif scanned.end < len(data):
            _cut(path, scanned.end, len(data) - scanned.end)
            yield LeftSegment(number, path, scanned, damaged=1)
        else:
            yield LeftSegment(number, path, scanned)


def left_kept(folder: Path) -> Iterator[tuple[int, Segment, float]]:
    """Return the segments that were kept all confirmed, and for how many seconds."""
    for number, path in _numbered(folder, KEPT_SUFFIX):
        data, age_s = path.read_bytes(), time.time() - path.stat().st_mtime
        segment = Segment(path, size=len(data))
        for entry, _, _ in scan(data).found:
            segment.note(entry.boot, entry.seq)
        yield number, segment, max(0.0, age_s)


def _numbered(folder: Path, suffix: str) -> Iterator[tuple[int, Path]]:
    for path in sorted(folder.glob(f"*{suffix}")):
        if _NUMBER.fullmatch(path.stem):
            yield int(path.stem), path


def _set_aside(path: Path, data: bytes, scanned: Scan) -> Path:
    aside = set_aside(path, data, scanned.found)
    kept = len(scanned.found)
    log.error("outbox damaged, set aside file=%s readable=%d", aside, kept)
    return aside


def _cut(path: Path, end: int, length: int) -> None:
    log.warning("outbox cut off an unfinished record file=%s bytes=%d", path, length)
    os.truncate(path, end)
