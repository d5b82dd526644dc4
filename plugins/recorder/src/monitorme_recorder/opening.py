"""Opening the journal: its newest hour that was begun, whole or salvaged."""

import logging
from pathlib import Path

from monitorme.errors import StorageError
from monitorme_recorder.hour_file import HourFile, companions, journal_files
from monitorme_recorder.salvage import salvage

log = logging.getLogger(__name__)


def open_newest(folder: Path) -> tuple[HourFile | None, list[str]]:
    """Open the newest file; says also which were damaged, and what became of them.

    A damaged file is set aside, and what can be read of it is in a new one.
    """
    told: list[str] = []
    for path in reversed(journal_files(folder)):
        try:
            file, is_begun = _open_whole(path)
        except StorageError as error:
            log.error("journal file set aside file=%s: %s", path.name, error)
            file, readings = salvage(_set_aside(path), path)
            told.append(
                f"{path.name} is damaged and set aside, {readings} readings were saved "
                f"from it: {error}"
            )
            return file, told
        if is_begun:
            return file, told
        # Its hour began, but not its first transaction: the one before says more.
        file.close()
    return None, told


def _open_whole(path: Path) -> tuple[HourFile, bool]:
    """Open a file, and say whether it was begun; raises StorageError if damaged."""
    file = HourFile(path)
    try:
        file.check()
        return file, file.is_begun
    except StorageError:
        file.close()
        raise


def _set_aside(path: Path) -> Path:
    """Move a file and its write-ahead log out of the way, under a name that is free."""
    number, aside = 1, path.with_suffix(".damaged")
    while aside.exists():
        number += 1
        aside = path.with_suffix(f".damaged-{number}")
    log_file, shared = companions(path)
    if log_file.exists():
        log_file.replace(companions(aside)[0])
    shared.unlink(missing_ok=True)
    path.replace(aside)
    return aside
