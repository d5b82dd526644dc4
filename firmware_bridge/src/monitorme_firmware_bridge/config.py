"""The settings of the firmware bridge."""

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from monitorme.contract.payloads import Id
from monitorme.loopback import require_loopback
from monitorme.plugin import PluginConfig


class LineConfig(BaseModel):
    """One device on one line."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True
    )

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
    `serial:///dev/ttyUSB0?baud=115200`, or `file:///path` for a capture."""
    options: dict[str, str] = Field(default_factory=dict)
    """The decoder's own options."""

    @field_validator("source")
    @classmethod
    def _is_known(cls, source: str) -> str:
        parts = urlsplit(source)
        if parts.scheme not in ("tcp", "listen", "serial", "file"):
            raise ValueError("source must be tcp://, listen://, serial:// or file://")
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
    resend_after_s: float = Field(default=15.0, gt=0)
    """What stays unconfirmed for so long is published again."""
    longest_retry_s: float = Field(default=30.0, gt=0)
    """The longest wait before a line is tried again."""
