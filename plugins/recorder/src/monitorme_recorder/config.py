"""The recorder's settings."""

from pydantic import Field

from monitorme.plugin import PluginConfig
from monitorme_recorder.influx.settings import InfluxSettings


class RecorderConfig(PluginConfig):
    """Settings of the recorder."""

    host: str = "127.0.0.1"
    """Where history is served; only loopback until the work on trust."""
    port: int = Field(default=8081, ge=0, le=65_535)
    """The TCP port of history; 0 picks a free one."""
    retention_hours: int = Field(default=48, ge=1)
    """How long readings are kept. An hour's file is dropped whole."""
    fold_every_s: float = Field(default=60.0, gt=0)
    """How often what is in memory is folded into chunks for reading."""
    durable_every_s: float = Field(default=2.0, gt=0)
    """A device is told at most this often what is on disk."""
    resend_after_s: float = Field(default=2.0, gt=0)
    """A gap this old is asked for again from the device."""
    resend_every_s: float = Field(default=10.0, gt=0)
    """A device is asked at most this often."""
    influxdb: InfluxSettings | None = None
    """InfluxDB as the time-series store; without, the journal is the store."""
