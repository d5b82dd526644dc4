"""Parquet, where pyarrow is installed (the extra `parquet`)."""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from monitorme_recorder.export.rows import Row
from monitorme_recorder.export.writing import in_blocks

ROWS_PER_GROUP: Final = 20_000
_SCHEMA: Final = pa.schema(
    [
        ("time", pa.timestamp("ms", tz="UTC")),
        ("at_ms", pa.int64()),
        ("vital", pa.string()),
        ("component", pa.string()),
        ("number", pa.float64()),
        ("word", pa.string()),
        ("unit", pa.string()),
        ("quality", pa.string()),
        ("reason", pa.string()),
        ("rate_hz", pa.float64()),
        ("samples", pa.list_(pa.float64())),
        ("ward", pa.string()),
        ("bed", pa.string()),
        ("device", pa.string()),
        ("boot", pa.string()),
        ("seq", pa.int64()),
        ("time_ms", pa.int64()),
        ("received_ms", pa.int64()),
    ]
)


class _Sink:
    """What pyarrow writes to: it holds what has not been handed on yet."""

    closed = False

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def parquet_blocks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Return rows as a Parquet file, a row group at a time."""
    sink = _Sink()
    with pq.ParquetWriter(sink, _SCHEMA, compression="zstd") as writer:
        for block in in_blocks(rows, ROWS_PER_GROUP):
            writer.write_table(_table(block))
            yield sink.taken()
    yield sink.taken()


def _table(rows: list[Row]) -> pa.Table:
    columns = dict(zip(Row._fields, zip(*rows, strict=True), strict=True))
    columns["time"] = columns["at_ms"]
    arrays = [pa.array(columns[field.name], field.type) for field in _SCHEMA]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)
