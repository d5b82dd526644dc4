"""Comparing beats that were found with beats that were marked."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Score:
    """How many beats were found, missed and invented."""

    found: int = 0
    missed: int = 0
    invented: int = 0
    offsets: tuple[int, ...] = field(default=(), repr=False)
    """Found minus marked, in samples, of each beat found."""
    missed_at: tuple[int, ...] = field(default=(), repr=False)
    invented_at: tuple[int, ...] = field(default=(), repr=False)

    @property
    def sensitivity_percent(self) -> float:
        """Part of the marked beats that was found."""
        return 100 * self.found / max(1, self.found + self.missed)

    @property
    def predictivity_percent(self) -> float:
        """Part of the found beats that was marked."""
        return 100 * self.found / max(1, self.found + self.invented)

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.found + other.found,
            self.missed + other.missed,
            self.invented + other.invented,
        )


def compare(
    marked: Sequence[int],
    found: Sequence[int],
    window: int,
    excluded: Sequence[tuple[int, int]] = (),
) -> Score:
    """Pair beats at most WINDOW samples apart, each with one other, in order of time.

    Beats within an excluded span, or up to the window beyond it, do not count.
    """

    def counts(sample: int) -> bool:
        return not any(a - window <= sample <= b + window for a, b in excluded)

    true = sorted(filter(counts, marked))
    ours = sorted(filter(counts, found))
    i = j = 0
    offsets, missed, invented = [], [], []
    while i < len(true) and j < len(ours):
        gap = ours[j] - true[i]
        if abs(gap) <= window:
            # The next one of either side is the better partner where it is nearer.
            if j + 1 < len(ours) and abs(ours[j + 1] - true[i]) < abs(gap):
                invented.append(ours[j])
                j += 1
                continue
            if i + 1 < len(true) and abs(ours[j] - true[i + 1]) < abs(gap):
                missed.append(true[i])
                i += 1
                continue
            offsets.append(gap)
            i, j = i + 1, j + 1
        elif gap > 0:
            missed.append(true[i])
            i += 1
        else:
            invented.append(ours[j])
            j += 1
    missed += true[i:]
    invented += ours[j:]
    return Score(
        len(offsets),
        len(missed),
        len(invented),
        tuple(offsets),
        tuple(missed),
        tuple(invented),
    )
