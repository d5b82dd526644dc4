"""What a device and the hub say to each other about the device."""

from typing import Annotated, Literal

from pydantic import Field

from monitorme.contract.payloads.payload import (
    MAX_INT,
    Id,
    Milliseconds,
    Name,
    Payload,
    Seq,
    Text,
)


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
