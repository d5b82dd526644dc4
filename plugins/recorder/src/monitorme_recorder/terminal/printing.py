"""A vital's past as a table and as a plot."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from monitorme.contract.vitals import Vital, VitalKind
from monitorme_recorder.terminal.plot import COLUMNS_PER_CHARACTER, Column, plot, span
from monitorme_recorder.terminal.times import local, spoken

PLOT_ROWS: Final = 10
LABEL_WIDTH: Final = 8
MAX_ROWS: Final = 40
_UNITS: Final = {"Cel": "°C", "mm[Hg]": "mmHg"}


class Curve(NamedTuple):
    """Buckets and gaps of one vital, or of one of its components."""

    name: str
    vital: Vital
    from_ms: int
    to_ms: int
    buckets: list[dict[str, Any]]
    gaps: list[dict[str, Any]]

    @property
    def title(self) -> str:
        """The vital's name with its unit."""
        unit = _UNITS.get(self.vital.unit, self.vital.unit)
        _, _, component = self.name.partition(".")
        name = f"{self.vital.name}, {component}" if component else self.vital.name
        return f"{name} ({unit})" if unit else name


def summary(curves: list[Curve]) -> Table:
    """Return one row a vital: its numbers and its gaps."""
    table = _table("Vital", "Readings", "Lowest", "Mean", "Highest", "Gaps", "Longest")
    for curve in curves:
        longest = max((gap["to_ms"] - gap["from_ms"] for gap in curve.gaps), default=0)
        gaps = [str(len(curve.gaps)), spoken(longest) if curve.gaps else ""]
        table.add_row(curve.title, *_numbers(curve, curve.buckets), *gaps)
    return table


def details(curve: Curve) -> Table:
    """Return a vital's buckets and gaps in order of time."""
    table = _table("From", "Readings", "Lowest", "Mean", "Highest", "")
    rows = [(one["start_ms"], _row(curve, one)) for one in curve.buckets]
    rows += [(gap["from_ms"], _gap_row(gap)) for gap in curve.gaps]
    for _, row in sorted(rows, key=lambda pair: pair[0]):
        table.add_row(*row)
    return table


def words(readings: list[dict[str, Any]]) -> Table:
    """Return when a state changed, and to what."""
    table = Table("From", "State", box=None)
    last = None
    for one in readings:
        word = one["value"] if one["value"] is not None else f"--- {one['reason']}"
        if word != last:
            table.add_row(local(one["at_ms"]), word)
        last = word
    return table


def picture(curve: Curve, width: int) -> Iterator[RenderableType]:
    """Return a plot of a vital as lines that are `width` wide."""
    columns = in_columns(curve, columns_in(width))
    low, high = span(columns)
    decimals = max(curve.vital.decimals, 0 if high - low >= PLOT_ROWS else 1)
    yield Text(curve.title, style="bold")
    for row, line in enumerate(plot(columns, PLOT_ROWS)):
        at = high - (high - low) * row / (PLOT_ROWS - 1)
        is_labelled = row in (0, PLOT_ROWS // 2, PLOT_ROWS - 1)
        label = f"{at:{LABEL_WIDTH}.{decimals}f} " if is_labelled else " " * 9
        yield Text(label + "│" + line, no_wrap=True)
    yield Text(_time_axis(curve, width), no_wrap=True)
    for gap in curve.gaps[:MAX_ROWS]:
        span_ms = gap["to_ms"] - gap["from_ms"]
        yield Text(
            f"{'░':>{LABEL_WIDTH}}  {local(gap['from_ms'])}, {spoken(span_ms)}:"
            f" {_reason(gap)}",
            no_wrap=True,
        )


def in_columns(curve: Curve, count: int) -> list[Column]:
    """Return a curve's buckets as columns of a plot."""
    width_ms = max(1, -(-(curve.to_ms - curve.from_ms) // count))
    known = {
        (one["start_ms"] - curve.from_ms) // width_ms: one for one in curve.buckets
    }
    columns = []
    for index in range(count):
        start_ms = curve.from_ms + index * width_ms
        one = known.get(index)
        is_gap = any(
            gap["from_ms"] <= start_ms and start_ms + width_ms <= gap["to_ms"]
            for gap in curve.gaps
        )
        low, high = (one["min"], one["max"]) if one else (None, None)
        columns.append(Column(low, high, is_gap and one is None))
    return columns


def columns_in(width: int) -> int:
    """Return how many columns of dots a plot has that is `width` wide."""
    return (width - LABEL_WIDTH - 2) * COLUMNS_PER_CHARACTER


def has_numbers(vital: Vital) -> bool:
    """Say whether a vital has a curve."""
    return vital.kind in (VitalKind.NUMERIC, VitalKind.COMPOSITE)


def _row(curve: Curve, bucket: dict[str, Any]) -> list[str]:
    return [local(bucket["start_ms"]), *_numbers(curve, [bucket]), ""]


def _gap_row(gap: dict[str, Any]) -> list[str]:
    span_ms = gap["to_ms"] - gap["from_ms"]
    return [
        local(gap["from_ms"]),
        "",
        "",
        "",
        "",
        f"░ {spoken(span_ms)}: {_reason(gap)}",
    ]


def _reason(gap: dict[str, Any]) -> str:
    return str(gap["reason"]).replace("_", " ")


def _numbers(curve: Curve, buckets: list[dict[str, Any]]) -> list[str]:
    count = sum(one["count"] for one in buckets)
    if not count:
        return ["0", "---", "---", "---"]
    decimals = curve.vital.decimals
    mean = sum(one["mean"] * one["count"] for one in buckets) / count
    low = min(one["min"] for one in buckets)
    high = max(one["max"] for one in buckets)
    return [f"{count:,}", *(f"{one:.{decimals}f}" for one in (low, mean, high))]


def _time_axis(curve: Curve, width: int) -> str:
    room = width - LABEL_WIDTH - 2
    first, last = local(curve.from_ms, "%d %b %H:%M"), local(curve.to_ms, "%d %b %H:%M")
    between = max(1, room - len(first) - len(last))
    return " " * (LABEL_WIDTH + 2) + first + " " * between + last


def _table(*names: str) -> Table:
    table = Table(*names, box=None)
    for column in table.columns[1:5]:
        column.justify = "right"
    return table
