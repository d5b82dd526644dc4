"""Times and spans as people write and read them, in the zone of the machine."""

import re
from datetime import datetime, timedelta
from typing import Final

import click

_UNITS: Final = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400}
_SPAN: Final = re.compile(r"(\d{1,6})(s|min|m|h|d)")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class SpanType(click.ParamType[int]):
    """A span such as 90min, 6h or 2d, in ms."""

    name = "span"

    def convert(
        self,
        value: str | int,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the span in ms."""
        if isinstance(value, int):
            return value
        found = _SPAN.fullmatch(value)
        if found is None or found[1].strip("0") == "":
            self.fail(f"{value!r} is no span; write 90min, 6h or 2d", param, ctx)
        return int(found[1]) * _UNITS[found[2]] * 1000


class TimeType(click.ParamType[int]):
    """A time such as 14:30 (the last one) or 2026-11-26T14:30, in ms since the epoch."""

    name = "time"

    def convert(
        self,
        value: str | int,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the time in ms since the epoch."""
        if isinstance(value, int):
            return value
        clock = _CLOCK.fullmatch(value)
        if clock is not None:
            return _ms(_last(int(clock[1]), int(clock[2]), datetime.now()))
        try:
            return max(0, _ms(datetime.fromisoformat(value)))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time; write 14:30 or 2026-11-26T14:30", param, ctx
            )


def local(at_ms: float, form: str = "%d %b %H:%M:%S") -> str:
    """Return a time for people."""
    return f"{datetime.fromtimestamp(at_ms / 1000):{form}}"


def spoken(span_ms: float) -> str:
    """Return a span for people."""
    seconds = span_ms / 1000
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _last(hour: int, minute: int, now: datetime) -> datetime:
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)
