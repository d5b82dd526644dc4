"""What could not be used: kept on disk with its reason, bounded, for the technician.

Two files hold it, the newer and the older half; when the newer one is full, the older
half goes, and what it held is counted. `Taken` lends everything out to be tried again:
until it is settled a crash loses nothing of it.
"""

import base64
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from monitorme.contract.payloads import MAX_PAYLOAD_BYTES
from monitorme.errors import StorageError
from monitorme.messaging import Message

log = logging.getLogger(__name__)

FILE_NAME: Final = "quarantine.jsonl"
OLD_NAME: Final = "quarantine.old.jsonl"
TAKEN_NAME: Final = "quarantine.taken.jsonl"
MAX_FILE_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Refused:
    """One message that could not be used; `payload` is whole unless it was oversized."""

    received_ms: int
    topic: str
    reason: str
    size_bytes: int
    payload: bytes

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes were kept, so that it can be tried again."""
        return self.size_bytes == len(self.payload)


class Quarantine:
    """Keeps refused messages, a JSON line each; the older half goes when it is full.

    `dropped` counts what went since the start.
    """

    def __init__(self, folder: Path, *, max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self._path = folder / FILE_NAME
        self._old = folder / OLD_NAME
        self._max_file_bytes = max_file_bytes
        self.dropped = 0

    def keep(self, message: Message, reason: str) -> None:
        """Append a message; a disk that refuses is logged and stops nothing."""
        refused = Refused(
            message.received_ms,
            message.topic,
            reason,
            len(message.payload),
            message.payload[:MAX_PAYLOAD_BYTES],
        )
        try:
            self.put(refused)
        except OSError as error:
            log.error("quarantine cannot be written: %s", error)

    def put(self, refused: Refused) -> None:
        """Append a refused message as it is; raises OSError."""
        self._rotate()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(refused))

    def _rotate(self) -> None:
        if not self._path.exists():
            return
        if self._path.stat().st_size > self._max_file_bytes:
            self.dropped += sum(1 for _ in _read(self._old))
            self._path.replace(self._old)


def refused_in(folder: Path) -> Iterator[Refused]:
    """Return what is kept in a service's folder, oldest first; a torn line is left out.

    Raises StorageError where the disk cannot be read.
    """
    for name in (TAKEN_NAME, OLD_NAME, FILE_NAME):
        yield from _read(folder / name)


class Taken:
    """What was taken out of a quarantine to be tried again.

    Leaving the context settles it: everything that `keep` was not told of is gone from
    the quarantine. Where an error ends the context, all of it stays.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / TAKEN_NAME
        self._kept: list[Refused] = []
        self.refused: list[Refused] = []

    def __enter__(self) -> Self:
        try:
            # Also what an earlier try took and did not settle.
            with self._path.open("ab") as file:
                for name in (OLD_NAME, FILE_NAME):
                    path = self._folder / name
                    if path.exists():
                        aside = path.with_suffix(".moving")
                        path.replace(aside)
                        file.write(aside.read_bytes())
                        file.flush()
                        aside.unlink()
        except OSError as error:
            raise StorageError(
                f"the quarantine {self._folder}: {error.strerror}"
            ) from error
        self.refused = list(_read(self._path))
        return self

    def keep(self, refused: Refused) -> None:
        """Leave a message in the quarantine."""
        self._kept.append(refused)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        quarantine = Quarantine(self._folder)
        for one in self._kept:
            quarantine.put(one)
        self._path.unlink(missing_ok=True)


def _read(path: Path) -> Iterator[Refused]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                refused = _parsed(line)
                if refused is not None:
                    yield refused
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error


def _line(refused: Refused) -> str:
    fields = {
        "received_ms": refused.received_ms,
        "topic": refused.topic,
        "reason": refused.reason,
        "bytes": refused.size_bytes,
        "payload_base64": base64.b64encode(refused.payload).decode(),
    }
    return json.dumps(fields) + "\n"


def _parsed(line: str) -> Refused | None:
    """Return a line's message; None where a crash cut the line short."""
    try:
        fields = json.loads(line)
        return Refused(
            fields["received_ms"],
            fields["topic"],
            fields["reason"],
            fields["bytes"],
            base64.b64decode(fields["payload_base64"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
