"""What happened at a bed."""

from pydantic import Field

from monitorme.contract.payloads.payload import (
    Id,
    Milliseconds,
    Name,
    Number,
    Payload,
    Text,
)


class Event(Payload):
    """Something that happened at a bed, for audit and for MonitorThem."""

    id: Id
    """Names the event for ever."""
    time_ms: Milliseconds
    """When it happened."""
    service: Name
    """The service that says so."""
    kind: Name
    """What happened: alarm_raised, alarm_acknowledged, patient_admitted, …"""
    by: Text | None = None
    """Who did it, where somebody did."""
    admission: Id | None = None
    """The stay during which it happened."""
    details: dict[Name, bool | int | Number | Text | None] = Field(default_factory=dict)
    """What else is known; never a patient's name."""
