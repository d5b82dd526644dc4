"""`monitorme alarms` and `monitorme acknowledge`."""

from pathlib import Path

import click

from monitorme.commands.options import (
    BedType,
    broker_option,
    data_option,
    json_option,
    print_json,
)
from monitorme.contract.topics import BedId, service_filter

_MARK = {"high": "***", "medium": "**", "low": "*"}


@click.command()
@data_option
@broker_option
@json_option
def alarms(data: Path, broker: str | None, as_json: bool) -> None:
    """List the alarms of all beds, and the technical alarms of the services."""
    from monitorme.commands.connection import collect, open_bus, who
    from monitorme.commands.status import services_in

    with open_bus(data, broker, subscriptions=[service_filter()]) as bus:
        services = services_in(collect(bus))
        result = bus.request("alerting", "list", {}, by=who()).result
    result["services"] = [
        {"service": service.service, "instance": service.instance}
        | alarm.model_dump(mode="json")
        for service in services
        for alarm in service.alarms
    ]
    if as_json:
        print_json(result)
        return
    for one in result["alarms"]:
        mark = _MARK[one["priority"]]
        click.echo(
            f"{mark:3} {one['bed']:18} {one['state']:13} {one['text']}  {one['code']}"
        )
    for one in result["services"]:
        mark = _MARK[one["priority"]]
        click.echo(f"{mark:3} {one['service']:18} technical     {one['text']}")
    if not result["alarms"] and not result["services"]:
        click.echo("no alarm")


@click.command()
@click.argument("bed", type=BedType())
@click.argument("code")
@data_option
@broker_option
@json_option
def acknowledge(
    bed: BedId, code: str, data: Path, broker: str | None, as_json: bool
) -> None:
    """Take on the alarm CODE of BED (WARD/BED)."""
    from monitorme.commands.connection import open_bus, who

    args = {"ward": bed.ward, "bed": bed.bed, "code": code}
    with open_bus(data, broker) as bus:
        result = bus.request("alerting", "acknowledge", args, by=who()).result
    if as_json:
        print_json(result)
    else:
        click.echo(f"acknowledged: {bed} {result['text']}")
