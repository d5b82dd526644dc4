"""What the recorder has in memory: of every stream, and of every boot of a device."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.watermark import Watermark

CHUNK_READINGS: Final = 240
"""A stream with so many in memory is folded: two minutes of a 2 Hz vital."""
CHUNK_BLOCKS: Final = 20
"""The same for blocks of a waveform, which take ten times the room."""


def chunk_size(*, is_waveform: bool) -> int:
    """Return how many readings are folded into a chunk."""
    return CHUNK_BLOCKS if is_waveform else CHUNK_READINGS


class Packed(msgspec.Struct, frozen=True, gc=False):
    """A block of a waveform in memory: as it arrived, for unpacked it takes ten times."""

    seq: int
    time_ms: int
    received_ms: int
    at_ms: int
    payload: bytes


@dataclass(slots=True, eq=False)
class Boot:
    """What is stored of a device's boot, and what a transaction is about to add."""

    device: str
    boot: str
    mark: Watermark = field(default_factory=Watermark)
    ahead: int = 0
    """Every seq up to here is stored, or is in the transaction."""
    taken: set[int] = field(default_factory=set)
    """Other seqs that are in the transaction."""
    is_plain: bool = True
    """Whether there is no gap, neither on disk nor in the transaction."""
    batch: int = 0
    """The last transaction that it had a part in."""
    newest_seq: int = 0
    """The highest seq that has come."""
    is_saved: bool = True
    """Whether its watermark is written down as it is."""

    def is_new(self, seq: int) -> bool:
        """Say whether a seq is neither stored nor in the transaction; then it is in it."""
        mark = self.mark
        if seq == self.ahead + 1 and self.is_plain:
            self.ahead = seq
            return True
        if seq in self.taken or mark.through < seq <= self.ahead or mark.has(seq):
            return False
        self.taken.add(seq)
        self.is_plain = False
        return True

    def begin(self, batch: int) -> None:
        """Take part in a transaction."""
        self.batch = batch
        self.ahead = self.mark.through
        self.taken.clear()
        self.is_plain = not self.mark.beyond

    def committed(self, now_ms: int) -> None:
        """What the transaction added is on disk."""
        mark = self.mark
        if self.ahead > mark.through:
            mark.through = self.ahead
        for seq in sorted(self.taken):
            mark.add(seq, now_ms)
        mark.last_ms = now_ms
        self.taken.clear()
        self.is_saved = False


class Tail(NamedTuple):
    """What is in memory of a stream, and the first row of the log that it is in."""

    stream: Stream
    first_log: int
    kept: list[Kept]


class Tails(NamedTuple):
    """Tails of one moment, and the file whose log has them."""

    path: Path
    tails: list[Tail]


class Track:
    """A stream in memory: what is not in a chunk yet, and the newest reading."""

    __slots__ = (
        "boot",
        "first_log",
        "is_waveform",
        "limit",
        "newest",
        "number",
        "stream",
        "tail",
    )

    def __init__(
        self, stream: Stream, boot: Boot, *, is_waveform: bool, order: int
    ) -> None:
        self.stream = stream
        self.boot = boot
        self.is_waveform = is_waveform
        self.number = 0
        """Its number in the open file; 0 where it has none yet."""
        self.first_log = 0
        """The log's row in which the tail begins."""
        self.tail: list[Kept | Packed] = []
        self.newest: Kept | Packed | None = None
        full = self.full
        # Streams that begin together are not to be full together for ever.
        self.limit = full // 2 + order * 37 % (full - full // 2 + 1)

    @property
    def full(self) -> int:
        """How many readings are folded into a chunk."""
        return chunk_size(is_waveform=self.is_waveform)

    def compact(self, kept: Kept, payload: bytes) -> Kept | Packed:
        """Return a reading as it is kept in memory."""
        if not self.is_waveform:
            return kept
        return Packed(kept.seq, kept.time_ms, kept.received_ms, kept.at_ms, payload)

    def remember(self, kept: Kept | Packed, log_id: int) -> bool:
        """Take in what is on disk now; says whether it is time to fold."""
        tail = self.tail
        if not tail:
            self.first_log = log_id
        tail.append(kept)
        newest = self.newest
        if newest is None or (
            kept.at_ms > newest.at_ms
            or (kept.at_ms == newest.at_ms and kept.seq >= newest.seq)
        ):
            self.newest = kept
        return len(tail) == self.limit
