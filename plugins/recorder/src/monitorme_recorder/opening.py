"""Opening the journal: its newest hour that was begun."""

import logging
from pathlib import Path
from typing import NamedTuple

from monitorme.errors import StorageError
from monitorme_recorder import in_place
from monitorme_recorder.hour_file import HourFile, storage_errors
from monitorme_recorder.hours import journal_files
from monitorme_recorder.torn_log import keep_aside, save_from, torn_log

log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """What was found of a journal."""

    file: HourFile | None
    """Its newest file, open; None where there is none, or it is damaged."""
    damaged: Path | None
    """Its newest file, if that is damaged."""
    told: list[str]
    """What became of a write-ahead log that was torn."""


def open_newest(folder: Path) -> Opened:
    """Open the newest file; one that is damaged stays as it is."""
    told: list[str] = []
    with storage_errors(folder):
        in_place.finish(folder)
    for path in reversed(journal_files(folder)):
        try:
            file, is_begun = _open_whole(path, told)
        except StorageError as error:
            log.error(
                "the newest journal file is damaged file=%s: %s", path.name, error
            )
            return Opened(None, path, told)
        if is_begun:
            return Opened(file, None, told)
        # Its hour began, but not its first transaction: the one before says more.
        file.close()
    return Opened(None, None, told)


def _open_whole(path: Path, told: list[str]) -> tuple[HourFile, bool]:
    """Open a file, and say whether it was begun; raises StorageError if damaged.

    Of a write-ahead log that is torn, what SQLite does not see is written again.
    """
    with storage_errors(path):
        torn = torn_log(path)
        if torn is not None:
            keep_aside(path, in_place.free_name(path))
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
