"""When a limit will be reached if a number goes on as it does: a guess, with its range.

The guess looks no farther ahead than it is told to, as a multiple of what the line has
seen behind. There is none where
the number may as well not be moving, where the newest value is old, or after a gap until
the line is long enough again.
"""

from dataclasses import dataclass
from math import inf

from monitorme_analysis.trends.slope import Line

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class TimeToLimit:
    """From now, in milliseconds; `latest_ms` is infinite where it may never come."""

    about_ms: float
    earliest_ms: float
    latest_ms: float

    def __str__(self) -> str:
        """Return it for people: `about 12 min (9 to 17)`."""
        about = _minutes(self.about_ms)
        earliest = _minutes(self.earliest_ms)
        if self.latest_ms == inf:
            return f"about {about} min ({earliest} or more)"
        return f"about {about} min ({earliest} to {_minutes(self.latest_ms)})"


def time_to_limit(
    line: Line, limit: float, now_ms: int, *, ahead: float = 1.0
) -> TimeToLimit | None:
    """Return when a line reaches a limit; None where it does not, or cannot tell.

    Args:
        line: through the newest values; its slopes' range gives that of the time.
        limit: in the value's unit.
        now_ms: from when the time counts, not before the line's newest point.
        ahead: how far to look, as a multiple of what the line has seen.
    """
    way = limit - line.level
    if not line.is_certain or way * line.slope <= 0:
        return None
    seen_ms, passed_ms = line.at_ms - line.start_ms, now_ms - line.at_ms
    steep, flat = line.slope_low, line.slope_high
    if line.slope > 0:
        steep, flat = flat, steep
    about_ms = way / line.slope - passed_ms
    if about_ms > ahead * seen_ms:
        return None
    latest_ms = way / flat - passed_ms
    return TimeToLimit(
        about_ms=max(0.0, about_ms),
        earliest_ms=max(0.0, way / steep - passed_ms),
        latest_ms=latest_ms if 0 <= latest_ms <= 4 * ahead * seen_ms else inf,
    )


def _minutes(ms: float) -> int:
    return max(1, round(ms / MINUTE_MS))
