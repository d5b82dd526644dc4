"""`monitorme devices`: what has introduced itself, and whether its clock is right."""

import json
import time
from pathlib import Path
from typing import Any

import click

from monitorme.commands.options import (
    broker_option,
    data_option,
    json_option,
    print_json,
)


@click.command()
@data_option
@broker_option
@json_option
def devices(data: Path, broker: str | None, as_json: bool) -> None:
    """List the devices that have introduced themselves.

    `clock` is how far a device's clock is ahead of the hub's, or behind it (-), as the
    recorder finds; times of one that is off by more than 5 s are corrected.
    """
    from monitorme.commands.connection import open_bus, who

    with open_bus(data, broker) as bus:
        result = bus.request("registry", "devices", {}, by=who()).result
    offsets_ms = _clock_offsets_ms(data, broker)
    for device in result["devices"]:
        device["clock_offset_ms"] = offsets_ms.get(device["device"])
    if as_json:
        print_json(result)
        return
    for device in result["devices"]:
        click.echo(_line(device))
    if not result["devices"]:
        click.echo("no device has introduced itself yet")


def _line(device: dict[str, Any]) -> str:
    age_s = time.time() - device["seen_ms"] / 1000
    offset_ms = device["clock_offset_ms"]
    clock = "clock ?" if offset_ms is None else f"clock {offset_ms / 1000:+.1f} s"
    return (
        f"{device['device']:28} {device['bed']:18} {device['state']:8} "
        f"{age_s:6.0f} s ago  {clock:14}  {' '.join(device['vitals'])}"
    )


def _clock_offsets_ms(data: Path, broker: str | None) -> dict[str, int]:
    """Return what the recorder knows of clocks; nothing where it does not answer."""
    from urllib.request import urlopen

    from monitorme.commands.connection import history_url
    from monitorme.errors import MonitorMeError

    try:
        with urlopen(f"{history_url(data, broker)}/v1/devices", timeout=5) as answer:
            known: list[dict[str, Any]] = json.load(answer)
    except (MonitorMeError, OSError, ValueError) as error:
        click.echo(f"clocks are not known: {error}", err=True)
        return {}
    return {
        one["device"]: one["clock_offset_ms"]
        for one in known
        if one.get("clock_offset_ms") is not None
    }
