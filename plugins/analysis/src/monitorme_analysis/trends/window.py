"""The newest stretch of one number, as few points: what every trend looks at.

A window keeps medians of buckets, so that a line through it costs microseconds whatever
the vital's rate. It never reaches over a gap: after one it begins anew.
"""

from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

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


class Window(NamedTuple):
    """What is kept of a number; the default holds nothing yet."""

    points: tuple[Point, ...] = ()
    """Of whole buckets: middle of its time, median of its values."""
    values: tuple[float, ...] = ()
    """Of the bucket that is being filled."""
    bucket: int = 0
    """The bucket that is being filled, counted since the epoch."""
    newest_ms: int = 0
    """When the newest value was taken."""


def add(window: Window, at_ms: int, value: float, shape: Shape) -> Window:
    """Return the window with a value; the same one where the value is not needed.

    Values come in order of time; an older one is left out.
    """
    if window.values or window.points:
        since_ms = at_ms - window.newest_ms
        if since_ms < shape.every_ms or since_ms <= 0:
            return window
        if since_ms > shape.gap_ms:
            window = Window()
    if not shape.bucket_ms:
        points = since(at_ms - shape.span_ms, (*window.points, (at_ms, value)))
        return Window(points, newest_ms=at_ms)
    bucket = at_ms // shape.bucket_ms
    if bucket == window.bucket or not window.values:
        return Window(window.points, (*window.values, value), bucket, at_ms)
    middle_ms = window.bucket * shape.bucket_ms + shape.bucket_ms // 2
    closed = (*window.points, (middle_ms, median(window.values)))
    points = since(bucket * shape.bucket_ms - shape.span_ms, closed)
    return Window(points, (value,), bucket, at_ms)


def since(begin_ms: int, points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the points from a moment on."""
    begin = 0
    while begin < len(points) and points[begin][0] < begin_ms:
        begin += 1
    return points[begin:] if begin else points


def levels(points: tuple[Point, ...]) -> list[float]:
    """Return the running medians: what the number was, without single outliers."""
    return [
        sorted(value for _, value in points[end - LEVEL_POINTS : end])[_MIDDLE]
        for end in range(LEVEL_POINTS, len(points) + 1)
    ]
