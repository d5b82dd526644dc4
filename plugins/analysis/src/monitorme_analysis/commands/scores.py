"""`monitorme analysis scores`: a patient's scores now, and how they came about."""

from datetime import datetime
from pathlib import Path

import click

from monitorme.commands.options import (
    BedType,
    broker_option,
    data_option,
    json_option,
    print_json,
)
from monitorme.contract.topics import BedId
from monitorme_analysis.commands.asking import ask


@click.command()
@click.argument("bed", type=BedType())
@click.option(
    "--hours", type=float, default=24.0, show_default=True, help="How far back."
)
@data_option
@broker_option
@json_option
def scores(
    bed: BedId, hours: float, data: Path, broker: str | None, as_json: bool
) -> None:
    """Print the scores of the patient of BED: now, what they ask for, and before.

    NEWS2, MEWS and the shock index of adults, Bedside PEWS of children. What is missing
    is said, with the range that the score can have; `enter` says oxygen and
    consciousness.
    """
    result = ask(data, broker, "scores", bed, {"hours": hours})
    if as_json:
        print_json(result)
        return
    for one in result["now"]:
        click.echo(one["text"])
        if one["response"]:
            click.echo(f"  {one['response']}")
    for name, why in result["not_for"].items():
        click.echo(f"{name}: {why}")
    from rich.console import Console
    from rich.table import Table

    table = Table("time", "score", title=f"the last {hours:g} h")
    for one in result["history"]:
        at = datetime.fromtimestamp(one["at_ms"] / 1000).astimezone()
        table.add_row(f"{at:%d %b %H:%M}", one["text"])
    Console().print(table)
