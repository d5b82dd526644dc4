"""Readings as lines of InfluxDB's line protocol.

Nearly every reading is good, so a writer of a stream has its line's beginning and end at
hand and decodes only what changes. Whatever is not plainly good goes the long way, through
the contract's own judgement; a test proves that both ways say the same.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from monitorme.contract.readings import (
    FUTURE_TOLERANCE_MS,
    Judgement,
    Lead,
    Reading,
    ReadingValue,
    decode_reading,
    judge,
)
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme.errors import ContractError
from monitorme_recorder.influx import blocks, schema
from monitorme_recorder.records import LogRecord, Stream

Writer = Callable[[int, int, bytes], list[str]]
"""Turns seq, time of receipt and payload of a reading into its lines."""
MOST_WRITERS: Final = 100_000
_GOOD: Final = "good"


class Lines(NamedTuple):
    """A record's lines: of readings, and of blocks of a waveform."""

    texts: list[str]
    is_waveform: bool


class _Number(msgspec.Struct, gc=False):
    time_ms: int
    value: float | None
    quality: str


class _Block(msgspec.Struct, gc=False):
    time_ms: int
    value: dict[str, Lead] | None
    quality: str


class LineWriters:
    """Makes lines of the journal's records; keeps a writer for every stream."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._writers: dict[Stream, tuple[Writer, bool]] = {}

    def lines(self, stream: Stream, record: LogRecord) -> Lines:
        """Return a record's lines; raises ContractError where it has none."""
        writer, is_waveform = self._writers.get(stream) or self._learn(stream)
        texts = writer(record.seq, record.received_ms, record.payload)
        return Lines(texts, is_waveform)

    def _learn(self, stream: Stream) -> tuple[Writer, bool]:
        vital = self._catalogue.get(stream.vital)
        if vital is None:
            raise ContractError(
                f"the catalogue has no vital {stream.vital!r}", reason="unknown_vital"
            )
        if len(self._writers) >= MOST_WRITERS:
            self._writers.clear()
        known = writer_of(stream, vital), vital.kind is VitalKind.WAVEFORM
        self._writers[stream] = known
        return known


def writer_of(stream: Stream, vital: Vital) -> Writer:
    """Return what makes the lines of a stream."""
    if vital.kind is VitalKind.NUMERIC:
        return _number_writer(stream, vital)
    if vital.kind is VitalKind.WAVEFORM:
        return _block_writer(stream, vital)
    return careful_writer(stream, vital)


def careful_writer(stream: Stream, vital: Vital) -> Writer:
    """Return the long way, which knows every kind and every quality."""

    def write(seq: int, received_ms: int, payload: bytes) -> list[str]:
        reading = decode_reading(payload)
        judged = judge(reading, vital, received_ms)
        tail = _about(stream, reading, judged, received_ms)
        at = schema.time_ns(judged.at_ms, seq, schema.shift_of(stream.boot))
        return [
            f"{_series(stream, lead)} {fields}{',' if fields else ''}{tail} {at}"
            for lead, fields in _values(reading.value, judged)
        ]

    return write


def _number_writer(stream: Stream, vital: Vital) -> Writer:
    low, high = vital.plausible or (-math.inf, math.inf)
    head, tail = f"{_series(stream)} value=", f",boot={schema.quote(stream.boot)} "
    shift, ns = schema.shift_of(stream.boot), schema.NS_OF_MS
    decode = msgspec.json.Decoder(_Number).decode
    careful = careful_writer(stream, vital)

    def write(seq: int, received_ms: int, payload: bytes) -> list[str]:
        reading = decode(payload)
        value, time_ms = reading.value, reading.time_ms
        delay_ms = received_ms - time_ms
        if (
            value is not None
            and reading.quality == _GOOD
            and low <= value <= high
            and delay_ms >= -FUTURE_TOLERANCE_MS
        ):
            return [
                f"{head}{value!r},seq={seq},delay_ms={delay_ms}{tail}"
                f"{time_ms * ns + (seq + shift) % ns}"
            ]
        return careful(seq, received_ms, payload)

    return write


def _block_writer(stream: Stream, vital: Vital) -> Writer:
    boot = schema.quote(stream.boot)
    shift = schema.shift_of(stream.boot)
    decode = msgspec.json.Decoder(_Block).decode
    careful = careful_writer(stream, vital)

    def write(seq: int, received_ms: int, payload: bytes) -> list[str]:
        block = decode(payload)
        delay_ms = received_ms - block.time_ms
        if block.quality != _GOOD or not block.value or delay_ms < -FUTURE_TOLERANCE_MS:
            return careful(seq, received_ms, payload)
        tail = f",seq={seq},delay_ms={delay_ms},boot={boot} "
        at = schema.time_ns(block.time_ms, seq, shift)
        return [
            f"{_series(stream, name)} {blocks.fields_of(lead)}{tail}{at}"
            for name, lead in block.value.items()
        ]

    return write


def _series(stream: Stream, lead: str | None = None) -> str:
    tags = f"bed={stream.bed},device={stream.device}"
    if lead is not None:
        tags += f",lead={schema.escape_tag(lead)}"
    return f"{stream.vital},{tags},ward={stream.ward}"


def _about(
    stream: Stream, reading: Reading, judged: Judgement, received_ms: int
) -> str:
    delay_ms = received_ms - reading.time_ms
    parts = [f"seq={reading.seq},delay_ms={delay_ms},boot={schema.quote(stream.boot)}"]
    if judged.at_ms != reading.time_ms:
        parts.append(f"device_ms={reading.time_ms}")
    if judged.quality != _GOOD:
        parts.append(f"quality={schema.quote(judged.quality)}")
    if judged.reason is not None:
        parts.append(f"reason={schema.quote(judged.reason)}")
    return ",".join(parts)


def _values(value: ReadingValue, judged: Judgement) -> Iterator[tuple[str | None, str]]:
    """Return a lead, or None, and the fields of the value, for each line."""
    prefix = "" if judged.value is not None else schema.SENT
    if isinstance(value, dict) and any(isinstance(p, Lead) for p in value.values()):
        for name, part in value.items():
            assert isinstance(part, Lead)
            yield name, blocks.fields_of(part)
        return
    yield None, ",".join(f"{prefix}{text}" for text in _fields(value))


def _fields(value: ReadingValue) -> Iterator[str]:
    if isinstance(value, float):
        yield f"{schema.NUMBER}={value!r}"
    elif isinstance(value, str):
        yield f"{schema.STATE}={schema.quote(value)}"
    elif isinstance(value, dict):
        for name, number in value.items():
            yield f"{schema.field_of(name)}={number!r}"
