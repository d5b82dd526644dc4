"""Times and spans as people write them, on every command line alike."""

import re
from datetime import datetime, timedelta
from typing import Final

import click

_UNITS: Final = {"s": 1, "min": 60, "m": 60, "h": 3600, "d": 86_400}
_SPAN: Final = re.compile(r"(\d{1,6})(s|min|m|h|d)")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MILLISECONDS: Final = re.compile(r"\d{10,16}")


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
        span_ms = _span_ms(value)
        if not span_ms:
            self.fail(f"{value!r} is no span; write 90min, 6h or 2d", param, ctx)
        return span_ms


class TimeType(click.ParamType[int]):
    """A time, in ms since the epoch; without a zone, in that of this machine.

    14:30 is the last one, 6h so long ago; 2026-11-26T14:30, with or without a zone, and
    milliseconds since the epoch are what they say.
    """

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
        if _MILLISECONDS.fullmatch(value):
            return int(value)
        clock = _CLOCK.fullmatch(value)
        if clock is not None:
            return _ms(_last(int(clock[1]), int(clock[2]), datetime.now()))
        span_ms = _span_ms(value)
        if span_ms:
            return _ms(datetime.now()) - span_ms
        try:
            return max(0, _ms(datetime.fromisoformat(value)))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time; write 14:30, 6h (ago) or 2026-11-26T14:30",
                param,
                ctx,
            )


def _span_ms(text: str) -> int | None:
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] * 1000 if found else None


def _last(hour: int, minute: int, now: datetime) -> datetime:
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today <= now else today - timedelta(days=1)


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)
