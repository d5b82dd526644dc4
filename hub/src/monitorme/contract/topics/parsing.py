"""What a topic's name says."""

import re
from functools import lru_cache

from monitorme.contract.topics.topic import (
    PREFIX,
    RESERVED_WARDS,
    AdmissionTopic,
    AlarmTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    DeviceTopic,
    EventTopic,
    LimitsTopic,
    ReplyTopic,
    ServiceTopic,
    Topic,
    VitalTopic,
    check_id,
)
from monitorme.errors import ContractError

_NAME = re.compile(r"[a-z0-9_]{1,64}")


@lru_cache(maxsize=65_536)
def parse(topic: str) -> Topic | None:
    """Return what a topic name says, or None where it is none of this contract's.

    Unknown topics are ignored by design, so that version 1 can grow.
    """
    if not topic.startswith(PREFIX):
        return None
    levels = topic[len(PREFIX) :].split("/")
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
