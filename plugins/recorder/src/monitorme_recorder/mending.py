"""A closed hour that is damaged is written anew from what can still be read of it.

By a process of its own, which stands back for all others and ends with the recorder: for
a full hour it takes minutes, and the recorder's threads are not to wait for one of them.
The damaged file serves meanwhile as well as it can, and is kept beside the new one.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from monitorme.errors import StorageError
from monitorme.leash import leashed
from monitorme.plugin import wall_clock_ms
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.hour_file import companions, storage_errors
from monitorme_recorder.opening import free_name
from monitorme_recorder.salvage import LostSpan, Mended, salvage_closed

log = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-m", __name__)
"""What writes the file anew that comes behind it."""
SUFFIX: Final = ".mending"
NICENESS: Final = 15
POLL_S: Final = 0.2


def mend(path: Path, readers: HourReaders, stopping: threading.Event) -> Mended | None:
    """Write a closed hour anew and put it in its place; None where it was stopped.

    Raises StorageError where it cannot be done.
    """
    new = path.with_suffix(SUFFIX)
    with storage_errors(path):
        try:
            _remove(new)
            done = _in_a_process(path, stopping)
            if done is None:
                return None
            aside = free_name(path)
            _keep(path, aside)
            readers.replace(path, new, aside)
        finally:
            # Whatever became of it: half a file would take the disk's room for nothing.
            _remove(new)
    log.warning(
        "closed hour written anew file=%s readings=%d lost=%d damaged=%s",
        *(path.name, done.readings, count(done.lost), aside.name),
    )
    return done


def count(lost: list[LostSpan]) -> int:
    """Return how many readings spans are."""
    return sum(one.last - one.first + 1 for one in lost)


def _keep(path: Path, aside: Path) -> None:
    """Give a damaged file another name too, and its write-ahead log if that has any."""
    os.link(path, aside)
    log_file = companions(path)[0]
    if log_file.exists() and log_file.stat().st_size:
        os.link(log_file, companions(aside)[0])


def _remove(new: Path) -> None:
    for part in (new, *companions(new)):
        part.unlink(missing_ok=True)


def _in_a_process(path: Path, stopping: threading.Event) -> Mended | None:
    process = subprocess.Popen(
        leashed([*COMMAND, str(path)]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        while True:
            try:
                said, trouble = process.communicate(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                if stopping.is_set():
                    process.kill()
                    return None
    try:
        answer = json.loads(said)
        return Mended(answer["readings"], [LostSpan(*one) for one in answer["lost"]])
    except (ValueError, TypeError, KeyError) as error:
        # Whoever dies says nothing, and why is in its last words.
        why = trouble[-500:] or f"it ended with {process.returncode}"
        raise StorageError(f"{path.name} cannot be written anew: {why}") from error


def main() -> None:
    """Do it for the file that the command line names; says what came of it."""
    with suppress(OSError):
        os.nice(NICENESS)
    path = Path(sys.argv[1])
    done = salvage_closed(path, path.with_suffix(SUFFIX), wall_clock_ms())
    print(json.dumps(done._asdict()))


if __name__ == "__main__":
    main()
