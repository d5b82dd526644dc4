"""StayHealthy's framed binary protocol, version 1 (docs/stayhealthy-protocol.md)."""

import struct
import zlib
from collections.abc import Mapping
from typing import ClassVar, Final

from monitorme.contract.readings import Lead, QualityWord, ReadingValue
from monitorme_firmware_bridge.decoder import Decoded, Decoder, Garbage, Measurement
from monitorme_firmware_bridge.hooks import hookimpl

MAGIC: Final = b"SH"
VERSION: Final = 1
HELLO, RECORDS, KEPT = 1, 2, 3
_HEAD: Final = struct.Struct(">2sBBH")
_CHECK: Final = struct.Struct(">I")
_BATCH: Final = struct.Struct(">QQB")
_RECORD: Final = struct.Struct(">BBBQH")
_WAVE: Final = struct.Struct(">BIIiH")
MAX_PAYLOAD_BYTES: Final = 32_768

VITALS: Final = {
    1: "heart_rate",
    2: "ecg",
    3: "respiratory_rate",
    4: "oxygen_saturation",
    5: "blood_glucose",
    6: "sleep_state",
    7: "body_temperature",
    8: "blood_pressure",
}
QUALITIES: Final[tuple[QualityWord, ...]] = ("good", "questionable", "invalid")
REASONS: Final = (
    *(None, "lead_off", "probe_off", "no_signal", "out_of_range"),
    *("motion", "low_perfusion", "demo"),
)
STATES: Final = ("awake", "asleep")
COMPONENTS: Final = ("systolic", "diastolic", "mean")
LEADS: Final = (
    "I",
    "II",
    "III",
    "aVR",
    "aVL",
    "aVF",
    "V1",
    "V2",
    "V3",
    "V4",
    "V5",
    "V6",
)


class _Malformed(ValueError):
    """A frame whose checksum fits, but whose content does not."""


class StayHealthy(Decoder):
    """Decodes frames of version 1; frames of an unknown type are skipped."""

    name = "stayhealthy"
    vitals = tuple(VITALS.values())
    max_buffer_bytes: ClassVar[int] = 2 * MAX_PAYLOAD_BYTES

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._buffer = b""
        self.firmware: str | None = None

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self._buffer = b""

    def kept(self, boot: str, seq: int) -> bytes:
        """Return the frame that says what is kept."""
        return frame(KEPT, struct.pack(">QQ", int(boot, 16), seq))

    def feed(self, data: bytes, now_ms: int) -> list[Decoded]:
        """Take bytes in; return the measurements of the frames that they complete."""
        self._buffer += data
        decoded: list[Decoded] = []
        while True:
            start = self._buffer.find(MAGIC)
            if start < 0:
                # The last byte may be the first half of the magic.
                keep = 1 if self._buffer.endswith(MAGIC[:1]) else 0
                self._drop(len(self._buffer) - keep, "no_magic", decoded)
                return decoded
            self._drop(start, "no_magic", decoded)
            if not self._take_frame(decoded):
                return decoded

    def _take_frame(self, decoded: list[Decoded]) -> bool:
        """Take the frame that the buffer begins with; says whether to go on."""
        if len(self._buffer) < _HEAD.size:
            return False
        _, version, kind, length = _HEAD.unpack_from(self._buffer)
        if version != VERSION:
            self._drop(len(MAGIC), f"unknown_version_{version}", decoded)
            return True
        if length > MAX_PAYLOAD_BYTES:
            self._drop(len(MAGIC), "frame_too_long", decoded)
            return True
        end = _HEAD.size + length
        if len(self._buffer) < end + _CHECK.size:
            return False
        (checksum,) = _CHECK.unpack_from(self._buffer, end)
        if checksum != zlib.crc32(self._buffer[len(MAGIC) : end]):
            self._drop(len(MAGIC), "wrong_checksum", decoded)
            return True
        payload = self._buffer[_HEAD.size : end]
        whole = self._buffer[: end + _CHECK.size]
        self._buffer = self._buffer[end + _CHECK.size :]
        try:
            if kind == RECORDS:
                decoded.extend(_records(payload))
            elif kind == HELLO:
                self.firmware = _hello(payload)
        except (_Malformed, struct.error, IndexError, UnicodeDecodeError) as error:
            decoded.append(Garbage(f"malformed: {error}", whole))
        return True

    def _drop(self, count: int, reason: str, decoded: list[Decoded]) -> None:
        if count > 0:
            decoded.append(Garbage(reason, self._buffer[:count]))
            self._buffer = self._buffer[count:]


def frame(kind: int, payload: bytes) -> bytes:
    """Return a whole frame."""
    head = _HEAD.pack(MAGIC, VERSION, kind, len(payload))
    body = head + payload
    return body + _CHECK.pack(zlib.crc32(body[len(MAGIC) :]))


def _hello(payload: bytes) -> str:
    length = payload[8]
    start = 9 + length
    return payload[start + 1 : start + 1 + payload[start]].decode()


def _records(payload: bytes) -> list[Decoded]:
    boot, seq, count = _BATCH.unpack_from(payload)
    start = _BATCH.size
    found: list[Decoded] = []
    for number in range(count):
        code, quality, reason, time_ms, length = _RECORD.unpack_from(payload, start)
        start += _RECORD.size
        data = payload[start : start + length]
        if len(data) != length:
            raise _Malformed("a record ends after its frame")
        start += length
        vital = VITALS.get(code)
        if vital is None:
            # A vital of a later firmware: its number stays a gap, and is told as one.
            found.append(Garbage(f"unknown_vital_{code}", data))
            continue
        word = QUALITIES[quality]
        value = None if word == "invalid" else _value(vital, data)
        why = REASONS[reason] or ("no_signal" if value is None else None)
        name = (f"{boot:016x}", seq + number)
        found.append(Measurement(vital, value, word, why, time_ms, name))
    return found


def _value(vital: str, data: bytes) -> ReadingValue:
    if vital == "sleep_state":
        return STATES[data[0]]
    if vital == "blood_pressure":
        parts = struct.iter_unpack(">Bi", data)
        return {COMPONENTS[part]: milli / 1000 for part, milli in parts}
    if vital == "ecg":
        return dict(_waves(data))
    (milli,) = struct.unpack(">i", data)
    return float(milli / 1000)


def _waves(data: bytes) -> list[tuple[str, Lead]]:
    start, leads = 0, []
    while start < len(data):
        lead, rate_mhz, scale_n, offset_m, count = _WAVE.unpack_from(data, start)
        start += _WAVE.size
        samples = struct.unpack_from(f">{count}h", data, start)
        start += 2 * count
        block = Lead(
            rate_mhz / 1000, "mV", scale_n / 1e9, list(samples), offset_m / 1000
        )
        leads.append((LEADS[lead], block))
    return leads


@hookimpl
def monitorme_decoder() -> type[Decoder]:
    """Return the decoder of StayHealthy's protocol."""
    return StayHealthy
