"""Asking analysis from the command line, and saying what it answered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from monitorme.commands.options import print_json
from monitorme.contract.topics import BedId


def ask(
    data: Path, broker: str | None, verb: str, bed: BedId, args: Mapping[str, Any]
) -> dict[str, Any]:
    """Ask analysis; raises MonitorMeError where it refuses or does not answer."""
    from monitorme.commands.connection import open_bus, who

    with open_bus(data, broker) as bus:
        given = {"ward": bed.ward, "bed": bed.bed, **args}
        return bus.request("analysis", verb, given, by=who()).result


def tell(as_json: bool, result: Mapping[str, Any], sentence: str) -> None:
    """Print an answer, or a sentence and what the answer warns of."""
    if as_json:
        print_json(result)
        return
    click.echo(sentence)
    for warning in result.get("warnings", ()):
        click.echo(f"note: {warning}", err=True)
