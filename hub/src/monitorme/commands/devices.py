"""`monitorme devices`: what has introduced itself."""

import time
from pathlib import Path

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
    """List the devices that have introduced themselves."""
    from monitorme.commands.connection import open_bus, who

    with open_bus(data, broker) as bus:
        result = bus.request("registry", "devices", {}, by=who()).result
    if as_json:
        print_json(result)
        return
    for device in result["devices"]:
        age_s = time.time() - device["seen_ms"] / 1000
        click.echo(
            f"{device['device']:28} {device['bed']:18} {device['state']:8} "
            f"{age_s:6.0f} s ago  {' '.join(device['vitals'])}"
        )
    if not result["devices"]:
        click.echo("no device has introduced itself yet")
