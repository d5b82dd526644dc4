"""Opening the journal: its newest hour that was begun, whole or salvaged."""

import logging
from pathlib import Path

from monitorme.errors import StorageError
from monitorme_recorder.hour_file import (
    HourFile,
    companions,
    journal_files,
    storage_errors,
)
from monitorme_recorder.salvage import salvage
from monitorme_recorder.torn_log import keep_aside, save_from, torn_log

log = logging.getLogger(__name__)


def open_newest(folder: Path) -> tuple[HourFile | None, list[str]]:
    """Open the newest file; says also which were damaged, and what became of them.

    A damaged file is set aside, and what can be read of it is in a new one.
    """
    told: list[str] = []
    for path in reversed(journal_files(folder)):
        try:
            file, is_begun = _open_whole(path, told)
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


def _open_whole(path: Path, told: list[str]) -> tuple[HourFile, bool]:
    """Open a file, and say whether it was begun; raises StorageError if damaged.

    Of a write-ahead log that is torn, what SQLite does not see is written again.
    """
    with storage_errors(path):
        torn = torn_log(path)
        if torn is not None:
            keep_aside(path, free_name(path))
    if torn is not None and torn.is_mixed:
        raise StorageError("its write-ahead log is torn, and was partly copied")
    file = HourFile(path)
    try:
        file.check()
        if torn is not None:
            readings = save_from(torn, file)
            told.append(
                f"the write-ahead log of {path.name} is torn, {readings} readings were "
                "saved from behind it"
            )
        return file, file.is_begun
    except StorageError:
        file.close()
        raise


def _set_aside(path: Path) -> Path:
    """Move a file and its write-ahead log out of the way, under a name that is free."""
    aside = free_name(path)
    log_file, shared = companions(path)
    if log_file.exists():
        log_file.replace(companions(aside)[0])
    shared.unlink(missing_ok=True)
    path.replace(aside)
    return aside


def free_name(path: Path) -> Path:
    """Return a name for a damaged file that nothing has yet."""
    number, aside = 1, path.with_suffix(".damaged")
    while aside.exists() or companions(aside)[0].exists():
        number += 1
        aside = path.with_suffix(f".damaged-{number}")
    return aside
