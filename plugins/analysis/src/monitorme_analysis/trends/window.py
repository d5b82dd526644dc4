"""The newest stretch of one number, as few points: what every trend looks at.

A window keeps medians of buckets, so that a line through it costs microseconds whatever
the vital's rate. It never reaches over a gap: after one it begins anew.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Final

from monitorme_analysis.trends.slope import Point

LEVEL_POINTS: Final = 3
"""A level is the median of so many points, so that one that is off does not move it."""
_MIDDLE: Final = LEVEL_POINTS // 2


@dataclass(frozen=True, slots=True)
class Shape:
    """How a window is kept, in milliseconds."""

    span_ms: int
    """How far it reaches back."""
    bucket_ms: int
    """What becomes one point; 0: every value is a point, as of episodic vitals."""
    every_ms: int
    """Values nearer to the one before are left out: a bucket needs no more."""
    gap_ms: int
    """Without values for longer than this, there is no trend over it."""


@dataclass(slots=True)
class Window:
    """What is kept of a number; the default holds nothing yet."""

    points: tuple[Point, ...] = ()
    """Of whole buckets: middle of its time, median of its values."""
    values: list[float] = field(default_factory=list)
    """Of the bucket that is being filled."""
    bucket: int = 0
    """The bucket that is being filled, counted since the epoch."""
    newest_ms: int = 0
    """When the newest value was taken."""


def add(window: Window, at_ms: int, value: float, shape: Shape) -> Window:
    """Take a value into the window, where it is needed; after a gap into a new one.

    Values come in order of time; an older one is left out. The window's points are
    others than before where there is a new one.
    """
    values, since_ms = window.values, at_ms - window.newest_ms
    if values or window.points:
        if since_ms < shape.every_ms or since_ms <= 0:
            return window
        if since_ms > shape.gap_ms:
            window = Window()
            values = window.values
    window.newest_ms = at_ms
    if not shape.bucket_ms:
        closed = (*window.points, (at_ms, value))
        window.points = since(at_ms - shape.span_ms, closed)
        return window
    bucket = at_ms // shape.bucket_ms
    if bucket != window.bucket and values:
        middle_ms = window.bucket * shape.bucket_ms + shape.bucket_ms // 2
        closed = (*window.points, (middle_ms, median(values)))
        window.points = since(bucket * shape.bucket_ms - shape.span_ms, closed)
        values.clear()
    window.bucket = bucket
    values.append(value)
    return window


def since(begin_ms: int, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the points from a moment on."""
    begin = 0
    while begin < len(points) and points[begin][0] < begin_ms:
        begin += 1
    return points[begin:] if begin else points


def levels(points: tuple[Point, ...]) -> list[float]:
    """Return the running medians: what the number was, without single outliers."""
    values = [value for _, value in points]
    stretches = zip(*(values[start:] for start in range(LEVEL_POINTS)), strict=False)
    return [sorted(stretch)[_MIDDLE] for stretch in stretches]
