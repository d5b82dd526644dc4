"""Readings as lines of InfluxDB's line protocol.

Nearly every reading is good, so a writer of a stream has its line's beginning and end at
hand and decodes only what changes. Whatever is not plainly good goes the long way, through
the contract's own judgement; a test proves that both ways say the same.
"""

import math
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from monitorme.contract.readings import (
    FUTURE_TOLERANCE_MS,
    Lead,
    ReadingValue,
    decode_reading,
    judge,
)
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme.errors import ContractError
from monitorme_recorder.influx import blocks, schema
from monitorme_recorder.memory import kept_of
from monitorme_recorder.records import Kept, PlainRecord, Stream

Write = Callable[[PlainRecord], str]
"""Turns a record of the log into its line; a block of a waveform into one a lead."""
MOST_WRITERS: Final = 100_000
_GOOD: Final = "good"


class Writer(NamedTuple):
    """Makes the lines of a stream."""

    write: Write
    is_waveform: bool


class _Number(msgspec.Struct, gc=False):
    """A reading that needs no second look."""

    time_ms: int
    value: float
    quality: Literal["good"]
    reason: None = None


class _Samples(msgspec.Struct, gc=False):
    rate_hz: float
    unit: str
    scale: float
    samples: list[int]
    offset: float = 0.0


class _Block(msgspec.Struct, gc=False):
    time_ms: int
    value: dict[str, _Samples]
    quality: Literal["good"]
    reason: None = None


class LineWriters:
    """Keeps a writer for every stream."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._writers: dict[Stream, Writer] = {}

    def of(self, stream: Stream) -> Writer:
        """Return what makes the lines of a stream.

        Writing raises ContractError where the catalogue has changed since the reading
        was taken, so that it has no line.
        """
        known = self._writers.get(stream)
        if known is None:
            if len(self._writers) >= MOST_WRITERS:
                self._writers.clear()
            known = self._writers[stream] = self._make(stream)
        return known

    def _make(self, stream: Stream) -> Writer:
        vital = self._catalogue.get(stream.vital)
        if vital is None:
            return Writer(_refuse(stream), is_waveform=False)
        return Writer(writer_of(stream, vital), vital.kind is VitalKind.WAVEFORM)


def writer_of(stream: Stream, vital: Vital) -> Write:
    """Return what makes the lines of a stream."""
    if vital.kind is VitalKind.NUMERIC:
        return _number_writer(stream, vital)
    if vital.kind is VitalKind.WAVEFORM:
        return _block_writer(stream, vital)
    return careful_writer(stream, vital)


def careful_writer(stream: Stream, vital: Vital) -> Write:
    """Return the long way, which knows every kind and every quality."""

    def write(record: PlainRecord) -> str:
        _, _, received_ms, payload, shift_ms = record
        reading = decode_reading(payload)
        judged = judge(reading, vital, received_ms)
        kept = kept_of(reading, judged, received_ms, shift_ms)
        tail = _about(stream, kept)
        at = schema.time_ns(kept.at_ms, kept.seq, schema.shift_of(stream.boot))
        return "\n".join(
            f"{series_of(stream, lead)} {fields}{',' if fields else ''}{tail} {at}"
            for lead, fields in _values(kept)
        )

    return write


def _number_writer(stream: Stream, vital: Vital) -> Write:
    low, high = vital.plausible or (-math.inf, math.inf)
    head, tail = f"{series_of(stream)} value=", f",boot={schema.quote(stream.boot)} "
    shift, ns = schema.shift_of(stream.boot), schema.NS_OF_MS
    decode = msgspec.json.Decoder(_Number).decode
    careful = careful_writer(stream, vital)

    def write(record: PlainRecord) -> str:
        _, seq, received_ms, payload, clock_ms = record
        try:
            reading = decode(payload)
        except msgspec.ValidationError:
            return careful(record)
        value, time_ms = reading.value, reading.time_ms
        delay_ms = received_ms - time_ms
        if low <= value <= high and delay_ms >= -FUTURE_TOLERANCE_MS and not clock_ms:
            return (
                f"{head}{value!r},seq={seq},delay_ms={delay_ms}{tail}"
                f"{time_ms * ns + (seq + shift) % ns}"
            )
        return careful(record)

    return write


def _block_writer(stream: Stream, vital: Vital) -> Write:
    boot = schema.quote(stream.boot)
    shift = schema.shift_of(stream.boot)
    decode = msgspec.json.Decoder(_Block).decode
    careful = careful_writer(stream, vital)
    heads: dict[str, str] = {}

    def write(record: PlainRecord) -> str:
        _, seq, received_ms, payload, clock_ms = record
        try:
            block = decode(payload)
        except msgspec.ValidationError:
            return careful(record)
        delay_ms = received_ms - block.time_ms
        if clock_ms or not block.value or delay_ms < -FUTURE_TOLERANCE_MS:
            return careful(record)
        tail = f",seq={seq},delay_ms={delay_ms},boot={boot} "
        at = schema.time_ns(block.time_ms, seq, shift)
        lines = []
        for name, lead in block.value.items():
            head = heads.get(name)
            if head is None:
                head = heads[name] = series_of(stream, name)
            lines.append(f"{head} {blocks.fields_of(lead)}{tail}{at}")
        return "\n".join(lines)

    return write


def series_of(stream: Stream, lead: str | None = None) -> str:
    """Return a stream's measurement and tags as line protocol has them."""
    tags = f"bed={stream.bed},device={stream.device}"
    if lead is not None:
        tags += f",lead={schema.escape_tag(lead)}"
    return f"{stream.vital},{tags},ward={stream.ward}"


def _refuse(stream: Stream) -> Write:
    def write(record: PlainRecord) -> str:
        raise ContractError(
            f"the catalogue has no vital {stream.vital!r}", reason="unknown_vital"
        )

    return write


def _about(stream: Stream, kept: Kept) -> str:
    delay_ms = kept.received_ms - kept.time_ms
    parts = [f"seq={kept.seq},delay_ms={delay_ms},boot={schema.quote(stream.boot)}"]
    if kept.at_ms != kept.time_ms:
        parts.append(f"device_ms={kept.time_ms}")
    if kept.quality != _GOOD:
        parts.append(f"quality={schema.quote(kept.quality)}")
    if kept.reason is not None:
        parts.append(f"reason={schema.quote(kept.reason)}")
    return ",".join(parts)


def _values(kept: Kept) -> Iterator[tuple[str | None, str]]:
    """Return a lead, or None, and the fields of the value, for each line."""
    value, prefix = kept.value, "" if kept.is_usable else schema.SENT
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
