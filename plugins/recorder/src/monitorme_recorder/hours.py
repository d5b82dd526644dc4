"""The journal's files: one an hour, by its name."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

HOUR_MS: Final = 3_600_000
_DAMAGED: Final = ".damaged"


def path_of(folder: Path, now_ms: int) -> Path:
    """Return the file of the hour that `now_ms` is in."""
    hour = datetime.fromtimestamp(now_ms // HOUR_MS * 3600, UTC)
    return folder / f"{hour:%Y%m%dT%H}.journal"


def hour_of(path: Path) -> int:
    """Return when a file's hour begins, in ms since the epoch."""
    begins = datetime.strptime(path.stem, "%Y%m%dT%H").replace(tzinfo=UTC)
    return int(begins.timestamp()) * 1000


def end_of(path: Path) -> int:
    """Return when a file's hour ends, in ms since the epoch."""
    return hour_of(path) + HOUR_MS


def journal_files(folder: Path) -> list[Path]:
    """Return the files of all hours, oldest first."""
    return sorted(folder.glob("????????T??.journal"))


def set_aside_files(folder: Path) -> list[Path]:
    """Return what was set aside as damaged, with its write-ahead logs, oldest first."""
    found = folder.glob(f"????????T??{_DAMAGED}*")
    # What SQLite has beside an open one is shared memory, and no file to be emptied.
    return sorted(p for p in found if p.is_file() and not p.name.endswith("-shm"))


def is_set_aside(path: Path) -> bool:
    """Say whether a file was set aside as damaged."""
    return path.suffix.startswith(_DAMAGED)


def companions(path: Path) -> tuple[Path, Path]:
    """Return the files that SQLite keeps beside one."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
