"""Rows as bytes in a format, block by block."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from monitorme_recorder.export.rows import Row

ROWS_PER_BLOCK: Final = 1_000
_COLUMNS: Final = ("time", *Row._fields)


class Format(StrEnum):
    """The formats in which history can be taken away."""

    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Writing(NamedTuple):
    """How a format is written, and what it is called."""

    media_type: str
    blocks: Callable[[Iterable[Row]], Iterator[bytes]]


def writing_of(wanted: Format) -> Writing:
    """Return how a format is written; raises ImportError where a library is missing."""
    match wanted:
        case Format.CSV:
            return Writing("text/csv; charset=utf-8; header=present", csv_blocks)
        case Format.JSON:
            return Writing("application/json", json_blocks)
        case Format.NDJSON:
            return Writing("application/x-ndjson", ndjson_blocks)
        case Format.PARQUET:
            from monitorme_recorder.export.parquet import parquet_blocks

            return Writing("application/vnd.apache.parquet", parquet_blocks)


def in_blocks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Return rows in lists of at most `size`."""
    left = iter(rows)
    while block := list(islice(left, size)):
        yield block


def csv_blocks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Return rows as CSV (RFC 4180) with a header; samples are separated by spaces."""
    yield (",".join(_COLUMNS) + "\r\n").encode()
    for block in in_blocks(rows, ROWS_PER_BLOCK):
        text = io.StringIO()
        csv.writer(text).writerows(_csv_row(row) for row in block)
        yield text.getvalue().encode()


def ndjson_blocks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Return rows as lines of JSON."""
    for block in in_blocks(rows, ROWS_PER_BLOCK):
        yield b"".join(_json(row) + b"\n" for row in block)


def json_blocks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Return rows as one JSON array, a row a line."""
    yield b"["
    before = b"\n"
    for block in in_blocks(rows, ROWS_PER_BLOCK):
        yield before + b",\n".join(_json(row) for row in block)
        before = b",\n"
    yield b"\n]\n"


def _json(row: Row) -> bytes:
    fields = {name: value for name, value in row._asdict().items() if value is not None}
    return msgspec.json.encode({"time": _iso(row.at_ms), **fields})


def _csv_row(row: Row) -> list[object]:
    samples = row.samples
    joined = None if samples is None else " ".join(f"{one:.9g}" for one in samples)
    return [_iso(row.at_ms), *row._replace(samples=joined)]  # type: ignore[arg-type]


def _iso(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"
