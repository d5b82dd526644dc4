"""What the recorder keeps of a reading, and how: the log's records and the chunks."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from monitorme.contract.readings import QualityWord, ReadingValue
from monitorme_recorder import deflate

_ROW: Final = struct.Struct(">I")
_HEAD: Final = struct.Struct(">IQQiI")
_LAYOUT: Final = b"\x02"
"""A row's first byte. A row of the first layout began with a stream's number: with 0."""
_OLD_HEAD: Final = struct.Struct(">IQQI")


class Stream(NamedTuple):
    """The readings of one vital of one boot of one device at one bed."""

    ward: str
    bed: str
    vital: str
    device: str
    boot: str


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reading as it is kept.

    `value` is what was sent. `is_usable` says whether it may be shown, judged and
    averaged; where not, `quality` and `reason` say why. `at_ms` is the time to chart.
    """

    seq: int
    time_ms: int
    received_ms: int
    at_ms: int
    value: ReadingValue
    quality: QualityWord
    reason: str | None
    is_usable: bool


class LogRecord(NamedTuple):
    """A reading in the log: its stream's number there, and what arrived.

    `shift_ms` was added to the device's time to chart the reading: 0, or what the
    device's clock was found to be wrong by.
    """

    stream: int
    seq: int
    received_ms: int
    payload: bytes
    shift_ms: int = 0


PlainRecord = tuple[int, int, int, bytes, int]
"""What a `LogRecord` has, in its order."""


class RollUp(NamedTuple):
    """What a chunk's numbers come to; `numbers` 0 where it has none."""

    numbers: int
    low: float
    high: float
    total: float


_record = partial(tuple.__new__, LogRecord)
"""What `LogRecord._make` does, at a third of the cost."""
_kept_list = msgspec.msgpack.Decoder(list[Kept])


def pack_log(records: Iterable[LogRecord]) -> bytes:
    """Return a batch's records as one row of the log."""
    streams, seqs, received, payloads, shifts = zip(*records, strict=True)
    return pack_columns(streams, seqs, received, payloads, shifts)


def pack_columns(
    streams: Sequence[int],
    seqs: Sequence[int],
    received_ms: Sequence[int],
    payloads: Sequence[bytes],
    shifts_ms: Sequence[int],
) -> bytes:
    """Return a row of the log: the records' heads, then their payloads."""
    lengths = map(len, payloads)
    heads = map(_HEAD.pack, streams, seqs, received_ms, shifts_ms, lengths)
    row = b"".join((_ROW.pack(len(streams)), *heads, *payloads))
    return _LAYOUT + deflate.pack(row)


def unpack_log(row: bytes) -> Iterator[LogRecord]:
    """Return the records of a row of the log; raises ValueError where it is damaged."""
    return map(_record, read_log(row))


def read_log(row: bytes) -> Iterator[PlainRecord]:
    """Do what `unpack_log` does, without names, in half the time."""
    if row[:1] != _LAYOUT:
        yield from _unpack_old(row)
        return
    row = deflate.unpack(row[1:])
    (count,) = _ROW.unpack_from(row)
    begin = _ROW.size + count * _HEAD.size
    heads = _HEAD.iter_unpack(row[_ROW.size : begin])
    for stream, seq, received_ms, shift_ms, length in heads:
        end = begin + length
        yield stream, seq, received_ms, row[begin:end], shift_ms
        begin = end


def _unpack_old(row: bytes) -> Iterator[PlainRecord]:
    start = 0
    while start < len(row):
        stream, seq, received_ms, length = _OLD_HEAD.unpack_from(row, start)
        start += _OLD_HEAD.size
        yield stream, seq, received_ms, row[start : start + length], 0
        start += length


def before_judgement(kept: Kept) -> tuple[QualityWord, str | None]:
    """Return quality and reason from which the same judgement follows again."""
    judged_by_value = not kept.is_usable and kept.value is not None
    if judged_by_value or kept.reason == "clock_ahead":
        return "good", None
    return kept.quality, kept.reason


def pack_chunk(kept: list[Kept]) -> bytes:
    """Return readings as a chunk."""
    return deflate.pack(msgspec.msgpack.encode(kept))


def unpack_chunk(data: bytes) -> list[Kept]:
    """Return the readings of a chunk; raises ValueError or MsgspecError."""
    return _kept_list.decode(deflate.unpack(data))


def roll_up(numbers: Sequence[float]) -> RollUp:
    """Return how many numbers there are, the lowest, the highest, the sum."""
    if not numbers:
        return RollUp(0, 0.0, 0.0, 0.0)
    return RollUp(len(numbers), min(numbers), max(numbers), sum(numbers))
