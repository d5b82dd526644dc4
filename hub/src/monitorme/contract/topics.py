"""Every topic of the wire contract, built and parsed here and nowhere else.

Topics are `monitorme/v1/<ward>/<bed>/…` for what belongs to a bed, and
`monitorme/v1/{command,reply,service}/…` for what belongs to the services. Those three
words are therefore no ward ids.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from monitorme.errors import ContractError

ROOT: Final = "monitorme/v1"
RESERVED_WARDS: Final = frozenset({"command", "reply", "service"})

_ID = re.compile(r"[a-z0-9-]{1,64}")
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_PREFIX = ROOT + "/"


@dataclass(frozen=True, slots=True)
class BedId:
    """A bed of a ward: the address that telemetry carries instead of a patient."""

    ward: str
    bed: str

    def __post_init__(self) -> None:
        check_id(self.ward, "ward")
        check_id(self.bed, "bed")
        if self.ward in RESERVED_WARDS:
            raise ContractError(f"{self.ward!r} is reserved and cannot name a ward")

    def __str__(self) -> str:
        return f"{self.ward}/{self.bed}"


@dataclass(frozen=True, slots=True)
class VitalTopic:
    """Where a device publishes the readings of one vital."""

    bed: BedId
    vital: str

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/vital/{self.vital}"


DeviceChannel = Literal["status", "durable", "command"]


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """Where a device and the hub speak to each other about the device."""

    bed: BedId
    device: str
    channel: DeviceChannel

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/device/{self.device}/{self.channel}"


@dataclass(frozen=True, slots=True)
class AdmissionTopic:
    """Where the registry says who lies in the bed."""

    bed: BedId

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/admission"


@dataclass(frozen=True, slots=True)
class ConditionTopic:
    """Where analysis says whether something is true of the bed now."""

    bed: BedId
    code: str

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/condition/{self.code}"


@dataclass(frozen=True, slots=True)
class AlarmTopic:
    """Where alerting says what people are to be shown."""

    bed: BedId
    code: str

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/alarm/{self.code}"


@dataclass(frozen=True, slots=True)
class LimitsTopic:
    """Where analysis says which limits are in force for the patient in the bed."""

    bed: BedId

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/limits"


@dataclass(frozen=True, slots=True)
class EventTopic:
    """Where services say what happened at a bed."""

    bed: BedId

    def __str__(self) -> str:
        return f"{_PREFIX}{self.bed}/event"


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """Where a service takes requests."""

    service: str
    verb: str

    def __str__(self) -> str:
        return f"{_PREFIX}command/{self.service}/{self.verb}"


@dataclass(frozen=True, slots=True)
class ReplyTopic:
    """Where the answer to one request is published."""

    command: str

    def __str__(self) -> str:
        return f"{_PREFIX}reply/{self.command}"


@dataclass(frozen=True, slots=True)
class ServiceTopic:
    """Where an instance of a service says how it is."""

    service: str
    instance: str

    def __str__(self) -> str:
        return f"{_PREFIX}service/{self.service}/{self.instance}"


Topic = (
    VitalTopic
    | DeviceTopic
    | AdmissionTopic
    | ConditionTopic
    | AlarmTopic
    | LimitsTopic
    | EventTopic
    | CommandTopic
    | ReplyTopic
    | ServiceTopic
)


def check_id(text: str, what: str) -> str:
    """Return `text` if it is an id, else raise a ContractError that names `what`."""
    if not _ID.fullmatch(text):
        raise ContractError(
            f"{what} id {text!r} must be 1 to 64 of a-z, 0-9 and -", reason="bad_id"
        )
    return text


@lru_cache(maxsize=65_536)
def parse(topic: str) -> Topic | None:
    """Return what a topic name says, or None where it is none of this contract's.

    Unknown topics are ignored by design, so that version 1 can grow.
    """
    if not topic.startswith(_PREFIX):
        return None
    levels = topic[len(_PREFIX) :].split("/")
    try:
        if levels[0] in RESERVED_WARDS:
            return _parse_service_side(levels)
        return _parse_bed_side(levels)
    except ContractError:
        return None


def _parse_service_side(levels: list[str]) -> Topic | None:
    match levels:
        case ["command", service, verb] if _are_names(service, verb):
            return CommandTopic(service, verb)
        case ["reply", command]:
            return ReplyTopic(check_id(command, "command"))
        case ["service", service, instance] if _are_names(service):
            return ServiceTopic(service, check_id(instance, "instance"))
    return None


def _parse_bed_side(levels: list[str]) -> Topic | None:
    match levels:
        case [ward, bed, "vital", vital] if _are_names(vital):
            return VitalTopic(BedId(ward, bed), vital)
        case [ward, bed, "device", device, ("status" | "durable" | "command") as leaf]:
            return DeviceTopic(BedId(ward, bed), check_id(device, "device"), leaf)
        case [ward, bed, "admission"]:
            return AdmissionTopic(BedId(ward, bed))
        case [ward, bed, "condition", code] if _are_names(code):
            return ConditionTopic(BedId(ward, bed), code)
        case [ward, bed, "alarm", code] if _are_names(code):
            return AlarmTopic(BedId(ward, bed), code)
        case [ward, bed, "limits"]:
            return LimitsTopic(BedId(ward, bed))
        case [ward, bed, "event"]:
            return EventTopic(BedId(ward, bed))
    return None


def _are_names(*texts: str) -> bool:
    return all(_NAME.fullmatch(text) for text in texts)


# Filters -----------------------------------------------------------------------------


def vital_filter(*, ward: str = "+", bed: str = "+", vital: str = "+") -> str:
    """Return the filter for readings."""
    return f"{_PREFIX}{ward}/{bed}/vital/{vital}"


def device_filter(
    channel: DeviceChannel, *, ward: str = "+", bed: str = "+", device: str = "+"
) -> str:
    """Return the filter for one channel of devices."""
    return f"{_PREFIX}{ward}/{bed}/device/{device}/{channel}"


def admission_filter(*, ward: str = "+", bed: str = "+") -> str:
    """Return the filter for admissions."""
    return f"{_PREFIX}{ward}/{bed}/admission"


def condition_filter(*, ward: str = "+", bed: str = "+", code: str = "+") -> str:
    """Return the filter for conditions."""
    return f"{_PREFIX}{ward}/{bed}/condition/{code}"


def alarm_filter(*, ward: str = "+", bed: str = "+", code: str = "+") -> str:
    """Return the filter for alarms."""
    return f"{_PREFIX}{ward}/{bed}/alarm/{code}"


def limits_filter(*, ward: str = "+", bed: str = "+") -> str:
    """Return the filter for the limits in force."""
    return f"{_PREFIX}{ward}/{bed}/limits"


def event_filter(*, ward: str = "+", bed: str = "+") -> str:
    """Return the filter for events."""
    return f"{_PREFIX}{ward}/{bed}/event"


def command_filter(service: str, *, verb: str = "+") -> str:
    """Return the filter for the requests that `service` takes."""
    return f"{_PREFIX}command/{service}/{verb}"


def reply_filter(command: str) -> str:
    """Return the filter for the answer to one request."""
    return str(ReplyTopic(command))


def service_filter(*, service: str = "+", instance: str = "+") -> str:
    """Return the filter for the state of services."""
    return f"{_PREFIX}service/{service}/{instance}"


def narrow(topic_filter: str, wards: tuple[str, ...]) -> tuple[str, ...]:
    """Return the filters that restrict `topic_filter` to `wards`.

    Only a filter whose ward level is `+` is narrowed; no wards means all of them.
    """
    prefix = _PREFIX + "+/"
    if not wards or not topic_filter.startswith(prefix):
        return (topic_filter,)
    rest = topic_filter[len(prefix) :]
    return tuple(f"{_PREFIX}{check_id(ward, 'ward')}/{rest}" for ward in wards)


def matches(topic_filter: str, topic: str) -> bool:
    """Say whether an MQTT filter matches a topic name (MQTT 3.1.1, section 4.7)."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(given) or level not in {"+", given[position]}:
            return False
    return len(wanted) == len(given)
