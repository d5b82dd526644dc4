"""How far a number has risen or fallen within its window, however it did so.

Two views, of which the larger counts. The line sees a steady change and waits until it
has seen most of the window. The levels (medians of three points) see a step, from the
moment it has lasted two points, and one that came and went back not at all.
"""

from dataclasses import dataclass
from typing import Final

from monitorme_analysis.trends.slope import Line, Point, fit
from monitorme_analysis.trends.window import LEVEL_POINTS, levels

COVERED: Final = 0.8
"""Share of the window that a line must have seen."""
WORTH_A_LINE: Final = 0.6
"""Levels that differ by less than this share of what counts need no line."""


@dataclass(frozen=True, slots=True)
class Change:
    """From what to what a number has gone; rising where `to` is above `start`."""

    start: float
    to: float

    @property
    def by(self) -> float:
        """How far; negative where it fell."""
        return self.to - self.start

    @property
    def share(self) -> float:
        """How far, as a share of where it began; 0 where that was 0 or less."""
        return self.by / self.start if self.start > 0 else 0.0


def fall(points: tuple[Point, ...], span_ms: int, at_least: float) -> Change:
    """Return the largest fall within the window; `at_least` is what will count."""
    return _largest(points, span_ms, at_least, sign=-1)


def rise(points: tuple[Point, ...], span_ms: int, at_least: float) -> Change:
    """Return the largest rise within the window; `at_least` is what will count."""
    return _largest(points, span_ms, at_least, sign=1)


def _largest(
    points: tuple[Point, ...], span_ms: int, at_least: float, *, sign: int
) -> Change:
    known = levels(points)
    if not known:
        return Change(0.0, 0.0)
    stepped = Change((min if sign > 0 else max)(known), known[-1])
    if stepped.by * sign < at_least * WORTH_A_LINE:
        return stepped
    steady = _along(fit(points), points, span_ms)
    if steady is not None and steady.by * sign > stepped.by * sign:
        return steady
    return stepped


def _along(line: Line | None, points: tuple[Point, ...], span_ms: int) -> Change | None:
    """Return the change along a line, from the beginning of what it has seen.

    It ends at a value that there was: a line goes on where a patient no longer does.
    Points lie in the middle of their buckets, so what was seen is a bucket longer.
    """
    if line is None or not line.is_certain:
        return None
    seen_ms = points[-1][0] - points[0][0]
    seen_ms += seen_ms // (len(points) - 1)
    if seen_ms < span_ms * COVERED:
        return None
    start = line.level - line.slope * min(seen_ms, span_ms)
    newest = [value for _, value in points[-LEVEL_POINTS:]]
    return Change(start, min(max(line.level, min(newest)), max(newest)))
