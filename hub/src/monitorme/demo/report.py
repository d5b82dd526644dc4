"""What came of a demo that ran without a person, measured on the running system."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from monitorme.commands.connection import collect, open_bus
from monitorme.commands.status import services_in
from monitorme.contract import topics
from monitorme.contract.payloads import Service
from monitorme.demo.people import Observer
from monitorme.demo.stage import DemoFiles
from monitorme.errors import MonitorMeError

SETTLE_TIMEOUT_S: Final = 15.0


def settle(data: Path, broker: str, sent: int) -> dict[str, Service]:
    """Wait until every reading sent has been recorded and shown; return the services.

    Gives up after a while: the report then says what is missing.
    """
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while True:
        services = _services(data, broker)
        done = all(_count(services, *one) >= sent for one in _COUNTS)
        if done or time.monotonic() > deadline:
            return services


_COUNTS: Final = (("recorder", "recorded"), ("nurse_station", "shown"))


def made(sim_report: Path) -> int:
    """Return how many readings the simulated devices made, by their own report."""
    try:
        counted = json.loads(sim_report.read_text(encoding="utf-8"))["made"]
    except (OSError, ValueError, KeyError) as error:
        raise MonitorMeError(f"the simulator left no report: {error!r}") from error
    return int(counted)


def verify(data: Path, ledger: Path) -> dict[str, Any]:
    """Compare the simulator's ledger with the recorder's store, reading by reading."""
    command = [sys.executable, "-m", "monitorme", "recorder", "verify", str(ledger)]
    command += ["--data", str(data), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        compared: dict[str, Any] = json.loads(answer.stdout)
    except ValueError as error:
        raise MonitorMeError(f"cannot compare: {answer.stderr.strip()}") from error
    return compared


def summary(
    services: dict[str, Service],
    files: DemoFiles,
    compared: dict[str, Any],
    observer: Observer,
) -> dict[str, Any]:
    """Return the report, but for processor time, which is known when all has ended."""
    station = services.get("nurse_station")
    figures = station.figures if station else {}
    return {
        "sent": made(files.sim_report),
        "recorded": compared["stored"],
        "shown": _count(services, "nurse_station", "shown"),
        "lost": compared["lost"],
        "doubled": compared["doubled"],
        "altered": compared["altered"],
        "alarms_raised": observer.raised,
        "alarms_acknowledged": observer.acknowledged,
        "alarms_resolved": observer.resolved,
        "latency_ms": {
            "p50": figures.get("latency_p50_ms"),
            "p99": figures.get("latency_p99_ms"),
        },
    }


def _services(data: Path, broker: str) -> dict[str, Service]:
    with open_bus(data, broker, subscriptions=[topics.service_filter()]) as bus:
        found = services_in(collect(bus, quiet_s=0.2))
    return {service.service: service for service in found}


def _count(services: dict[str, Service], name: str, what: str) -> int:
    service = services.get(name)
    return service.counts.get(what, 0) if service else 0
