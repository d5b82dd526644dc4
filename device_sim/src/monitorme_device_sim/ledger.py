"""What was made, written down beside the system, to compare with what it stored.

JSON Lines, one a reading: device, boot, seq, bed (`ward/bed`), vital, time_ms, value. The
value of a waveform block is `{"crc32": …}`, the checksum of the value's JSON with sorted
names.
"""

import json
import zlib
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import BedId
from monitorme.errors import StorageError


def ledger_value(value: ReadingValue) -> object:
    """Return a value as a ledger writes it."""
    if isinstance(value, dict) and any(isinstance(v, Lead) for v in value.values()):
        return {"crc32": zlib.crc32(msgspec.json.encode(value, order="sorted"))}
    return value


class Ledger:
    """A ledger file; lines are on their way to the disk when `add` returns.

    What the disk does not take is held, and goes first once it does: `settle` tries. Who
    makes readings settles before each, so that what is held is never much.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = b""
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._refusal(error) from error

    def add(self, bed: BedId, vital: str, reading: Reading) -> None:
        """Write a reading down, before it is published; hold it where the disk refuses."""
        line = {
            "device": reading.device,
            "boot": reading.boot,
            "seq": reading.seq,
            "bed": str(bed),
            "vital": vital,
            "time_ms": reading.time_ms,
            "value": ledger_value(reading.value),
        }
        self._held += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        # The reading is made: whoever makes the next one is told.
        with suppress(StorageError):
            self.settle()

    def settle(self) -> None:
        """Write what is held; raises StorageError where the disk refuses."""
        try:
            while self._held:
                # A disk that is almost full takes a part of a line.
                self._held = self._held[self._file.write(self._held) :]
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> StorageError:
        return StorageError(f"cannot write the ledger {self._path}: {error.strerror}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.settle()
        finally:
            self._file.close()
