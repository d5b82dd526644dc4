"""StayHealthy's framed binary protocol, version 1 (docs/stayhealthy-protocol.md)."""

import struct
import zlib
from binascii import crc_hqx
from collections.abc import Iterator, Mapping
from typing import Final

from monitorme.errors import ConfigError
from monitorme_firmware_bridge.decoder import Decoded, Decoder, Greeting, Refusal
from monitorme_firmware_bridge.decoders.stayhealthy_records import (
    Cursor,
    Malformed,
    read_record,
)
from monitorme_firmware_bridge.framing import FramedDecoder, NoFrame
from monitorme_firmware_bridge.hooks import hookimpl

MAGIC: Final = b"SH"
VERSION: Final = 1
HELLO, RECORDS, KEPT, RESEND = 1, 2, 3, 4
MAX_PAYLOAD_BYTES: Final = 32_768
_HEAD: Final = struct.Struct(">2sBBHH")
_CHECKED_BY_HEAD: Final = 6
_CHECK: Final = struct.Struct(">I")
_NAME: Final = struct.Struct(">QQ")

VITALS: Final[Mapping[int, str]] = {
    1: "heart_rate",
    2: "ecg",
    3: "respiratory_rate",
    4: "oxygen_saturation",
    5: "blood_glucose",
    6: "sleep_state",
    7: "body_temperature",
    8: "blood_pressure",
}


class StayHealthy(FramedDecoder):
    """Decodes frames of version 1.

    The option `vital_<code>` names the catalogue's vital for a code that the document
    does not give: a new vital needs no new decoder.
    """

    name = "stayhealthy"
    numbers_readings = True
    magic = MAGIC
    max_frame_bytes = _HEAD.size + MAX_PAYLOAD_BYTES + _CHECK.size

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        self._vitals = {**VITALS, **_more_vitals(options)}
        self.vitals = tuple(self._vitals.values())

    def length(self, data: bytes, start: int) -> int | None:
        """Return the length that the head says; raises NoFrame where it is damaged."""
        if len(data) - start < _HEAD.size:
            return None
        *_, length, check = _HEAD.unpack_from(data, start)
        if check != crc_hqx(data[start : start + _CHECKED_BY_HEAD], 0xFFFF):
            raise NoFrame("damaged_head")
        if length > MAX_PAYLOAD_BYTES:
            raise NoFrame("frame_too_long")
        return _HEAD.size + int(length) + _CHECK.size

    def read(self, frame: bytes, now_ms: int) -> Iterator[Decoded]:
        """Return what a frame says, of whatever type it is."""
        (check,) = _CHECK.unpack_from(frame, len(frame) - _CHECK.size)
        if check != zlib.crc32(frame[: -_CHECK.size]):
            raise NoFrame("wrong_checksum")
        _, version, kind, *_ = _HEAD.unpack_from(frame)
        if version != VERSION:
            yield Refusal(f"unknown_version_{version}", frame)
            return
        payload = Cursor(frame[_HEAD.size : -_CHECK.size])
        try:
            if kind == HELLO:
                yield self._greeting(payload)
            elif kind == RECORDS:
                yield from self._records(payload)
            else:
                yield Refusal(f"unknown_type_{kind}", frame)
        except Malformed:
            yield Refusal("malformed", frame)

    def kept(self, boot: str, seq: int) -> bytes:
        """Return the frame that says what is kept."""
        return _frame(KEPT, _NAME.pack(int(boot, 16), seq))

    def resend(self, boot: str, from_seq: int) -> bytes:
        """Return the frame that asks for records again."""
        return _frame(RESEND, _NAME.pack(int(boot, 16), from_seq))

    def _greeting(self, payload: Cursor) -> Greeting:
        boot, oldest_seq = payload.take(_NAME)
        device, model, firmware = (payload.text() for _ in range(3))
        codes = payload.counted()
        vitals = tuple(self._vitals[code] for code in codes if code in self._vitals)
        return Greeting(device, _boot(boot), oldest_seq, vitals, model, firmware)

    def _records(self, payload: Cursor) -> Iterator[Decoded]:
        number, first_seq = payload.take(_NAME)
        boot, count = _boot(number), payload.byte()
        for seq in range(first_seq, first_seq + count):
            name = (boot, seq)
            try:
                yield read_record(payload, name, self._vitals)
            except Malformed:
                # Where one record's length is wrong, the next one's start is unknown.
                yield Refusal("malformed", payload.rest(), name)


def _more_vitals(options: Mapping[str, str]) -> dict[int, str]:
    """Return the vitals that options name by their codes."""
    more = {}
    for option, vital in options.items():
        code = option.removeprefix("vital_")
        if code == option or not code.isdecimal() or not 0 < int(code) < 256:
            raise ConfigError(
                f"stayhealthy has no option {option}; it has vital_1 to vital_255"
            )
        more[int(code)] = vital
    return more


def _boot(number: int) -> str:
    return f"{number:016x}"


def _frame(kind: int, payload: bytes) -> bytes:
    head = struct.pack(">2sBBH", MAGIC, VERSION, kind, len(payload))
    body = head + struct.pack(">H", crc_hqx(head, 0xFFFF)) + payload
    return body + _CHECK.pack(zlib.crc32(body))


@hookimpl
def monitorme_decoder() -> type[Decoder]:
    """Return the decoder of StayHealthy's protocol."""
    return StayHealthy
