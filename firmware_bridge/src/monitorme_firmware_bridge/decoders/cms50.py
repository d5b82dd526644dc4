"""Contec CMS50E pulse oximeters: frames of nine bytes, sixty a second.

Byte 0 is 1, the kind of frame. Byte 1 holds the high bits of the seven bytes that follow,
which have their own bit 7 always set. Of those, the first holds the signal's strength
(low four bits) and the beep of a beat (bit 6), the second the pleth, the fourth the pulse
rate and the fifth the saturation; 127 and 0 are no value. Found in a real capture.

Saturation is given at the catalogue's cadence. The pulse rate of a finger is not the heart
rate of an ECG, so it is given only where the option `pulse_as` names a vital for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from monitorme.errors import ConfigError
from monitorme_firmware_bridge.decoder import Decoded, Decoder, Garbage, Measurement
from monitorme_firmware_bridge.hooks import hookimpl

FRAME_BYTES: Final = 9
KIND: Final = 0x01
EVERY_MS: Final = 5_000
NO_SATURATION: Final = frozenset({0, 127})
NO_PULSE: Final = frozenset({0, 127, 255})


@dataclass(frozen=True, slots=True)
class OximeterFrame:
    """One frame: pleth 0 to 127, saturation in %, pulse rate in /min."""

    pleth: int
    saturation: int
    pulse: int
    is_beat: bool


class Cms50(Decoder):
    """Decodes the frames of a CMS50E."""

    name = "cms50"
    vitals = ("oxygen_saturation",)

    def __init__(self, options: Mapping[str, str]) -> None:
        unknown = set(options) - {"pulse_as"}
        if unknown:
            raise ConfigError(f"cms50 has no option {', '.join(sorted(unknown))}")
        self._pulse_as = options.get("pulse_as")
        self._buffer = b""
        self._due_ms = 0

    def reset(self) -> None:
        """Forget an unfinished frame."""
        self._buffer = b""

    def feed(self, data: bytes, now_ms: int) -> list[Decoded]:
        """Take bytes in; return a measurement every five seconds."""
        decoded: list[Decoded] = []
        for frame in self.frames(data, decoded):
            if now_ms >= self._due_ms:
                self._due_ms = now_ms + EVERY_MS
                decoded += self._measurements(frame)
        return decoded

    def frames(self, data: bytes, garbage: list[Decoded]) -> Iterator[OximeterFrame]:
        """Return the frames that bytes complete; what is none goes to `garbage`."""
        self._buffer += data
        while len(self._buffer) >= FRAME_BYTES:
            if not _is_frame(self._buffer):
                end = _next_start(self._buffer)
                garbage.append(Garbage("no_frame", self._buffer[:end]))
                self._buffer = self._buffer[end:]
                continue
            frame, self._buffer = self._buffer[:FRAME_BYTES], self._buffer[FRAME_BYTES:]
            yield _decoded(frame)

    def _measurements(self, frame: OximeterFrame) -> Iterator[Measurement]:
        yield _measurement("oxygen_saturation", frame.saturation, NO_SATURATION)
        if self._pulse_as:
            yield _measurement(self._pulse_as, frame.pulse, NO_PULSE)


def _measurement(vital: str, value: int, absent: frozenset[int]) -> Measurement:
    if value in absent:
        return Measurement(vital, None, "invalid", "probe_off")
    return Measurement(vital, float(value))


def _is_frame(data: bytes) -> bool:
    return data[0] == KIND and all(byte & 0x80 for byte in data[1:FRAME_BYTES])


def _next_start(data: bytes) -> int:
    """Return where a frame may begin next: kinds alone have bit 7 clear."""
    found = data.find(bytes([KIND]), 1)
    return found if found > 0 else len(data)


def _decoded(frame: bytes) -> OximeterFrame:
    high = frame[1]
    values = [
        (byte & 0x7F) | ((high >> place & 1) << 7)
        for place, byte in enumerate(frame[2:])
    ]
    return OximeterFrame(
        pleth=values[1],
        pulse=values[3],
        saturation=values[4] & 0x7F,
        is_beat=bool(values[0] & 0x40),
    )


@hookimpl
def monitorme_decoder() -> type[Decoder]:
    """Return the decoder of CMS50E oximeters."""
    return Cms50
