"""What lies before a window that began anew, and may still come: a device's backlog.

A device that was out of reach sends what it took meanwhile when it is back, after or
between live readings. Those join the stretch before the gap. Once that reaches up to the
window, with no gap left between, the two are one again; what is found is found by the
next live reading, and never for a moment that is over.
"""

from dataclasses import dataclass, field, replace
from statistics import median

from monitorme_analysis.trends.slope import Point
from monitorme_analysis.trends.window import Shape, Window, add, since


@dataclass(frozen=True, slots=True)
class Backlog:
    """The stretch before a window; the default takes nothing in."""

    earlier: Window = field(default_factory=Window)
    """What was known before the gap, and what has come of it since."""
    until_ms: int = 0
    """When the first value of the window was taken: what comes is older."""


def begins_at(window: Window, at_ms: int, shape: Shape) -> bool:
    """Say whether a window begins with a value of `at_ms`, at first or after a gap."""
    is_empty = not (window.values or window.points)
    return is_empty or at_ms - window.newest_ms > shape.gap_ms


def fill(backlog: Backlog, at_ms: int, value: float, shape: Shape) -> Backlog:
    """Return the stretch with a value that came late; the same where it has that.

    Values come in order of time, as a device keeps them: one that comes again is older
    than the newest, and left out.
    """
    if at_ms >= backlog.until_ms:
        return backlog
    earlier = add(backlog.earlier, at_ms, value, shape)
    return Backlog(earlier, backlog.until_ms)


def whole(window: Window, backlog: Backlog, shape: Shape) -> Window:
    """Return the window with what lies before it, where no gap is left between."""
    earlier, until_ms = backlog.earlier, backlog.until_ms
    if not (earlier.values or earlier.points) or not window.points:
        return window
    if until_ms - earlier.newest_ms > shape.gap_ms:
        return window
    newest_ms = window.bucket * shape.bucket_ms if shape.bucket_ms else window.newest_ms
    begin_ms = newest_ms - shape.span_ms
    if until_ms < begin_ms:
        return window  # that was too long ago to matter
    first_ms = window.points[0][0]
    before = [point for point in _points(earlier, shape) if point[0] < first_ms]
    return replace(window, points=since(begin_ms, (*before, *window.points)))


def _points(window: Window, shape: Shape) -> tuple[Point, ...]:
    """Return its points, and of the bucket that is never filled any more."""
    if not window.values:
        return window.points
    middle_ms = window.bucket * shape.bucket_ms + shape.bucket_ms // 2
    return (*window.points, (middle_ms, median(window.values)))
