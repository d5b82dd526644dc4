"""Segments whose readings are all confirmed, kept for a while all the same.

`durable` says that a reading is on the hub's disk. Should that disk lose it again, the hub
asks for it; so a device forgets it only when the hub has had time to notice.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

from monitorme.outbox.segment import Run, Segment

SUFFIX: Final = ".kept"


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
        # Under its old name it is sent again after a restart, which does no harm.
        segment.rename(SUFFIX)
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
