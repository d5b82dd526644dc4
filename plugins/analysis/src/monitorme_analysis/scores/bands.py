"""Bands of a number, each with its points: one row of a score's table."""

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bands:
    """A row of a table, as it is printed.

    A value between two printed numbers counts as the nearer one, halves as the higher:
    36.05 is 36.1. Charts are filled in with rounded numbers, and this rounds as they do.
    """

    tops: tuple[float, ...]
    """The highest printed value of each band but the last, rising."""
    points: tuple[int, ...]
    """The points of each band."""
    step: float = 1.0
    """The distance between printed values."""
    _borders: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Place the borders halfway between printed values."""
        if len(self.points) != len(self.tops) + 1 or list(self.tops) != sorted(
            self.tops
        ):
            raise ValueError("a row has rising tops, and one band more than tops")
        borders = tuple(round(top + self.step / 2, 6) for top in self.tops)
        object.__setattr__(self, "_borders", borders)

    def points_of(self, value: float) -> int:
        """Return the points of a value."""
        return self.points[bisect_right(self._borders, value)]
