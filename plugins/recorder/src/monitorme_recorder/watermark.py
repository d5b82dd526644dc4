"""What has been stored of a device's boot: every seq up to one, and some beyond it."""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from monitorme_recorder.spans import Span, spans_of

MAX_BEYOND: Final = 100_000
"""Seqs kept beyond a gap; a device that makes more is passed over as unfillable."""


@dataclass(slots=True)
class Watermark:
    """The stored seqs of one (device, boot)."""

    through: int = 0
    """All seqs up to this one are stored, or known to be lost."""
    beyond: set[int] = field(default_factory=set)
    """Stored seqs after a gap."""
    gap_since_ms: int = 0
    """When the gap was noticed; 0 for none."""
    last_ms: int = 0
    """When something of it last arrived."""

    def has(self, seq: int) -> bool:
        """Say whether a seq is stored already."""
        return seq <= self.through or seq in self.beyond

    def add(self, seq: int, now_ms: int) -> None:
        """Note that a seq is on disk."""
        self.last_ms = now_ms
        if seq == self.through + 1:
            self.through = seq
            if self.beyond:
                self._advance()
        elif seq > self.through:
            self.beyond.add(seq)
            self.gap_since_ms = self.gap_since_ms or now_ms

    def missing(self) -> list[Span]:
        """Return the gaps, in order."""
        if not self.beyond:
            return []
        present = spans_of(self.beyond)
        starts = [self.through + 1, *(span.last + 1 for span in present[:-1])]
        return [
            Span(first, span.first - 1)
            for first, span in zip(starts, present, strict=True)
        ]

    def pass_over(self, before_seq: int) -> list[Span]:
        """Give up what is missing before a seq; return what was given up."""
        lost = [
            Span(gap.first, min(gap.last, before_seq - 1))
            for gap in self.missing_before(before_seq)
        ]
        self.through = max(self.through, before_seq - 1)
        self.beyond = {seq for seq in self.beyond if seq > self.through}
        self._advance()
        return lost

    def missing_before(self, seq: int) -> list[Span]:
        """Return the gaps that begin before a seq."""
        gaps = self.missing()
        highest = max(self.beyond, default=self.through)
        if seq > highest + 1:
            gaps.append(Span(highest + 1, seq - 1))
        return [gap for gap in gaps if gap.first < seq]

    def _advance(self) -> None:
        while self.through + 1 in self.beyond:
            self.through += 1
            self.beyond.remove(self.through)
        if not self.beyond:
            self.gap_since_ms = 0


class SavedWatermark(msgspec.Struct, frozen=True):
    """A watermark as it is written down."""

    through: int
    beyond: list[list[int]]
    last_ms: int


def save(watermark: Watermark) -> bytes:
    """Return a watermark for the disk."""
    spans = [[span.first, span.last] for span in spans_of(watermark.beyond)]
    saved = SavedWatermark(watermark.through, spans, watermark.last_ms)
    return msgspec.msgpack.encode(saved)


def load(data: bytes, now_ms: int) -> Watermark:
    """Return a watermark from the disk."""
    saved = msgspec.msgpack.decode(data, type=SavedWatermark)
    beyond = {seq for first, last in saved.beyond for seq in range(first, last + 1)}
    return Watermark(saved.through, beyond, now_ms if beyond else 0, saved.last_ms)
