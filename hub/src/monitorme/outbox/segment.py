"""A segment: one file of an outbox, and which readings are in it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger(__name__)

Run = tuple[int, int]
"""Successive seqs: the first and the last."""


class Place(NamedTuple):
    """Where the record of a seq is."""

    seq: int
    segment: int
    offset: int
    length: int


@dataclass(slots=True)
class Segment:
    """A segment's file, and what is in it."""

    path: Path
    records: int = 0
    unconfirmed: int = 0
    size: int = 0
    runs: dict[str, list[Run]] = field(default_factory=dict)
    """The seqs of each boot, as they came; one run where they came in order."""

    def note(self, boot: str, seq: int) -> None:
        """Take note of a record."""
        self.records += 1
        runs = self.runs.setdefault(boot, [])
        if runs and runs[-1][1] + 1 == seq:
            runs[-1] = (runs[-1][0], seq)
        else:
            runs.append((seq, seq))

    def has_from(self, boot: str, seq: int) -> bool:
        """Say whether it has something of a boot from a seq on."""
        return any(last >= seq for _, last in self.runs.get(boot, ()))

    def rename(self, suffix: str) -> None:
        """Name the file by what it holds; where the disk refuses, it stays as it is."""
        path = self.path.with_suffix(suffix)
        try:
            self.path.rename(path)
            self.path = path
        except OSError as error:
            log.warning("cannot rename file=%s: %s", self.path, error.strerror)

    def unlink(self) -> None:
        """Delete the file; where the disk refuses, it is found again at the next start."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cannot delete file=%s: %s", self.path, error.strerror)


def unbroken_from(runs: Iterable[Run]) -> int | None:
    """Return from which seq on nothing is missing up to the last."""
    first: int | None = None
    for lowest, highest in sorted(runs, key=lambda run: run[1], reverse=True):
        if first is not None and highest < first - 1:
            break
        first = lowest if first is None else min(first, lowest)
    return first
