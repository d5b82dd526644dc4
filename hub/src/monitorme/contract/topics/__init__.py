"""Every topic of the wire contract, built and parsed here and nowhere else.

Topics are `monitorme/v1/<ward>/<bed>/…` for what belongs to a bed, and
`monitorme/v1/{command,reply,service}/…` for what belongs to the services. Those three
words are therefore no ward ids.
"""

from monitorme.contract.topics.filters import (
    admission_filter,
    alarm_filter,
    command_filter,
    condition_filter,
    device_filter,
    event_filter,
    limits_filter,
    matches,
    narrow,
    service_filter,
    vital_filter,
)
from monitorme.contract.topics.parsing import parse
from monitorme.contract.topics.topic import (
    RESERVED_WARDS,
    ROOT,
    AdmissionTopic,
    AlarmTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    DeviceChannel,
    DeviceTopic,
    EventTopic,
    LimitsTopic,
    ReplyTopic,
    ServiceTopic,
    Topic,
    VitalTopic,
    check_id,
)

__all__ = [
    "RESERVED_WARDS",
    "ROOT",
    "AdmissionTopic",
    "AlarmTopic",
    "BedId",
    "CommandTopic",
    "ConditionTopic",
    "DeviceChannel",
    "DeviceTopic",
    "EventTopic",
    "LimitsTopic",
    "ReplyTopic",
    "ServiceTopic",
    "Topic",
    "VitalTopic",
    "admission_filter",
    "alarm_filter",
    "check_id",
    "command_filter",
    "condition_filter",
    "device_filter",
    "event_filter",
    "limits_filter",
    "matches",
    "narrow",
    "parse",
    "service_filter",
    "vital_filter",
]
