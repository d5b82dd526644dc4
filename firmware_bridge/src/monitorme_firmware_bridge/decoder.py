"""The contract of a decoder: bytes in as they come, measurements out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from monitorme.contract.readings import QualityWord, ReadingValue


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value as the device gave it, in the catalogue's unit.

    `time_ms` is None where the device has no clock. `name` is (boot, seq) where the
    device numbers its readings itself; it must never number two the same.
    """

    vital: str
    value: ReadingValue
    quality: QualityWord = "good"
    reason: str | None = None
    time_ms: int | None = None
    name: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that make no sense, and why; the stream goes on behind them."""

    reason: str
    data: bytes


Decoded = Measurement | Garbage


class Decoder(ABC):
    """Understands one firmware's stream; makes no assumption about where reads cut it.

    `feed` keeps what is unfinished and finds its way back into the stream after
    garbage. It holds at most `max_buffer_bytes`.
    """

    name: ClassVar[str]
    """What a line's configuration calls it."""
    vitals: ClassVar[tuple[str, ...]]
    """The vitals that it may give."""
    max_buffer_bytes: ClassVar[int] = 65_536

    def __init__(self, options: Mapping[str, str]) -> None:
        """Take the line's options; raises ConfigError for one that is unknown."""

    @abstractmethod
    def feed(self, data: bytes, now_ms: int) -> list[Decoded]:
        """Take bytes in; return what they complete."""

    def kept(self, boot: str, seq: int) -> bytes:
        """Return what to tell the device when its readings up to `seq` are on disk."""
        return b""

    def reset(self) -> None:
        """Forget an unfinished frame: the stream begins anew."""
