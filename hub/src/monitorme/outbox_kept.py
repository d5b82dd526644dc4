"""Segments whose readings are all confirmed, kept for a while all the same.

`durable` says that a reading is on the hub's disk. Should that disk lose it again, the hub
asks for it; so a device forgets it only when the hub has had time to notice.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

SUFFIX: Final = ".kept"


Run = tuple[int, int]
"""Successive seqs: the first and the last."""


def unbroken_from(runs: Iterable[Run]) -> int | None:
    """Return from which seq on nothing is missing up to the last."""
    first: int | None = None
    for lowest, highest in sorted(runs, key=lambda run: run[1], reverse=True):
        if first is not None and highest < first - 1:
            break
        first = lowest if first is None else min(first, lowest)
    return first


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

    def unlink(self) -> None:
        """Delete the file; where the disk refuses, it is found again at the next start."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cannot delete file=%s: %s", self.path, error.strerror)


class KeptSegments:
    """Confirmed segments by number, each for `keep_s`, and no more than `max_bytes`."""

    def __init__(
        self,
        keep_s: float,
        max_bytes: int,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keep_s = keep_s
        self._max_bytes = max_bytes
        self._clock_s = clock_s
        self._segments: dict[int, tuple[float, Segment]] = {}
        self._bytes = 0

    @property
    def is_keeping(self) -> bool:
        """Whether anything is kept at all."""
        return self._keep_s > 0

    def add(self, number: int, segment: Segment, age_s: float = 0.0) -> None:
        """Keep a segment of which everything is confirmed; it may still be renamed."""
        kept = segment.path.with_suffix(SUFFIX)
        try:
            segment.path.rename(kept)
            segment.path = kept
        except OSError as error:
            # Under its old name it is sent again after a restart, which does no harm.
            log.warning("cannot rename file=%s: %s", segment.path, error.strerror)
        self._segments[number] = (self._clock_s() - age_s, segment)
        self._bytes += segment.size
        self.purge()

    def purge(self) -> None:
        """Let go what has been kept for long enough, and the oldest of too much."""
        oldest_s = self._clock_s() - self._keep_s
        while self._segments:
            number, (since_s, _) = next(iter(self._segments.items()))
            if since_s > oldest_s and self._bytes <= self._max_bytes:
                return
            self.take(number).unlink()

    def clear(self) -> None:
        """Let all go: the disk needs the room."""
        for number in list(self._segments):
            self.take(number).unlink()

    def take(self, number: int) -> Segment:
        """Return a segment, which is kept no longer."""
        _, segment = self._segments.pop(number)
        self._bytes -= segment.size
        return segment

    def with_any(self, boot: str, from_seq: int) -> Iterator[int]:
        """Return the segments that hold something of a boot from a seq on."""
        for number, (_, segment) in list(self._segments.items()):
            if segment.has_from(boot, from_seq):
                yield number

    def runs(self, boot: str) -> Iterator[Run]:
        """Return the seqs of a boot that are kept."""
        for _, segment in self._segments.values():
            yield from segment.runs.get(boot, ())
