"""What the demo runs: a site's file of its own, services, patients, stand-ins."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme import running
from monitorme.installation import Installation
from monitorme.site import BrokerKind, Site

PAGE_PORT: Final = 8080
SIM: Final = "device_sim"
STAND_INS: Final = "stand_ins"
MANAGED: Final = "managed"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What was asked for."""

    data: Path
    beds: int = 20
    seed: int = 1
    broker: BrokerKind = BrokerKind.AUTO
    page_port: int = PAGE_PORT
    influxdb: str | None = None
    """Where an InfluxDB answers, or `managed` to start one."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demo's files lie in its data folder."""

    site: Path
    sim_report: Path
    ledger: Path
    logs: Path


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """The ports of the demo's HTTP servers."""

    page: int
    history: int
    mymedicaldata: int
    monitorthem: int


def files(data: Path) -> DemoFiles:
    """Return where the demo's files lie."""
    return DemoFiles(
        site=data / "site.toml",
        sim_report=data / "sim-report.json",
        ledger=data / "ledger.jsonl",
        logs=data / "logs",
    )


def choose_ports(page: int) -> DemoPorts:
    """Return free ports; the page's is the one asked for, where that is free."""
    return DemoPorts(free_port(page), free_port(), free_port(), free_port())


def free_port(wanted: int = 0) -> int:
    """Return `wanted` if it is free on loopback, else a port that is."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write_site(options: DemoOptions, ports: DemoPorts) -> Site:
    """Write the demo's site file and return what it says."""
    beds = json.dumps([f"bed-{number:02}" for number in range(1, options.beds + 1)])
    stand_in = f"http://127.0.0.1:{ports.mymedicaldata}"
    events = f"http://127.0.0.1:{ports.monitorthem}/events"
    path = files(options.data).site
    path.write_text(
        f"""\
name = "MonitorMe demo"

[broker]
kind = "{options.broker}"
port = 0

[wards.ward-a]
name = "Ward A"
beds = {beds}

[plugins.recorder]
port = {ports.history}

{_influxdb(options)}
[plugins.nurse_station]
port = {ports.page}

[plugins.record_forwarding]
mymedicaldata_url = "{stand_in}"
monitorthem_url = "{events}"
""",
        encoding="utf-8",
    )
    return Site.load(path)


def _influxdb(options: DemoOptions) -> str:
    if options.influxdb is None:
        return ""
    if options.influxdb == MANAGED:
        return "[influxdb]\nmanaged = true\nport = 0\n"
    return f"[plugins.recorder.influxdb]\nurl = {json.dumps(options.influxdb)}\n"


def add_stand_ins(installation: Installation, ports: DemoPorts) -> None:
    """Start the stand-ins of the cloud products beside the services."""
    installation.add(
        installation.program(
            STAND_INS,
            [
                *("sim", "stand-ins"),
                *("--mymedicaldata-port", str(ports.mymedicaldata)),
                *("--monitorthem-port", str(ports.monitorthem)),
            ],
        )
    )


def add_patients(installation: Installation, options: DemoOptions) -> None:
    """Start the simulated ward."""
    where = files(options.data)
    installation.add(
        installation.program(
            SIM,
            [
                *("sim", "ward", "--ward", "ward-a"),
                *("--beds", str(options.beds), "--seed", str(options.seed)),
                *("--broker", installation.broker_url),
                *("--secret-file", str(running.secret_file(options.data))),
                *("--data", str(options.data / SIM)),
                *("--report", str(where.sim_report)),
                *("--ledger", str(where.ledger)),
            ],
        )
    )
