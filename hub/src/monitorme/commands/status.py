"""`monitorme status`: what runs, and how it is."""

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
from monitorme.contract import topics
from monitorme.contract.payloads import Service, ServiceState, decode
from monitorme.errors import ContractError
from monitorme.messaging import Message


@click.command()
@data_option
@broker_option
@json_option
def status(data: Path, broker: str | None, as_json: bool) -> None:
    """Show every service: its state, lag, counts, and what is wrong.

    Exits with 1 where a service is not running or has something to say.
    """
    from monitorme.commands.connection import collect, open_bus

    with open_bus(data, broker, subscriptions=[topics.service_filter()]) as bus:
        services = services_in(collect(bus))
    if as_json:
        print_json({"services": [_as_json(service) for service in services]})
    else:
        _print(services)
    healthy = services and all(
        service.state is ServiceState.RUNNING
        and not (service.alarms or service.warnings)
        for service in services
    )
    if not healthy:
        raise click.exceptions.Exit(1)


def services_in(messages: list[Message]) -> list[Service]:
    """Return the newest word of every service, sorted by name and instance."""
    newest: dict[str, Service] = {}
    for message in messages:
        if not message.payload:
            newest.pop(message.topic, None)
            continue
        try:
            newest[message.topic] = decode(Service, message.payload)
        except ContractError as error:
            click.echo(f"{message.topic}: {error}", err=True)
    return sorted(newest.values(), key=lambda one: (one.service, one.instance))


def _as_json(service: Service) -> dict[str, Any]:
    fields = service.model_dump(mode="json")
    return {"name": fields.pop("service"), "lag": service.lag_ms, **fields}


def _print(services: list[Service]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table("Service", "State", "Lag ms", "Messages", "Refused", "Up", box=None)
    table.columns[2].justify = table.columns[3].justify = "right"
    for service in services:
        name = f"{service.service}/{service.instance}"
        colour = "green" if service.state is ServiceState.RUNNING else "red"
        state = f"[{colour}]{service.state}[/]"
        age = _age(time.time() * 1000 - service.started_ms)
        handled = str(service.counts.get("messages", 0))
        table.add_row(
            name, state, f"{service.lag_ms:.0f}", handled, _refused(service), age
        )
    console.print(table)
    for service in services:
        for alarm in service.alarms:
            since = time.strftime("%H:%M", time.localtime(alarm.since_ms / 1000))
            console.print(
                f"[red]{service.service}: ALARM since {since}[/]: {escape(alarm.text)}"
            )
        for warning in service.warnings:
            console.print(f"[yellow]{service.service}[/]: {escape(warning)}")
    if not services:
        console.print("no service has introduced itself yet")


def _refused(service: Service) -> str:
    parts = [
        f"{name.removeprefix('refused_')} {count}"
        for name, count in sorted(service.counts.items())
        if name.startswith("refused_") or name == "failed"
    ]
    return ", ".join(parts)


def _age(milliseconds: float) -> str:
    seconds = int(milliseconds / 1000)
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"
