"""Delivers lines: what is refused is found, named and set aside, the rest is stored."""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from monitorme_recorder.influx.errors import Refused, TooMuch

log = logging.getLogger(__name__)

FILE_NAME: Final = "refused.jsonl"
MOST_BYTES: Final = 8 * 1024 * 1024
_LONGEST_NAME: Final = 120


class Writes(Protocol):
    """What takes lines."""

    def write(self, bucket: str, lines: Sequence[str]) -> None:
        """Store lines, or raise an InfluxError."""
        ...


class RefusedLines:
    """Keeps refused lines on disk, a JSON line each; the older half goes when full."""

    def __init__(self, folder: Path, now_ms: Callable[[], int]) -> None:
        self._path = folder / FILE_NAME
        self._now_ms = now_ms

    def keep(self, bucket: str, lines: Sequence[str], reason: str) -> None:
        """Append lines; a disk that refuses is logged and stops nothing."""
        try:
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.replace(self._path.with_suffix(".old.jsonl"))
            with self._path.open("a", encoding="utf-8") as file:
                for line in lines:
                    said = {"refused_ms": self._now_ms(), "bucket": bucket}
                    file.write(json.dumps({**said, "reason": reason, "line": line}))
                    file.write("\n")
        except OSError as error:
            log.error("refused lines cannot be written: %s", error)


class Delivery:
    """Writes lines whole, or by halves until the bad ones are found."""

    def __init__(self, server: Writes, refused: RefusedLines) -> None:
        self._server = server
        self._refused = refused
        self.written = 0
        self.set_aside = 0
        self.too_old = 0
        self.last_refusal: str | None = None

    def deliver(self, bucket: str, lines: Sequence[str]) -> None:
        """Write lines; raises an InfluxError where it is not the lines' fault."""
        if not lines:
            return
        try:
            self._server.write(bucket, lines)
        except TooMuch:
            if len(lines) == 1:
                raise
            self._halve(bucket, lines)
        except Refused as error:
            self._sort_out(bucket, lines, error)
        else:
            self.written += len(lines)

    def _sort_out(self, bucket: str, lines: Sequence[str], error: Refused) -> None:
        if error.is_too_old:
            # Expected of what comes late, and the rest is stored: nothing to look for.
            self.too_old += error.dropped or 0
            self.written += len(lines) - (error.dropped or 0)
        elif len(lines) == 1 or error.dropped == _points(lines):
            self._set_aside(bucket, lines, str(error))
        else:
            # In order, lines that are refused for one reason lie side by side.
            self._halve(bucket, sorted(lines))

    def _halve(self, bucket: str, lines: Sequence[str]) -> None:
        middle = len(lines) // 2
        self.deliver(bucket, lines[:middle])
        self.deliver(bucket, lines[middle:])

    def _set_aside(self, bucket: str, lines: Sequence[str], reason: str) -> None:
        self._refused.keep(bucket, lines, reason)
        self.set_aside += len(lines)
        self.last_refusal = f"{lines[-1][:_LONGEST_NAME]}: {reason}"
        log.error("InfluxDB refuses lines count=%d: %s", len(lines), self.last_refusal)


def _points(lines: Sequence[str]) -> int:
    """Return how many points lines are: a block of a waveform is one for each lead."""
    return sum(line.count("\n") + 1 for line in lines)
