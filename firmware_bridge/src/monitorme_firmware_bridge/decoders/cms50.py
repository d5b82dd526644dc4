"""Contec CMS50E pulse oximeters: frames of nine bytes, sixty a second, at 115,200 baud.

Only byte 0 has bit 7 clear; it is 1, the kind of frame. Byte 1 holds, from bit 0 on, the
high bits of the seven bytes that follow it:

    2   bits 0-3 the signal's strength, bit 6 the beep of a beat; high bit: searching
    3   the pleth, 0 to 127; high bit: no finger in the probe
    4   the bar graph of the pleth
    5   the pulse rate, 255 for none
    6   the saturation, 127 for none
    7   and 8 are 255

The layout is that of a real capture, in which a finger is in the probe throughout. The
meaning of the two high bits, the request that starts the stream and the one that keeps it
going are as other people found them on a CMS50D+; either bit set means no value here.

Saturation is given at the catalogue's cadence, the newest good one of the five seconds.
The pulse rate of a finger is not the heart rate of an ECG: it is given, every second, only
where the option `pulse_as` names a vital for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from monitorme.errors import ConfigError
from monitorme_firmware_bridge.decoder import Decoded, Decoder, Measurement
from monitorme_firmware_bridge.framing import FramedDecoder, NoFrame
from monitorme_firmware_bridge.hooks import hookimpl

FRAME_BYTES: Final = 9
SATURATION_EVERY_MS: Final = 5_000
PULSE_EVERY_MS: Final = 1_000
NO_SATURATION: Final = frozenset({0, 127})
NO_PULSE: Final = frozenset({0, 127, 255})

START: Final = bytes.fromhex("7d 81 a1 80 80 80 80 80 80")
GO_ON: Final = bytes.fromhex("7d 81 af 80 80 80 80 80 80")
GO_ON_EVERY_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class OximeterFrame:
    """What one frame says; `pulse` in /min and `saturation` in % may be no value."""

    pleth: int
    pulse: int
    saturation: int
    is_beat: bool
    is_searching: bool
    is_finger_out: bool


class Cms50(FramedDecoder):
    """Decodes the frames of a CMS50E."""

    name = "cms50"
    magic = b"\x01"
    max_frame_bytes = FRAME_BYTES

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        unknown = set(options) - {"pulse_as"}
        if unknown:
            raise ConfigError(f"cms50 has no option {', '.join(sorted(unknown))}")
        self._paces = [_Pace("oxygen_saturation", SATURATION_EVERY_MS)]
        if "pulse_as" in options:
            self._paces.append(_Pace(options["pulse_as"], PULSE_EVERY_MS))
        self.vitals = tuple(pace.vital for pace in self._paces)
        self._go_on_ms: int | None = None

    def length(self, data: bytes, start: int) -> int:
        """Return nine; raises NoFrame where bit 7 is clear further on."""
        rest = data[start + 1 : start + FRAME_BYTES]
        if not all(byte & 0x80 for byte in rest):
            raise NoFrame("no_frame")
        return FRAME_BYTES

    def read(self, frame: bytes, now_ms: int) -> Iterator[Decoded]:
        """Return the measurements that are due with a frame."""
        seen = oximeter_frame(frame)
        values = (_saturation(seen), _pulse(seen))
        for pace, (value, reason) in zip(self._paces, values, strict=False):
            yield from pace.take(value, reason, now_ms)

    def replies(self, now_ms: int) -> bytes:
        """Return the request that starts the stream, and then what keeps it going."""
        if self._go_on_ms is None:
            self._go_on_ms = now_ms
            return START
        if now_ms - self._go_on_ms < GO_ON_EVERY_MS:
            return b""
        self._go_on_ms = now_ms
        return GO_ON


def oximeter_frame(frame: bytes) -> OximeterFrame:
    """Return what nine bytes say."""
    low = [byte & 0x7F for byte in frame[2:]]
    high = [bool(frame[1] >> place & 1) for place in range(len(low))]
    return OximeterFrame(
        pleth=low[1],
        pulse=low[3] | high[3] << 7,
        saturation=low[4],
        is_beat=bool(low[0] & 0x40),
        is_searching=high[0],
        is_finger_out=high[1],
    )


class _Pace:
    """Thins a vital out to one measurement an interval: the newest good one."""

    def __init__(self, vital: str, every_ms: int) -> None:
        self.vital = vital
        self._every_ms = every_ms
        self._due_ms: int | None = None
        self._good: float | None = None

    def take(
        self, value: float | None, reason: str, now_ms: int
    ) -> Iterator[Measurement]:
        self._good = self._good if value is None else value
        # The first comes at once: a nurse waits for it.
        if self._due_ms is not None and now_ms < self._due_ms:
            return
        self._due_ms = now_ms + self._every_ms
        good, self._good = self._good, None
        if good is None:
            yield Measurement(self.vital, None, "invalid", reason)
        else:
            yield Measurement(self.vital, good)


def _saturation(frame: OximeterFrame) -> tuple[float | None, str]:
    return _value(frame, frame.saturation, NO_SATURATION)


def _pulse(frame: OximeterFrame) -> tuple[float | None, str]:
    return _value(frame, frame.pulse, NO_PULSE)


def _value(
    frame: OximeterFrame, number: int, absent: frozenset[int]
) -> tuple[float | None, str]:
    if frame.is_finger_out:
        return None, "probe_off"
    if frame.is_searching:
        return None, "no_signal"
    return (None, "probe_off") if number in absent else (float(number), "")


@hookimpl
def monitorme_decoder() -> type[Decoder]:
    """Return the decoder of CMS50E oximeters."""
    return Cms50
