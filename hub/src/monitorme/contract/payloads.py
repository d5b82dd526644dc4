"""Every payload of the wire contract, version 1, as pydantic models.

All are JSON in UTF-8. Times are integer milliseconds since the epoch, UTC, and named
`*_ms`. Unknown fields are ignored, so that a later version 1 may add some. The JSON
Schemas and the AsyncAPI document in docs/ are generated from here.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitorme.errors import ContractError

MAX_PAYLOAD_BYTES: Final = 256 * 1024
"""A larger payload is refused."""
MAX_INT: Final = 2**53 - 1
"""The largest integer that every JSON parser keeps exact (RFC 8259, section 6)."""

Id = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
NumberName = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}(\.[a-z0-9_]{1,64})?$")]
LONGEST_TEXT = 500
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Milliseconds = Annotated[int, Field(ge=0, le=MAX_INT)]
Seq = Annotated[int, Field(ge=1, le=MAX_INT)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Payload(BaseModel):
    """What all payloads share: strict, immutable, open to unknown fields."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    def to_json(self) -> bytes:
        """Return the payload as it goes on the wire; absent fields are left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Quality(StrEnum):
    """How far a value can be trusted."""

    GOOD = "good"
    QUESTIONABLE = "questionable"
    INVALID = "invalid"


class LeadBlock(Payload):
    """Samples of one lead; sample i is `offset + scale * samples[i]`, in `unit`."""

    rate_hz: Annotated[float, Field(gt=0, le=100_000)]
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


class DeviceStatus(Payload):
    """A device's birth (online) or death (offline, also its will)."""

    device: Id
    """The device."""
    boot: Id
    """The boot that is born or dead; a death of an older boot is ignored."""
    state: Literal["online", "offline"]
    """Whether the device is connected."""
    time_ms: Milliseconds
    """When this was said, by the device's clock; of a will, when it was prepared."""
    vitals: tuple[Name, ...] = ()
    """The vitals that it sends."""
    model: Text | None = None
    """What the device is."""
    firmware: Text | None = None
    """The version of its firmware."""
    via: Id | None = None
    """The service that speaks for it, where it does not speak MQTT itself."""
    held_from_seq: Seq | None = None
    """From here on it can still give everything: what is missing before is for ever."""


class Durable(Payload):
    """The recorder's word that every reading up to `seq` of a boot is on disk."""

    device: Id
    """The device."""
    boot: Id
    """The boot."""
    seq: Annotated[int, Field(ge=0, le=MAX_INT)]
    """All readings with this seq or a lower one are on disk; 0 says none is."""


class DeviceCommand(Payload):
    """What the hub asks of a device."""

    verb: Literal["resend", "settings"]
    """What to do; a device ignores a verb that it does not know."""
    boot: Id | None = None
    """The boot whose readings to send again."""
    from_seq: Seq | None = None
    """The first seq to send again, also where it was confirmed once; the device goes on to
    the newest."""
    settings: dict[Name, bool | int | float | str] = Field(default_factory=dict)
    """Settings to change."""


class Category(StrEnum):
    """The kind of patient that limits are chosen by."""

    ADULT = "adult"
    PAEDIATRIC = "paediatric"
    NEONATE = "neonate"


class Admission(Payload):
    """Who lies in a bed, and since when. The only topic that carries a name."""

    admission: Id
    """Names this stay; it goes with the patient from bed to bed."""
    patient: Id
    """Names the patient for ever."""
    name: Text
    """The patient's name, as staff say it."""
    mrn: Text
    """The hospital's medical record number."""
    category: Category
    """The kind of patient."""
    birth_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    """Date of birth, ISO 8601."""
    sex: Literal["female", "male", "other", "unknown"] = "unknown"
    """Administrative sex, as in FHIR."""
    admitted_ms: Milliseconds
    """When the stay began."""
    since_ms: Milliseconds
    """Since when the patient lies in this bed: older readings are someone else's."""


class ConditionKind(StrEnum):
    """Whether a condition is about the patient or about the equipment."""

    PHYSIOLOGICAL = "physiological"
    TECHNICAL = "technical"


class Priority(StrEnum):
    """How soon somebody has to respond (IEC 60601-1-8)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class _Finding(Payload):
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


class Condition(_Finding):
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


class Alarm(_Finding):
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


class LimitsOfNumber(Payload):
    """The limits of one number now; a side that is absent raises nothing: it is off."""

    critical_low: Number | None = None
    """At or below this: high priority."""
    low: Number | None = None
    """At or below this: medium priority."""
    high: Number | None = None
    """At or above this: medium priority."""
    critical_high: Number | None = None
    """At or above this: high priority."""


class LimitsInForce(Payload):
    """By which limits a patient is judged now; an empty payload says that the bed is free.

    They change with the patient, with sleep, and with what staff set.
    """

    admission: Id
    """The stay that they are for; a successor in the bed never inherits them."""
    sleep: Literal["awake", "asleep", "unknown"]
    """For which state they are; where it is unknown, the stricter of both sets."""
    limits: dict[NumberName, LimitsOfNumber]
    """By vital, or `vital.component`; a number that is absent has no limits at all."""
    of_patient: tuple[NumberName, ...] = ()
    """Those that were set for this patient, and go before the site's."""
    time_ms: Milliseconds
    """When this was said."""


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


class Command(Payload):
    """A request to a service."""

    id: Id
    """Names the request; the answer is published to `reply/<id>`."""
    time_ms: Milliseconds
    """When it was made."""
    expires_ms: Milliseconds
    """After this it must not be carried out: a stale command is worse than none."""
    by: Text
    """Who asks."""
    args: dict[Name, Any] = Field(default_factory=dict)
    """The verb's arguments."""


class Reply(Payload):
    """A service's answer to a request."""

    id: Id
    """The request's id."""
    ok: bool
    """Whether it was carried out."""
    error: Text | None = None
    """Why not, and what to do."""
    result: dict[str, Any] = Field(default_factory=dict)
    """What came of it."""


class ServiceState(StrEnum):
    """How an instance of a service is."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    OFFLINE = "offline"


class ServiceAlarm(Payload):
    """A technical alarm of a service about itself; over when the service says it no more.

    It is no bed's, and nobody takes it on: whoever sees it calls a technician.
    """

    code: Name
    """Names it within the service."""
    priority: Priority
    """How soon somebody has to respond."""
    text: Text
    """What is wrong, and what to do."""
    since_ms: Milliseconds
    """Since when."""


class ServiceTrouble(Payload):
    """What an operator should know of a service; over when the service says it no more."""

    code: Name
    """Names it within the service; that of an alarm, where it is told as one too."""
    text: Text
    """What is wrong."""


class Service(Payload):
    """A service's birth, health and death (offline, also its will)."""

    service: Name
    """The service."""
    instance: Id
    """The instance of it."""
    state: ServiceState
    """How it is."""
    pid: int
    """Its process; pairs a death with its birth."""
    version: Text
    """The version of its distribution."""
    started_ms: Milliseconds
    """When the process started."""
    time_ms: Milliseconds
    """When this was said."""
    lag_ms: Number = 0.0
    """Longest time from a message's receipt to its acknowledgement, lately."""
    counts: dict[str, int] = Field(default_factory=dict)
    """What it has counted since it started: `messages`, `refused_<reason>`, …"""
    figures: dict[str, Number] = Field(default_factory=dict)
    """What it has measured: `processor_s`, `latency_p99_ms`, …"""
    endpoints: dict[str, str] = Field(default_factory=dict)
    """Where it serves, by name: `history` is the recorder's HTTP API."""
    trouble: tuple[Text, ...] = ()
    """The texts of `troubles`, which a service that is older does not have."""
    alarms: tuple[ServiceAlarm, ...] = ()
    """What of that stations show too, because nurses may be the first to see it."""
    troubles: tuple[ServiceTrouble, ...] = ()
    """What an operator should know."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What an operator should know and is no alarm, a sentence each.

        An older service does not say which of its troubles are alarms.
        """
        if not self.troubles:
            return self.trouble
        alarms = {alarm.code for alarm in self.alarms}
        return tuple(one.text for one in self.troubles if one.code not in alarms)


P = TypeVar("P", bound=Payload)


def decode(model: type[P], data: bytes) -> P:
    """Parse a payload; raises ContractError with the reason it is refused."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise ContractError(
            f"payload of {len(data)} bytes is over {MAX_PAYLOAD_BYTES}",
            reason="oversized",
        )
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        kind = "unparsable" if first["type"] == "json_invalid" else "wrong_type"
        text = f"{where}: {first['msg']}" if where else first["msg"]
        raise ContractError(text, reason=kind) from error
