"""The contract of a decoder: bytes in as they come, what they say out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from monitorme.contract.readings import QualityWord, ReadingValue

Name = tuple[str, int]
"""(boot, seq): how a device that numbers its readings itself names one for ever."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a device that numbers its readings says first on every connection."""

    device: str
    """What it calls itself; readings of another device than the line's are refused."""
    boot: str
    """The boot of the readings that follow, of a-z, 0-9 and -."""
    oldest_seq: int
    """The oldest reading of the boot that it still holds, or the next it will take."""
    vitals: tuple[str, ...] = ()
    """The vitals that it sends."""
    model: str | None = None
    firmware: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value as the device gave it, in the catalogue's unit.

    `value` is None if, and only if, the quality is invalid, which has a reason.
    `time_ms` is None where the device has no clock, `name` where it has no numbers.
    """

    vital: str
    value: ReadingValue
    quality: QualityWord = "good"
    reason: str | None = None
    time_ms: int | None = None
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Bytes that make no sense, and why; the stream goes on behind them.

    `name` is the number that an unreadable reading has used up, where it had one.
    """

    reason: str
    data: bytes
    name: Name | None = None


Decoded = Greeting | Measurement | Refusal


class Decoder(ABC):
    """Understands one firmware's stream, on one connection; does no input or output.

    What it returns must not depend on where reads cut the stream, nor may it keep more
    than a frame of it. Whatever the bytes are, `feed` finds its way back and does not
    raise. `monitorme_firmware_bridge.framing` does this for framed protocols.
    """

    name: ClassVar[str]
    """What a line's configuration calls it."""
    numbers_readings: ClassVar[bool] = False
    """Whether the device names its readings itself, and greets before the first."""
    vitals: tuple[str, ...] = ()
    """The vitals that it may give."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """Take the line's options; raises ConfigError for one that cannot be used."""

    @abstractmethod
    def feed(self, data: bytes, now_ms: int) -> list[Decoded]:
        """Take bytes in; return what they complete, in order."""

    def replies(self, now_ms: int) -> bytes:
        """Return what to write to the device now.

        Asked after connecting, and then several times a second.
        """
        return b""

    def kept(self, boot: str, seq: int) -> bytes:
        """Return how to tell the device that its readings up to `seq` are on disk."""
        return b""

    def resend(self, boot: str, from_seq: int) -> bytes:
        """Return how to ask the device for its readings from `from_seq` on again.

        Empty where it cannot be asked: what is missing is missing for ever then.
        """
        return b""
