"""What has been stored of a device's boot: every seq up to one, and some beyond it."""

from bisect import bisect_right
from dataclasses import dataclass, field

import msgspec

from monitorme_recorder.spans import Span


@dataclass(slots=True)
class Watermark:
    """The stored seqs of one (device, boot).

    What lies beyond a gap is kept as spans: a device that comes back after a day sends
    what is new first, and that is one span, however long it takes to fill the gap.
    """

    through: int = 0
    """All seqs up to this one are stored, or known to be lost."""
    beyond: list[Span] = field(default_factory=list)
    """Stored seqs after a gap: spans in order that do not touch."""
    gap_since_ms: int = 0
    """When the gap was noticed, or last grew smaller from below; 0 for none."""
    last_ms: int = 0
    """When something of it last arrived."""
    lost: list[Span] = field(default_factory=list)
    """Spans up to `through` that were given up; what comes of them yet is stored."""

    def has(self, seq: int) -> bool:
        """Say whether a seq is stored already."""
        if seq <= self.through:
            return not any(span.first <= seq <= span.last for span in self.lost)
        at = self._place(seq)
        return at >= 0 and seq <= self.beyond[at].last

    def add(self, seq: int, now_ms: int) -> None:
        """Note that a seq is on disk."""
        self.last_ms = now_ms
        if seq == self.through + 1:
            self.through = seq
            if self.beyond:
                self._advance(now_ms)
        elif seq <= self.through:
            self._find(seq)
        elif not self.has(seq):
            self._insert(seq)
            self.gap_since_ms = self.gap_since_ms or now_ms

    def stored(self) -> list[Span]:
        """Return what is stored, in order."""
        found, first = [], 1
        for span in sorted(self.lost):
            if first < span.first:
                found.append(Span(first, span.first - 1))
            first = max(first, span.last + 1)
        if first <= self.through:
            found.append(Span(first, self.through))
        return [*found, *self.beyond]

    def missing(self) -> list[Span]:
        """Return the gaps, in order."""
        ends = [self.through, *(span.last for span in self.beyond)]
        return [
            Span(end + 1, span.first - 1)
            for end, span in zip(ends, self.beyond, strict=False)
        ]

    def lacking(self, span: Span) -> list[Span]:
        """Return the parts of a span that are not stored, in order."""
        holes = [*self.lost, *self.missing()]
        highest = self.beyond[-1].last if self.beyond else self.through
        holes.append(Span(highest + 1, span.last))
        parts = [
            Span(max(hole.first, span.first), min(hole.last, span.last))
            for hole in holes
        ]
        return sorted(part for part in parts if part.first <= part.last)

    def pass_over(self, before_seq: int) -> list[Span]:
        """Give up what is missing before a seq; return what was given up."""
        lost = [
            Span(gap.first, min(gap.last, before_seq - 1))
            for gap in self.missing_before(before_seq)
        ]
        self.lost.extend(lost)
        self.through = max(self.through, before_seq - 1)
        self.beyond = [
            Span(max(span.first, self.through + 1), span.last)
            for span in self.beyond
            if span.last > self.through
        ]
        self._advance(self.gap_since_ms)
        return lost

    def lose(self, span: Span) -> None:
        """Note that what is stored of a span is gone: what comes of it is stored again."""
        gone = [Span(span.first, min(span.last, self.through))]
        for hole in self.lost:
            gone = [part for one in gone for part in one.without(hole)]
        self.lost += [one for one in gone if one.first <= one.last]
        self.beyond = [part for one in self.beyond for part in one.without(span)]
        self.gap_since_ms = self.gap_since_ms if self.beyond else 0

    def missing_before(self, seq: int) -> list[Span]:
        """Return the gaps that begin before a seq."""
        gaps = self.missing()
        highest = self.beyond[-1].last if self.beyond else self.through
        if seq > highest + 1:
            gaps.append(Span(highest + 1, seq - 1))
        return [gap for gap in gaps if gap.first < seq]

    def _find(self, seq: int) -> None:
        """Note that something came that had been given up."""
        for index, span in enumerate(self.lost):
            if span.first <= seq <= span.last:
                self.lost[index : index + 1] = span.without(Span(seq, seq))
                return

    def _place(self, seq: int) -> int:
        """Return the index of the last span that begins at or before a seq, or -1."""
        if self.beyond and seq >= self.beyond[-1].first:
            return len(self.beyond) - 1
        return bisect_right(self.beyond, seq, key=lambda span: span.first) - 1

    def _insert(self, seq: int) -> None:
        """Take in a seq that is not stored: into a span, or as one of its own."""
        at = self._place(seq)
        first = last = seq
        if at + 1 < len(self.beyond) and self.beyond[at + 1].first == seq + 1:
            last = self.beyond.pop(at + 1).last
        if at >= 0 and self.beyond[at].last == seq - 1:
            first = self.beyond.pop(at).first
            at -= 1
        self.beyond.insert(at + 1, Span(first, last))

    def _advance(self, now_ms: int) -> None:
        while self.beyond and self.beyond[0].first <= self.through + 1:
            self.through = max(self.through, self.beyond.pop(0).last)
        # A gap that is being filled is not asked for again.
        self.gap_since_ms = now_ms if self.beyond else 0


class SavedWatermark(msgspec.Struct, frozen=True):
    """A watermark as it is written down."""

    through: int
    beyond: list[list[int]]
    last_ms: int
    lost: list[list[int]] = []


def save(watermark: Watermark) -> bytes:
    """Return a watermark for the disk."""
    spans = [[span.first, span.last] for span in watermark.beyond]
    lost = [[span.first, span.last] for span in watermark.lost]
    saved = SavedWatermark(watermark.through, spans, watermark.last_ms, lost)
    return msgspec.msgpack.encode(saved)


def load(data: bytes, now_ms: int) -> Watermark:
    """Return a watermark from the disk."""
    saved = msgspec.msgpack.decode(data, type=SavedWatermark)
    beyond = [Span(first, last) for first, last in saved.beyond]
    lost = [Span(first, last) for first, last in saved.lost]
    gap_since_ms = now_ms if beyond else 0
    return Watermark(saved.through, beyond, gap_since_ms, saved.last_ms, lost)
