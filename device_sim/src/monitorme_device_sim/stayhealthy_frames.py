"""Frames of StayHealthy's protocol, as a device makes and reads them.

Written against docs/stayhealthy-protocol.md alone: the bridge's decoder is another
implementation of it.
"""

import struct
import zlib
from binascii import crc_hqx
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from monitorme.contract.readings import Lead, ReadingValue
from monitorme_device_sim.source import Sample

VITAL_CODES: Final = {
    "heart_rate": 1,
    "ecg": 2,
    "respiratory_rate": 3,
    "oxygen_saturation": 4,
    "blood_glucose": 5,
    "sleep_state": 6,
    "body_temperature": 7,
    "blood_pressure": 8,
}
_TYPES: Final = {"hello": 1, "records": 2, "kept": 3, "resend": 4}
_QUALITIES: Final = {"good": 0, "questionable": 1, "invalid": 2}
_REASONS: Final = {
    "lead_off": 1,
    "probe_off": 2,
    "no_signal": 3,
    "out_of_range": 4,
    "motion": 5,
    "low_perfusion": 6,
    "demo": 7,
}
_NONE, _NUMBER, _WORD, _PARTS, _LEADS = range(5)
_ANSWER_BYTES: Final = 28


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bridge says: a boot's records up to `seq` are kept, or wanted again."""

    kind: Literal["kept", "resend"]
    boot: int
    seq: int


def frame(kind: str, payload: bytes) -> bytes:
    """Return a frame."""
    head = b"SH" + struct.pack(">BBH", 1, _TYPES[kind], len(payload))
    body = head + crc_hqx(head, 0xFFFF).to_bytes(2, "big") + payload
    return body + zlib.crc32(body).to_bytes(4, "big")


def hello(
    boot: int,
    oldest_seq: int,
    device: str,
    *,
    model: str,
    firmware: str,
    vitals: Sequence[str],
) -> bytes:
    """Return what a device says first."""
    codes = bytes(VITAL_CODES[vital] for vital in vitals if vital in VITAL_CODES)
    texts = _text(device) + _text(model) + _text(firmware)
    name = struct.pack(">QQ", boot, oldest_seq)
    return frame("hello", name + texts + bytes([len(codes)]) + codes)


def records(boot: int, first_seq: int, packed: Sequence[bytes]) -> bytes:
    """Return consecutive records in a frame."""
    head = struct.pack(">QQB", boot, first_seq, len(packed))
    return frame("records", head + b"".join(packed))


def record(sample: Sample, time_ms: int) -> bytes:
    """Return a sample as a record."""
    form, value = _value(sample.value)
    head = struct.pack(
        ">BBBBQH",
        VITAL_CODES[sample.vital],
        _QUALITIES[sample.quality],
        _REASONS.get(sample.reason or "", 0),
        form,
        time_ms,
        len(value),
    )
    return head + value


def to_thousandths(value: ReadingValue) -> ReadingValue:
    """Return a value as a record can hold it; waveforms are whole numbers already."""
    if isinstance(value, dict):
        return {
            name: part if isinstance(part, Lead) else round(part * 1000) / 1000
            for name, part in value.items()
        }
    if value is None or isinstance(value, str):
        return value
    return round(value * 1000) / 1000


class AnswerReader:
    """Reads what the bridge says from a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._unread = b""

    def feed(self, data: bytes) -> Iterator[Answer]:
        """Yield the answers that bytes complete; passes over what is none."""
        self._unread += data
        while len(self._unread) >= _ANSWER_BYTES:
            answer = _answer(self._unread[:_ANSWER_BYTES])
            self._unread = self._unread[1 if answer is None else _ANSWER_BYTES :]
            if answer is not None:
                yield answer


def _answer(data: bytes) -> Answer | None:
    kinds: dict[int, Literal["kept", "resend"]] = {3: "kept", 4: "resend"}
    kind = kinds.get(data[3])
    boot, seq, check = struct.unpack_from(">QQI", data, 8)
    if data[:3] != b"SH\x01" or kind is None or check != zlib.crc32(data[:-4]):
        return None
    return Answer(kind, boot, seq)


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _value(value: ReadingValue) -> tuple[int, bytes]:
    if value is None:
        return _NONE, b""
    if isinstance(value, str):
        return _WORD, value.encode()
    if not isinstance(value, dict):
        return _NUMBER, _number(value)
    if any(isinstance(part, Lead) for part in value.values()):
        leads = (_lead(n, part) for n, part in value.items() if isinstance(part, Lead))
        return _LEADS, b"".join(leads)
    parts = (
        _text(n) + _number(part)
        for n, part in value.items()
        if not isinstance(part, Lead)
    )
    return _PARTS, b"".join(parts)


def _number(number: float) -> bytes:
    return struct.pack(">i", round(number * 1000))


def _lead(name: str, lead: Lead) -> bytes:
    head = struct.pack(
        ">IIiH",
        round(lead.rate_hz * 1000),
        round(lead.scale * 1e9),
        round(lead.offset * 1000),
        len(lead.samples),
    )
    samples = struct.pack(f">{len(lead.samples)}h", *lead.samples)
    return _text(name) + _text(lead.unit) + head + samples
