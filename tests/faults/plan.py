"""How large a hospital is, and what it runs on."""

from dataclasses import dataclass

KEEPALIVE_S = 5
"""Of services and devices alike: the least that a site may choose."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a hospital is, and what it runs on."""

    beds: int = 500
    device_processes: int = 1
    """So many processes share the beds' devices."""
    broker: str = "mosquitto"
    services: tuple[str, ...] = ("registry", "recorder")
    lines: int = 0
    """So many devices more reach the hub by the firmware bridge, which runs too."""
    recorder_settings: str = ""
    hour_ends_in_s: float | None = None
    """So long after the start, the hub's hour ends; none means when it does."""
    is_relayed: bool = False
    """Whether devices reach the broker through a network that can be broken."""
    has_influxdb: bool = False
    """Whether an InfluxDB of its own is what the journal is shipped to."""
    disk_mb: int | None = None
    """The size of a disk for the recorder alone; none means the disk of everybody."""
