"""A measurement against the last ones: for what is taken by the hour, a cuff's pressure.

A line through hourly values would see a collapse only hours later. So the newest value
stands against the median of the last three, which one bad measurement does not move.
"""

from dataclasses import dataclass
from statistics import median
from typing import Final

COUNT: Final = 3


@dataclass(frozen=True, slots=True)
class Last:
    """The newest measurement and those before it; the default holds none."""

    earlier: tuple[float, ...] = ()
    """The last ones before it, oldest first, at most three."""
    newest: float | None = None
    newest_ms: int = 0
    earlier_ms: tuple[int, ...] = ()
    """When those before it were taken."""

    @property
    def usual(self) -> float | None:
        """The median of the last three before the newest; None until there are three."""
        return median(self.earlier) if len(self.earlier) == COUNT else None

    @property
    def share(self) -> float:
        """How far the newest lies from the usual, as a share of it; 0 if unknown."""
        usual = self.usual
        if usual is None or self.newest is None or usual <= 0:
            return 0.0
        return (self.newest - usual) / usual


def measure(
    last: Last, at_ms: int, value: float, *, gap_ms: int, apart_ms: int = 0
) -> Last:
    """Return the state with a newer value.

    After a gap the last three begin anew. A value sooner than `apart_ms` after another
    takes its place: it is the same measurement once more.
    """
    since_ms = at_ms - last.newest_ms
    if last.newest is None or since_ms > gap_ms:
        return Last(newest=value, newest_ms=at_ms)
    if since_ms < apart_ms:
        return Last(last.earlier, value, last.newest_ms, last.earlier_ms)
    earlier_ms = (*last.earlier_ms, last.newest_ms)[-COUNT:]
    return Last((*last.earlier, last.newest)[-COUNT:], value, at_ms, earlier_ms)


def fill(last: Last, at_ms: int, value: float, *, gap_ms: int, apart_ms: int) -> Last:
    """Return the state with a measurement that came late, in its place by time.

    Left out is one that is near another, which it may be once more, one that a gap
    divides from what followed, and one that is older than the last three.
    """
    known = (*zip(last.earlier_ms, last.earlier, strict=True),)
    times_ms = (*last.earlier_ms, last.newest_ms)
    if any(abs(at_ms - time_ms) < max(1, apart_ms) for time_ms in times_ms):
        return last
    following_ms = [time_ms for time_ms in times_ms if time_ms > at_ms]
    if not following_ms or following_ms[0] - at_ms > gap_ms:
        return last
    placed = sorted((*known, (at_ms, value)))[-COUNT:]
    earlier = tuple(number for _, number in placed)
    earlier_ms = tuple(time_ms for time_ms, _ in placed)
    return Last(earlier, last.newest, last.newest_ms, earlier_ms)
