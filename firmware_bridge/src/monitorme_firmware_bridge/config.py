"""The settings of the firmware bridge."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from monitorme.backlog import PER_S
from monitorme.contract.payloads import Id
from monitorme.contract.topics import RESERVED_WARDS
from monitorme.loopback import require_loopback
from monitorme.outbox import KEEP_CONFIRMED_S
from monitorme.plugin import PluginConfig


class LineConfig(BaseModel):
    """One device on one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Id
    """Id of the device, as the hub knows it."""
    ward: Id
    """Ward of the bed that it stands at."""
    bed: Id
    """The bed."""
    decoder: str
    """Which protocol it speaks: `stayhealthy`, `cms50`, or another one's."""
    source: str
    """`tcp://HOST:PORT` to connect to, `listen://127.0.0.1:PORT` to be called at,
    `/dev/ttyUSB0?baud=115200`, or `file:///path?rate=540` for a capture (bytes a
    second; `&form=hex` where it is hex digits, `&repeat=1` to begin again)."""
    identity: str | None = None
    """What the device calls itself, where that is not its id."""
    silence_s: float | None = Field(default=None, gt=0)
    """As the plugin's own, for a device that sends seldom."""
    options: dict[str, str] = Field(default_factory=dict)
    """The decoder's own options."""

    @field_validator("ward")
    @classmethod
    def _is_a_ward(cls, ward: str) -> str:
        if ward in RESERVED_WARDS:
            raise ValueError(f"{ward!r} is reserved and cannot name a ward")
        return ward

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        parts = urlsplit(source)
        if parts.scheme not in ("tcp", "listen", "serial", "file", ""):
            raise ValueError("source must be tcp://, listen://, file:// or /dev/…")
        if parts.scheme in ("", "serial") and not parts.path.startswith("/dev/"):
            raise ValueError("a serial line is named /dev/…")
        if parts.scheme in ("tcp", "listen") and not (parts.hostname and parts.port):
            raise ValueError("source must name HOST:PORT")
        if parts.scheme == "listen":
            require_loopback(parts.hostname or "")
        return source


class FirmwareBridgeConfig(PluginConfig):
    """Settings of the firmware bridge."""

    lines: tuple[LineConfig, ...] = ()
    """The devices, a table `[[plugins.firmware_bridge.lines]]` each."""
    silence_s: float = Field(default=30.0, gt=0)
    """A line that says nothing for so long is connected anew."""
    keep_confirmed_s: float = Field(default=KEEP_CONFIRMED_S, ge=0)
    """How long readings are kept that the recorder has on disk: it asks for those again
    that its disk has lost."""
    resend_after_s: float = Field(default=15.0, gt=0)
    """What stays unconfirmed for so long is published again, then ever more seldom."""
    backlog_per_s: float = Field(default=PER_S, gt=0)
    """So many readings a second of a device are published again, behind new ones."""
    longest_retry_s: float = Field(default=30.0, gt=0)
    """The longest wait before a line is tried again."""
    max_bytes_per_s: float = Field(default=200_000.0, gt=0)
    """A line that sends more has to wait, so that a flood on it harms no other."""

    @model_validator(mode="after")
    def _a_device_has_one_line(self) -> Self:
        devices = [line.device for line in self.lines]
        twice = {device for device in devices if devices.count(device) > 1}
        if twice:
            raise ValueError(f"more than one line for {', '.join(sorted(twice))}")
        return self
