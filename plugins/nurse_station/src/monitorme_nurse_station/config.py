"""The settings of the nurses' station."""

from pydantic import Field

from monitorme.plugin import PluginConfig


class NurseStationConfig(PluginConfig):
    """Settings of the nurses' station."""

    host: str = "127.0.0.1"
    """Where the page is served; only loopback until people sign in."""
    port: int = Field(default=8080, ge=0, le=65_535)
    """The TCP port of the page; 0 picks a free one."""
    rotate_s: float = Field(default=5.0, ge=1)
    """How long the focus pane stays with a patient."""
    frame_every_ms: int = Field(default=20, ge=5, le=500)
    """Changes are sent to the pages together, at most this often."""
