"""A robust line through points, with the range that its slope can have.

Theil-Sen: the slope is the median of the slopes between all pairs of points. Up to 29 %
of the points may be anything (a cough, a loose probe) without turning the line, where one
such point is enough to turn a line of least squares; it needs no scale of the noise to be
guessed, and it gives a range without assuming a distribution. It costs the square of the
number of points, which is why a window holds no more than some twenty of them.

Sources: Theil 1950; Sen 1968, "Estimates of the regression coefficient based on Kendall's
tau", J. Am. Stat. Assoc. 63, for the range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Final

Point = tuple[int, float]
"""When, in milliseconds, and how much."""

NORMAL_95: Final = 1.96
"""Of the normal distribution, 95 % lie within this many standard deviations."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; slopes are in units of the value per millisecond."""

    slope: float
    slope_low: float
    """The slope is above this with 97.5 % of certainty, if points err independently."""
    slope_high: float
    """And below this."""
    at_ms: int
    """The time of the newest point."""
    level: float
    """What the line says of that time."""
    start_ms: int
    """The time of the oldest point."""

    def value(self, at_ms: int) -> float:
        """Return what the line says of a time."""
        return self.level + self.slope * (at_ms - self.at_ms)

    @property
    def change(self) -> float:
        """How far the line goes from the oldest point to the newest."""
        return self.slope * (self.at_ms - self.start_ms)

    @property
    def is_certain(self) -> bool:
        """Whether even the range of the slope has one direction."""
        return self.slope_low > 0 or self.slope_high < 0


def fit(points: Sequence[Point]) -> Line | None:
    """Return the line through points in order of time; None for fewer than three."""
    count = len(points)
    if count < 3 or points[0][0] == points[-1][0]:
        return None
    # Lists, not generators: a line is drawn through every window that moves.
    slopes = [
        (later - earlier) / (later_ms - earlier_ms)
        for (earlier_ms, earlier), (later_ms, later) in combinations(points, 2)
        if later_ms > earlier_ms
    ]
    slopes.sort()
    slope = _median(slopes)
    newest_ms = points[-1][0]
    level = _median(sorted([value + slope * (newest_ms - ms) for ms, value in points]))
    low, high = _range(slopes, count)
    return Line(slope, low, high, newest_ms, level, points[0][0])


def _median(ordered: Sequence[float]) -> float:
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2


def _range(slopes: Sequence[float], count: int) -> tuple[float, float]:
    """Return the slopes between which the true one lies with 95 % (Sen 1968)."""
    spread = NORMAL_95 * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    below = int((len(slopes) - spread) / 2)
    below = max(0, min(below, len(slopes) - 1))
    return slopes[below], slopes[len(slopes) - 1 - below]
