"""Every payload of the wire contract, version 1, as pydantic models.

All are JSON in UTF-8. Times are integer milliseconds since the epoch, UTC, and named
`*_ms`. Unknown fields are ignored, so that a later version 1 may add some. The JSON
Schemas and the AsyncAPI document in docs/ are generated from here.
"""

from monitorme.contract.payloads.admission import Admission, Category
from monitorme.contract.payloads.alarm import (
    Alarm,
    AlarmState,
    Condition,
    ConditionKind,
    Priority,
)
from monitorme.contract.payloads.device import DeviceCommand, DeviceStatus, Durable
from monitorme.contract.payloads.event import Event
from monitorme.contract.payloads.limits import LimitsInForce, LimitsOfNumber
from monitorme.contract.payloads.past import PastCondition
from monitorme.contract.payloads.payload import (
    LONGEST_TEXT,
    MAX_INT,
    MAX_PAYLOAD_BYTES,
    Id,
    Name,
    Payload,
    decode,
)
from monitorme.contract.payloads.reading import LeadBlock, Quality, Reading
from monitorme.contract.payloads.request import Command, Reply
from monitorme.contract.payloads.service import (
    Service,
    ServiceAlarm,
    ServiceState,
    ServiceTrouble,
)

__all__ = [
    "LONGEST_TEXT",
    "MAX_INT",
    "MAX_PAYLOAD_BYTES",
    "Admission",
    "Alarm",
    "AlarmState",
    "Category",
    "Command",
    "Condition",
    "ConditionKind",
    "DeviceCommand",
    "DeviceStatus",
    "Durable",
    "Event",
    "Id",
    "LeadBlock",
    "LimitsInForce",
    "LimitsOfNumber",
    "Name",
    "PastCondition",
    "Payload",
    "Priority",
    "Quality",
    "Reading",
    "Reply",
    "Service",
    "ServiceAlarm",
    "ServiceState",
    "ServiceTrouble",
    "decode",
]
