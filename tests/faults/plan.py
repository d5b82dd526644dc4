"""How large a hospital is, and what it runs on."""

import json
from dataclasses import dataclass

EVENTFUL = "eventful"
"""The ward to some of whose patients something happens."""
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
    """With analysis and alerting, alarms are watched too."""
    lines: int = 0
    """So many devices more reach the hub by the firmware bridge, which runs too."""
    eventful_beds: int = 0
    """So many beds more, to whose patients something happens, so that alarms ring."""
    hour_ends_in_s: float | None = None
    """So long after the start, the hub's hour ends; none means when it does."""
    is_relayed: bool = False
    """Whether devices reach the broker through a network that can be broken."""
    has_influxdb: bool = False
    """Whether an InfluxDB of its own is what the journal is shipped to."""
    disk_mb: int | None = None
    """The size of a disk for the recorder alone; none means the disk of everybody."""

    def site(self) -> str:
        """Return the site's file, but for the bridge's lines, which may follow it."""
        bridge = ("firmware_bridge",) if self.lines else ()
        beds = [f"bed-{number:02}" for number in range(1, self.eventful_beds + 1)]
        return (
            f"services = {json.dumps((*self.services, *bridge))}\n"
            f'[broker]\nkind = "{self.broker}"\nport = 0\n'
            f"keepalive_s = {KEEPALIVE_S}\n"
            "[plugins.nurse_station]\nport = 0\n"
            "[plugins.recorder]\nport = 0\n"
            f'[wards.{EVENTFUL}]\nname = "Eventful ward"\nbeds = {json.dumps(beds)}\n'
        )
