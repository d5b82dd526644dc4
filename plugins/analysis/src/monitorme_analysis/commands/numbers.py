"""Numbers on the command line: only those that arrive as what they are."""

import math
from typing import Final

import click

OFF: Final = "off"


class _LimitType(click.ParamType[float | str]):
    """A number, or `off`."""

    name = "limit"

    def convert(
        self,
        value: str | float,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float | str:
        """Return the number, or `off`."""
        if value == OFF:
            return OFF
        try:
            return _finite(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor `off`", param, ctx)


class _NumberType(click.ParamType[float]):
    """A number; nan is none, and would arrive as nothing at all."""

    name = "number"

    def convert(
        self,
        value: str | float,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number."""
        try:
            return _finite(value)
        except ValueError:
            self.fail(f"{value!r} is no number", param, ctx)


def _finite(value: str | float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no finite number")
    return number


LIMIT: Final = _LimitType()
NUMBER: Final = _NumberType()
