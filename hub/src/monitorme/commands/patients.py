"""`monitorme admit`, `transfer`, `discharge`, `beds`: who lies where."""

from pathlib import Path
from typing import Any

import click

from monitorme.commands.options import (
    BedType,
    broker_option,
    data_option,
    json_option,
    print_json,
)
from monitorme.contract.payloads import Category
from monitorme.contract.topics import BedId

_BED = BedType()


@click.command()
@click.argument("bed", type=_BED)
@click.option("--name", required=True, help="The patient's name.")
@click.option("--mrn", required=True, help="The hospital's record number.")
@click.option(
    "--category",
    type=click.Choice([category.value for category in Category]),
    default="adult",
    show_default=True,
    help="The kind of patient that limits are chosen by.",
)
@click.option("--birth-date", help="YYYY-MM-DD.")
@click.option(
    "--sex",
    type=click.Choice(["female", "male", "other", "unknown"]),
    default="unknown",
    show_default=True,
)
@data_option
@broker_option
@json_option
def admit(
    bed: BedId, data: Path, broker: str | None, as_json: bool, **patient: str | None
) -> None:
    """Admit a patient to BED (WARD/BED)."""
    given = {key: value for key, value in patient.items() if value is not None}
    args = {"ward": bed.ward, "bed": bed.bed, **given}
    result = _ask(data, broker, "admit", args)
    _tell(as_json, result, f"admitted to {bed}")


@click.command()
@click.argument("bed", type=_BED)
@click.argument("to", type=_BED)
@click.option("--exchange", is_flag=True, help="Swap the patients of the two beds.")
@data_option
@broker_option
@json_option
def transfer(
    bed: BedId, to: BedId, exchange: bool, data: Path, broker: str | None, as_json: bool
) -> None:
    """Transfer the patient of BED to the bed TO."""
    args = {
        "ward": bed.ward,
        "bed": bed.bed,
        "to_ward": to.ward,
        "to_bed": to.bed,
        "exchange": exchange,
    }
    result = _ask(data, broker, "transfer", args)
    _tell(as_json, result, f"transferred from {bed} to {to}")


@click.command()
@click.argument("bed", type=_BED)
@data_option
@broker_option
@json_option
def discharge(bed: BedId, data: Path, broker: str | None, as_json: bool) -> None:
    """Discharge the patient of BED."""
    args = {"ward": bed.ward, "bed": bed.bed}
    result = _ask(data, broker, "discharge", args)
    _tell(as_json, result, f"discharged from {bed}")


@click.command()
@data_option
@broker_option
@json_option
def beds(data: Path, broker: str | None, as_json: bool) -> None:
    """List the beds, and who lies in them."""
    result = _ask(data, broker, "beds", {})
    if as_json:
        print_json(result)
        return
    for row in result["beds"]:
        admission = row["admission"]
        who = f"{admission['name']} ({admission['mrn']})" if admission else "free"
        click.echo(f"{row['bed']:20} {who}")


def _ask(
    data: Path, broker: str | None, verb: str, args: dict[str, Any]
) -> dict[str, Any]:
    from monitorme.commands.connection import open_bus, who

    with open_bus(data, broker) as bus:
        return bus.request("registry", verb, args, by=who()).result


def _tell(as_json: bool, result: dict[str, Any], text: str) -> None:
    if as_json:
        print_json(result)
    else:
        click.echo(text)
