"""Which readings of a device are new: by its own numbers, or ours where it has none."""

from collections.abc import Mapping, Sequence
from typing import Literal

from monitorme.outbox import new_boot

Place = Literal["next", "repeated", "beyond"]


class Numbering:
    """The next seq of every boot of a device, so that none is kept twice or skipped.

    A device is told that readings are kept up to a seq, never over one that is not: what
    is `beyond` a gap is to be sent again, in order.
    """

    def __init__(self, held: Mapping[str, Sequence[int]]) -> None:
        """Begin behind what is held of each boot, before the first gap in it."""
        self._next = {boot: _end_of_run(seqs) for boot, seqs in held.items() if seqs}
        self._unkept: dict[str, int] = {}
        self._own_boot = new_boot()

    def greet(self, boot: str, oldest_seq: int) -> int:
        """Take in what a device still holds; return how many it no longer does."""
        self.recover(boot)
        known = self._next.get(boot)
        self._next[boot] = max(known or 0, oldest_seq)
        return 0 if known is None else self._next[boot] - known

    def place(self, boot: str, seq: int) -> Place:
        """Say where a reading belongs; where that is `next`, it is taken."""
        expected = self.next_seq(boot)
        if seq == expected:
            self._next[boot] = seq + 1
            return "next"
        return "repeated" if seq < expected else "beyond"

    def skip_to(self, boot: str, seq: int) -> None:
        """Take a seq whose predecessors will never come."""
        self._next[boot] = seq + 1

    def own_name(self) -> tuple[str, int]:
        """Return the name for the next reading of a device that does not number them."""
        return self._own_boot, self.next_seq(self._own_boot)

    def give_back(self, boot: str, seq: int) -> None:
        """Take back the seq that was taken last."""
        self._next[boot] = seq

    def next_seq(self, boot: str) -> int:
        """Return the seq that is expected next."""
        return self._next.get(boot, 1)

    def knows(self, boot: str) -> bool:
        """Say whether anything has been heard of a boot."""
        return boot in self._next

    def not_kept(self, boot: str, seq: int) -> None:
        """Note that a seq was taken, but could not be kept."""
        self._unkept[boot] = min(seq, self._unkept.get(boot, seq))

    def kept_through(self, boot: str) -> int:
        """Return the seq up to which everything is kept."""
        return self._unkept.get(boot, self.next_seq(boot)) - 1

    def recover(self, boot: str) -> bool:
        """Expect again from what could not be kept; says whether there was any."""
        seq = self._unkept.pop(boot, None)
        if seq is not None:
            self._next[boot] = seq
        return seq is not None


def _end_of_run(seqs: Sequence[int]) -> int:
    """Return the first seq that is missing behind the smallest."""
    held, seq = set(seqs), min(seqs)
    while seq in held:
        seq += 1
    return seq
