"""The statements that history asks InfluxDB, as InfluxQL and as Flux.

InfluxQL reads readings: it answers in order of time over all devices, and lazily. Flux
sums up: InfluxDB pushes `aggregateWindow` down to its storage only where each statement
begins with a `from` of its own; one shared stream is sixty times as slow.
"""

from datetime import UTC, datetime
from typing import Final

from monitorme_recorder.history_store import Grid, Period, Series
from monitorme_recorder.influx.curves import CURVE_MS
from monitorme_recorder.influx.schema import LAST_MS, NS_OF_MS

SUMMARIES: Final = ("min", "max", "sum", "count")
"""What is asked of each bucket; the mean is the sum by the count."""


def readings(series: Series, period: Period) -> str:
    """Return the statement for all that is stored of a series in a period."""
    from_ms, to_ms = clamped(period)
    return (
        f"SELECT * FROM {identifier(series.vital)} WHERE {_bed(series.ward, series.bed)}"
        f" AND time >= {from_ms * NS_OF_MS} AND time < {to_ms * NS_OF_MS}"
    )


def curves(series: Series, period: Period) -> str:
    """Return the statement for the curves that may hold numbers of a period."""
    first_ms = period.from_ms // CURVE_MS * CURVE_MS
    return (
        f"SELECT * FROM {identifier(series.vital)} WHERE {_bed(series.ward, series.bed)}"
        f" AND time >= {first_ms * NS_OF_MS} AND time < {period.to_ms * NS_OF_MS}"
    )


def newest(ward: str, beds: tuple[str, ...], since_ms: int, each: int) -> str:
    """Return the statement for the last points of each series of some beds."""
    from_ms = min(max(since_ms, 0), LAST_MS)
    any_of = " OR ".join(f"bed = {literal(bed)}" for bed in beds)
    return (
        f"SELECT * FROM /.*/ WHERE ward = {literal(ward)} AND ({any_of})"
        f" AND time >= {from_ms * NS_OF_MS} GROUP BY * ORDER BY time DESC LIMIT {each}"
    )


def vitals(ward: str, bed: str) -> str:
    """Return the statement for the vitals that a bed has readings of."""
    return f"SHOW MEASUREMENTS WHERE {_bed(ward, bed)}"


def summaries(
    bucket: str, series: Series, field: str, period: Period, grid: Grid
) -> str:
    """Return the statements for a series by the buckets of a grid, one a summary."""
    from_ms, to_ms = clamped(period)
    head = (
        f"from(bucket: {text(bucket)})"
        f" |> range(start: {moment(from_ms)}, stop: {moment(to_ms)})"
        f" |> filter(fn: (r) => r._measurement == {text(series.vital)}"
        f" and r.ward == {text(series.ward)} and r.bed == {text(series.bed)}"
        f" and r._field == {text(field)})"
    )
    window = f"every: {grid.width_ms}ms, offset: {grid.origin_ms % grid.width_ms}ms"
    return "\n".join(
        f"{head} |> aggregateWindow({window}, fn: {summary}, createEmpty: false,"
        f' timeSrc: "_start") |> keep(columns: ["_time", "_value"])'
        f' |> yield(name: "{summary}")'
        for summary in SUMMARIES
    )


def clamped(period: Period) -> Period:
    """Return what InfluxDB can express of a period."""
    from_ms, to_ms = (min(max(at_ms, 0), LAST_MS) for at_ms in period)
    return Period(from_ms, to_ms)


def moment(at_ms: int) -> str:
    """Return a time as Flux has it."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def text(value: str) -> str:
    """Return a string as Flux has it; nothing in it is read as Flux."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'


def literal(value: str) -> str:
    """Return a string as InfluxQL has it."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\n", "\\n") + "'"


def identifier(name: str) -> str:
    """Return a name as InfluxQL has it."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n") + '"'


def _bed(ward: str, bed: str) -> str:
    return f"ward = {literal(ward)} AND bed = {literal(bed)}"
