"""A curve of dots for a terminal: two columns and four rows of them in a character."""

from collections.abc import Sequence
from typing import Final, NamedTuple

COLUMNS_PER_CHARACTER: Final = 2
ROWS_PER_CHARACTER: Final = 4
GAP: Final = "░"
_EMPTY: Final = 0x2800
_DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of Unicode's braille patterns, by column and by row from the top."""


class Column(NamedTuple):
    """What one column of dots shows; `is_gap` where readings are missing."""

    low: float | None
    high: float | None
    is_gap: bool


def plot(columns: Sequence[Column], rows: int) -> list[str]:
    """Return `rows` lines that show each column from its lowest to its highest number.

    The first line is the highest. A character of which both columns are a gap is
    shaded, from top to bottom; there is no line across it.
    """
    low, high = span(columns)
    dots = rows * ROWS_PER_CHARACTER
    bands = [_band(column, low, high, dots) for column in columns]
    lines = []
    for row in range(rows):
        line = ""
        for first in range(0, len(columns), COLUMNS_PER_CHARACTER):
            pair = slice(first, first + COLUMNS_PER_CHARACTER)
            line += _character(columns[pair], bands[pair], row)
        lines.append(line)
    return lines


def span(columns: Sequence[Column]) -> tuple[float, float]:
    """Return the lowest and the highest number; some room where they are the same."""
    lows = [column.low for column in columns if column.low is not None]
    highs = [column.high for column in columns if column.high is not None]
    if not lows or not highs:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _band(column: Column, low: float, high: float, dots: int) -> range:
    """Return which dots of a column are set, counted from the top."""
    if column.low is None or column.high is None:
        return range(0)
    top = round((high - column.high) / (high - low) * (dots - 1))
    bottom = round((high - column.low) / (high - low) * (dots - 1))
    return range(top, bottom + 1)


def _character(columns: Sequence[Column], bands: Sequence[range], row: int) -> str:
    if all(column.is_gap for column in columns):
        return GAP
    bits = 0
    for column, band in enumerate(bands):
        for dot in range(ROWS_PER_CHARACTER):
            if row * ROWS_PER_CHARACTER + dot in band:
                bits |= _DOTS[column][dot]
    return chr(_EMPTY + bits)
