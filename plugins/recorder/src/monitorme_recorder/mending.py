"""A damaged hour is written anew from what can still be read of it.

By a process of its own, which ends with the recorder: for a full hour it takes a minute
or two, and the recorder's threads are not to wait for one of them. For a closed hour it
stands back for all others; the newest one is waited for by all that is to be stored.
The damaged file is kept beside the new one.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from monitorme.contract.vitals import Catalogue, Vital
from monitorme.errors import StorageError
from monitorme.leash import leashed
from monitorme.plugin import wall_clock_ms
from monitorme_recorder import in_place
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.hour_file import storage_errors
from monitorme_recorder.salvage import LostSpan, Mended, salvage

log = logging.getLogger(__name__)

COMMAND: Final = (sys.executable, "-m", __name__)
"""What writes the file anew that comes behind it, and whether that is the newest."""
_NEWEST: Final = "newest"
_CLOSED: Final = "closed"
NICENESS: Final = 15
POLL_S: Final = 0.2


def mend(
    path: Path,
    catalogue: Catalogue,
    readers: HourReaders,
    stopping: threading.Event,
    *,
    is_newest: bool = False,
    note: Callable[[list[LostSpan]], None] = lambda lost: None,
) -> Mended | None:
    """Write a damaged hour anew and put it in its place; None where it was stopped.

    `note` is told what is lost of a closed hour before the new file takes the place: the
    losses that it names count only where the watermarks know of them. Raises
    StorageError where it cannot be done.
    """
    with storage_errors(path):
        new = in_place.begun(path)
        try:
            done = _in_a_process(path, catalogue, stopping, is_newest=is_newest)
            if done is None:
                return None
            note(done.lost)
            whole = in_place.ready(path)
            aside = in_place.keep_aside(path)
            readers.replace(path, whole, aside)
        finally:
            # Whatever became of it: half a file would take the disk's room for nothing.
            in_place.remove(new)
    lost = "" if is_newest else f", {count(done.lost)} are lost and named"
    readers.mended[path.name] = (
        f"{path.name} was damaged and is written anew: {done.readings} readings were "
        f"saved{lost}"
    )
    log.warning("%s damaged=%s", readers.mended[path.name], aside.name)
    return done


def count(lost: list[LostSpan]) -> int:
    """Return how many readings spans are."""
    return sum(one.last - one.first + 1 for one in lost)


def _in_a_process(
    path: Path, catalogue: Catalogue, stopping: threading.Event, *, is_newest: bool
) -> Mended | None:
    process = subprocess.Popen(
        leashed([*COMMAND, str(path), _NEWEST if is_newest else _CLOSED]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    vitals = {name: one.model_dump(mode="json") for name, one in catalogue.items()}
    given: str | None = json.dumps(vitals)
    with process:
        while True:
            try:
                said, trouble = process.communicate(given, timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                given = None
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
    path, is_newest = Path(sys.argv[1]), sys.argv[2] == _NEWEST
    if not is_newest:
        with suppress(OSError):
            os.nice(NICENESS)
    vitals = json.load(sys.stdin)
    catalogue = Catalogue({name: Vital(**one) for name, one in vitals.items()})
    new = path.with_suffix(in_place.WRITING)
    done = salvage(path, new, catalogue, wall_clock_ms(), is_newest=is_newest)
    print(json.dumps(done._asdict()))


if __name__ == "__main__":
    main()
