"""`monitorme doctor`: what is wrong here, and what to do about it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitorme.commands.options import (
    config_option,
    data_option,
    json_option,
    print_json,
)

if TYPE_CHECKING:
    from monitorme.finding import Finding


@click.command()
@config_option
@data_option
@json_option
def doctor(config: Path | None, data: Path, as_json: bool) -> None:
    """Check configuration, plugins, data, disk, ports, broker, services and clocks.

    Exits with 1 where something is wrong; warnings alone exit with 0.
    """
    from monitorme.checkup import examine
    from monitorme.finding import Verdict

    findings = [*examine(config, data), *_running(data)]
    if as_json:
        fields = ("subject", "verdict", "text", "advice")
        rows = [{name: getattr(one, name) for name in fields} for one in findings]
        print_json({"findings": rows})
    else:
        _print(findings)
    if any(one.verdict is Verdict.WRONG for one in findings):
        raise click.exceptions.Exit(1)


def _running(data: Path) -> "list[Finding]":
    from monitorme import running
    from monitorme.checkup import examine_services
    from monitorme.commands.connection import collect, open_bus
    from monitorme.commands.status import services_in
    from monitorme.contract import topics
    from monitorme.errors import BusError
    from monitorme.finding import Finding, Verdict
    from monitorme.plugin import wall_clock_ms

    if running.find(data) is None:
        text = f"nothing runs on {data}"
        return [Finding("services", Verdict.FINE, text, "start it: `monitorme up`")]
    url = running.broker_url(data)
    try:
        with open_bus(data, subscriptions=[topics.service_filter()]) as bus:
            services = services_in(collect(bus))
    except BusError as error:
        advice = "see the broker's log; `monitorme up` starts it again"
        return [Finding("broker", Verdict.WRONG, str(error), advice)]
    answer = Finding("broker", Verdict.FINE, f"answers at {url}")
    return [answer, *examine_services(services, wall_clock_ms())]


def _print(findings: "list[Finding]") -> None:
    from rich.console import Console
    from rich.markup import escape

    from monitorme.finding import Verdict

    console = Console(highlight=False)
    marks = {
        Verdict.FINE: "[green]fine   [/]",
        Verdict.WARNING: "[yellow]warning[/]",
        Verdict.WRONG: "[red]wrong  [/]",
    }
    for one in findings:
        console.print(f"{marks[one.verdict]} {escape(f'{one.subject}: {one.text}')}")
        if one.advice and one.verdict is not Verdict.FINE:
            console.print(f"        -> {escape(one.advice)}")
