"""What the topics are, and how each is written."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from monitorme.errors import ContractError

ROOT: Final = "monitorme/v1"
PREFIX: Final = ROOT + "/"
RESERVED_WARDS: Final = frozenset({"command", "reply", "service"})

_ID: Final = re.compile(r"[a-z0-9-]{1,64}")


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
        return f"{PREFIX}{self.bed}/vital/{self.vital}"


DeviceChannel = Literal["status", "durable", "command"]


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """Where a device and the hub speak to each other about the device."""

    bed: BedId
    device: str
    channel: DeviceChannel

    def __str__(self) -> str:
        return f"{PREFIX}{self.bed}/device/{self.device}/{self.channel}"


@dataclass(frozen=True, slots=True)
class AdmissionTopic:
    """Where the registry says who lies in the bed."""

    bed: BedId

    def __str__(self) -> str:
        return f"{PREFIX}{self.bed}/admission"


@dataclass(frozen=True, slots=True)
class ConditionTopic:
    """Where analysis says whether something is true of the bed now."""

    bed: BedId
    code: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.bed}/condition/{self.code}"


@dataclass(frozen=True, slots=True)
class AlarmTopic:
    """Where alerting says what people are to be shown."""

    bed: BedId
    code: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.bed}/alarm/{self.code}"


@dataclass(frozen=True, slots=True)
class LimitsTopic:
    """Where analysis says which limits are in force for the patient in the bed."""

    bed: BedId

    def __str__(self) -> str:
        return f"{PREFIX}{self.bed}/limits"


@dataclass(frozen=True, slots=True)
class EventTopic:
    """Where services say what happened at a bed."""

    bed: BedId

    def __str__(self) -> str:
        return f"{PREFIX}{self.bed}/event"


@dataclass(frozen=True, slots=True)
class CommandTopic:
    """Where a service takes requests."""

    service: str
    verb: str

    def __str__(self) -> str:
        return f"{PREFIX}command/{self.service}/{self.verb}"


@dataclass(frozen=True, slots=True)
class ReplyTopic:
    """Where the answer to one request is published."""

    command: str

    def __str__(self) -> str:
        return f"{PREFIX}reply/{self.command}"


@dataclass(frozen=True, slots=True)
class ServiceTopic:
    """Where an instance of a service says how it is."""

    service: str
    instance: str

    def __str__(self) -> str:
        return f"{PREFIX}service/{self.service}/{self.instance}"


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
