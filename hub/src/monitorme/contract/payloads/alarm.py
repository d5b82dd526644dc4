"""What is wrong at a bed: conditions are true or not, alarms are what people see."""

from enum import StrEnum

from monitorme.contract.payloads.payload import (
    Id,
    Milliseconds,
    Name,
    Number,
    Payload,
    Text,
)


class ConditionKind(StrEnum):
    """Whether a condition is about the patient or about the equipment."""

    PHYSIOLOGICAL = "physiological"
    TECHNICAL = "technical"


class Priority(StrEnum):
    """How soon somebody has to respond (IEC 60601-1-8)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Found(Payload):
    """What conditions and alarms share."""

    kind: ConditionKind
    """Physiological or technical."""
    priority: Priority
    """How soon somebody has to respond."""
    text: Text
    """What is wrong, for people: `SpO2 84 < 90`."""
    vital: Name | None = None
    """The vital that it is about."""
    component: Name | None = None
    """The component of a composite vital."""
    value: Number | None = None
    """The newest value."""
    worst: Number | None = None
    """The value farthest beyond the limit since it began."""
    limit: Number | None = None
    """The limit that was reached."""
    unit: Text | None = None
    """UCUM code of value, worst and limit."""
    device: Id | None = None
    """The device, where it is about one."""
    admission: Id | None = None
    """The stay during which it was found; a successor in the bed never inherits it."""


class Condition(Found):
    """Whether something is true of a bed now; republished while it is."""

    code: Name
    """Names the condition within the bed; the last level of the topic."""
    present: bool
    """Whether it is true now."""
    since_ms: Milliseconds
    """Since when it has been true, or false, by the readings' time."""
    time_ms: Milliseconds
    """When this was determined."""
    caused_by_ms: Milliseconds | None = None
    """The time of the reading that changed it."""


class AlarmState(StrEnum):
    """Where an alarm is in its life."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    LATCHED = "latched"
    RESOLVED = "resolved"


class Alarm(Found):
    """What people are to be shown about a bed; an empty payload says it is gone."""

    id: Id
    """Names this episode: the same for every instance that raises it."""
    code: Name
    """The condition's code; the last level of the topic."""
    state: AlarmState
    """Where it is in its life."""
    raised_ms: Milliseconds
    """When it was raised."""
    since_ms: Milliseconds
    """Since when its condition has been true."""
    time_ms: Milliseconds
    """When this was said."""
    acknowledged_ms: Milliseconds | None = None
    """When somebody took it on."""
    acknowledged_by: Text | None = None
    """Who took it on."""
    resolved_ms: Milliseconds | None = None
    """When its condition ended."""
