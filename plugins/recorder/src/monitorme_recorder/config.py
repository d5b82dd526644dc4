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
    reserve_mb: int = Field(default=1024, ge=0)
    """With less room on the disk, the oldest hours beyond 24 are dropped early."""
    fold_every_s: float = Field(default=300.0, gt=0)
    """What has been in memory this long is folded into chunks for reading, full or not."""
    stall_after_s: float = Field(default=2.0, gt=0)
    """A disk that takes longer for a batch is reported; the batch is held meanwhile."""
    durable_every_s: float = Field(default=2.0, gt=0)
    """A device is told at most this often what is on disk."""
    durable_per_s: float = Field(default=120.0, gt=0)
    """All devices together are told at most this often; each then waits longer."""
    resend_after_s: float = Field(default=2.0, gt=0)
    """A gap this old is asked for again from the device."""
    resend_every_s: float = Field(default=10.0, gt=0)
    """A device is asked at most this often."""
    give_up_after_s: float = Field(default=3600.0, gt=0)
    """A gap of a boot that the device has left behind is given up after this long."""
    flood_per_s: float = Field(default=200.0, gt=0)
    """A device may send so many readings a second; more are not taken, nor confirmed."""
    influxdb: InfluxSettings | None = None
    """InfluxDB as the time-series store; without, the journal is the store."""
