"""A reading, as its device publishes it."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from monitorme.contract.payloads.payload import (
    Id,
    Milliseconds,
    Name,
    Number,
    Payload,
    Seq,
    Text,
)


class Quality(StrEnum):
    """How far a value can be trusted."""

    GOOD = "good"
    QUESTIONABLE = "questionable"
    INVALID = "invalid"


class LeadBlock(Payload):
    """Samples of one lead; sample i is `offset + scale * samples[i]`, in `unit`."""

    rate_hz: Annotated[float, Field(ge=0.01, le=100_000)]
    """Samples per second."""
    unit: Text
    """UCUM code of the scaled samples."""
    scale: Number
    """Units per step."""
    offset: Number = 0.0
    """Units at zero."""
    samples: Annotated[
        list[Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]],
        Field(min_length=1, max_length=50_000),
    ]
    """Raw samples, oldest first; the first was taken at the reading's `time_ms`."""


LeadName = Annotated[str, Field(pattern=r"^[A-Za-z0-9 ._+-]{1,32}$")]
Value = Number | Text | dict[Name, Number] | dict[LeadName, LeadBlock]


class Reading(Payload):
    """One value of one vital: (device, boot, seq) names it for ever.

    `value` is a number (numeric), a word (state), an object of numbers (composite)
    or an object of lead blocks (waveform), as the vital's `kind` in the catalogue
    says.
    """

    device: Id
    """The device that took it."""
    boot: Id
    """Changes whenever the device restarts."""
    seq: Seq
    """Counts from 1 within a boot, over all of the device's vitals, without a gap."""
    time_ms: Milliseconds
    """When it was taken, by the device's clock; of a block, its first sample."""
    value: Value | None
    """The value in the catalogue's unit; null where the quality is invalid."""
    quality: Quality
    """How far the value can be trusted."""
    reason: Name | None = None
    """Why the quality is not good: lead_off, probe_off, no_signal, demo, …"""

    def to_json(self) -> bytes:
        """Return the reading as it goes on the wire, with its value even if null."""
        absent = {"reason"} if self.reason is None else None
        return self.model_dump_json(exclude=absent).encode()

    @model_validator(mode="after")
    def _value_fits_quality(self) -> Self:
        if (self.value is None) != (self.quality is Quality.INVALID):
            raise ValueError("value is null if and only if quality is invalid")
        if self.quality is Quality.INVALID and self.reason is None:
            raise ValueError("an invalid reading says its reason")
        return self
