"""How a service is."""

from enum import StrEnum

from pydantic import Field

from monitorme.contract.payloads.alarm import Priority
from monitorme.contract.payloads.payload import (
    Id,
    Milliseconds,
    Name,
    Number,
    Payload,
    Text,
)


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
