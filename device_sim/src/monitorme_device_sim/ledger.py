"""What was made, written down beside the system, to compare with what it stored.

JSON Lines, one a reading: device, boot, seq, bed (`ward/bed`), vital, time_ms, value. The
value of a waveform block is `{"crc32": …}`, the checksum of the value's JSON with sorted
names.
"""

import json
import zlib
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
    """A ledger file; lines are on their way to the disk when `add` returns."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise StorageError(
                f"cannot write the ledger {path}: {error.strerror}"
            ) from error

    def add(self, bed: BedId, vital: str, reading: Reading) -> None:
        """Write a reading down, before it is published."""
        line = {
            "device": reading.device,
            "boot": reading.boot,
            "seq": reading.seq,
            "bed": str(bed),
            "vital": vital,
            "time_ms": reading.time_ms,
            "value": ledger_value(reading.value),
        }
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
