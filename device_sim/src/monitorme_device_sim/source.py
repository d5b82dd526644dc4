"""Where a bed's values come from: the seam between a bed's devices and what they read.

A patient or a recording is a `Source`. Whoever publishes its samples adds device, boot,
seq and time, and knows nothing of physiology; a source knows nothing of MQTT.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from monitorme.contract.readings import QualityWord, ReadingValue


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one vital, `at_ms` after the source's start."""

    at_ms: int
    """Offset from the start of the source, in milliseconds."""
    vital: str
    """Name in the catalogue."""
    value: ReadingValue
    """In the catalogue's unit; None if, and only if, `quality` is invalid."""
    quality: QualityWord = "good"
    reason: str | None = None
    """Why it is not good."""
    clock_offset_ms: int = 0
    """How wrong the device's clock is: to be added to the reading's `time_ms` only."""


class Source(Protocol):
    """Where a bed's values come from."""

    @property
    def vitals(self) -> tuple[str, ...]:
        """The vitals it gives, by catalogue name."""
        ...

    def samples(self) -> Iterator[Sample]:
        """Yield samples in order of `at_ms`: endless for patients, recordings end.

        A silent device yields nothing for its vitals meanwhile. Each call starts anew.
        """
        ...
