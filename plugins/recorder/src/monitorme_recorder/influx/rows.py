"""What InfluxDB answers, as readings again."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec

from monitorme.contract.readings import QualityWord, ReadingValue
from monitorme.errors import StorageError
from monitorme_recorder.history_store import Series, StoredReading
from monitorme_recorder.influx import blocks, schema
from monitorme_recorder.influx.errors import InfluxError, NotThere
from monitorme_recorder.records import Kept, Stream

Row = Mapping[str, Any]
_GOOD: Final[QualityWord] = "good"


class Point(NamedTuple):
    """A row of an InfluxQL answer, and the measurement that it is of."""

    measurement: str
    row: Row


class Summary(NamedTuple):
    """One summary of the numbers of all devices, by bucket."""

    name: str
    starts: list[str]
    """When the buckets begin, each as often as devices have numbers in it."""
    numbers: list[float]


class _Series(msgspec.Struct):
    name: str = ""
    columns: list[str] = msgspec.field(default_factory=list)
    values: list[list[Any]] = msgspec.field(default_factory=list)
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class _Result(msgspec.Struct):
    series: list[_Series] = msgspec.field(default_factory=list)
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = msgspec.field(default_factory=list)
    error: str | None = None


_answer = msgspec.json.Decoder(_Answer)


def points(documents: Iterable[bytes]) -> Iterator[Point]:
    """Return the rows of an InfluxQL answer; raises StorageError where it says no."""
    for document in documents:
        if not document:
            continue
        try:
            answer = _answer.decode(document)
        except msgspec.MsgspecError as error:
            raise StorageError(f"InfluxDB's answer cannot be read: {error}") from error
        for result in answer.results:
            _raise_for(answer.error or result.error)
            for one in result.series:
                for values in one.values:
                    row = dict(zip(one.columns, values, strict=True))
                    yield Point(one.name, {**one.tags, **row})


def readings(ward: str, bed: str, found: Iterable[Point]) -> Iterator[StoredReading]:
    """Return rows that are in order of time as readings in order of position.

    What others have written into the bucket is passed over, and so is a point that
    InfluxDB answers with before all of its fields are there: it does so while it takes
    one in. Whatever is as new as that, the journal has.
    """
    ours = (one for one in found if _is_whole(one.row))
    for _, in_one_ms in groupby(ours, key=_at_ms):
        named: dict[tuple[str, str, str, int], list[Row]] = {}
        for measurement, row in in_one_ms:
            name = (measurement, row["device"], row["boot"], int(row["seq"]))
            named.setdefault(name, []).append(row)
        yield from sorted(
            (
                _reading(Series(ward, bed, measurement), rows)
                for (measurement, *_), rows in named.items()
            ),
            key=lambda one: one.position,
        )


def summaries(data: bytes) -> Iterator[Summary]:
    """Return what annotated CSV says, block by block.

    Nothing in it is quoted: times and numbers alone are asked for. The csv module would
    take three times as long.
    """
    for block in data.decode().split("\r\n\r\n"):
        lines = block.split("\r\n")
        name, columns = "", {"_time": 0, "_value": 0}
        while lines and not lines[0].startswith(",,"):
            line = lines.pop(0)
            if line.startswith("#default,"):
                # A result's name is the default of its first column.
                name = line.split(",")[1]
            elif line.startswith(",result,"):
                columns = {column: at for at, column in enumerate(line.split(","))}
            elif line and not line.startswith("#"):
                raise InfluxError(f"InfluxDB says instead of numbers: {line[:200]}")
        cells = [line.split(",") for line in lines if line]
        if not cells:
            continue
        time, value = columns["_time"], columns["_value"]
        starts = [row[time] for row in cells]
        yield Summary(name, starts, [float(row[value]) for row in cells])


def _raise_for(error: str | None) -> None:
    """Raise what InfluxDB says within an answer that is 200 all the same."""
    if error and error.startswith("database not found"):
        raise NotThere(f"InfluxDB: {error}")
    if error:
        raise InfluxError(f"InfluxDB: {error}")


def _is_whole(row: Row) -> bool:
    """Say whether a row has all fields that a reading of ours has."""
    needed = schema.NAMED | schema.BLOCK if row.get("lead") else schema.NAMED
    if any(row.get(name) is None for name in needed):
        return False
    is_good = row.get("quality") is None
    return not is_good or bool(row.get("lead")) or _value(row) is not None


def _at_ms(point: Point) -> int:
    return int(point.row["time"]) // schema.NS_OF_MS


def _reading(series: Series, rows: list[Row]) -> StoredReading:
    """Return the reading that one row says, or a row for each lead."""
    row = rows[0]
    at_ms = int(row["time"]) // schema.NS_OF_MS
    device_ms = row.get("device_ms")
    time_ms = at_ms if device_ms is None else int(device_ms)
    value = _leads(rows) if row.get("lead") else _value(row)
    is_usable = value is not None
    kept = Kept(
        seq=int(row["seq"]),
        time_ms=time_ms,
        received_ms=time_ms + int(row["delay_ms"]),
        at_ms=at_ms,
        value=value if is_usable else _value(row, schema.SENT),
        quality=row.get("quality") or _GOOD,
        reason=row.get("reason"),
        is_usable=is_usable,
    )
    return StoredReading(Stream(*series, row["device"], row["boot"]), kept)


def _leads(rows: list[Row]) -> ReadingValue:
    return {str(row["lead"]): blocks.lead_of(row) for row in rows}


def _value(row: Row, prefix: str = "") -> ReadingValue:
    """Return a row's number, state or components; None where it has none."""
    number = row.get(prefix + schema.NUMBER)
    if number is not None:
        return float(number)
    state = row.get(prefix + schema.STATE)
    if state is not None:
        return str(state)
    return _components(row, prefix) or None


def _components(row: Row, prefix: str) -> dict[str, Any]:
    others = schema.TAGS | schema.ABOUT | schema.BLOCK
    return {
        schema.component_of(name.removeprefix(prefix)): float(number)
        for name, number in row.items()
        if number is not None
        and name not in others
        and name.startswith(schema.SENT) == bool(prefix)
    }
