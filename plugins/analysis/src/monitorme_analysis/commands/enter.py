"""`monitorme analysis enter`: what was seen of a patient and no device measures."""

from pathlib import Path

import click

from monitorme.commands.options import (
    BedType,
    broker_option,
    data_option,
    json_option,
)
from monitorme.contract.topics import BedId
from monitorme_analysis.commands.asking import ask, tell


@click.command()
@click.argument("bed", type=BedType())
@click.option("--oxygen/--air", default=None, help="Whether extra oxygen is given.")
@click.option(
    "--consciousness",
    type=click.Choice(["A", "C", "V", "P", "U"]),
    help="Alert, new Confusion, responds to Voice, to Pain, Unresponsive.",
)
@click.option(
    "--spo2-scale",
    type=click.Choice(["1", "2"]),
    help="NEWS2 scale of saturation; 2 in hypercapnic failure, as prescribed.",
)
@click.option("--pregnant/--not-pregnant", default=None, help="NEWS2 is not for both.")
@click.option("--valid-h", type=float, help="Hours for which it counts.")
@data_option
@broker_option
@json_option
def enter(
    bed: BedId,
    oxygen: bool | None,
    consciousness: str | None,
    spo2_scale: str | None,
    pregnant: bool | None,
    valid_h: float | None,
    data: Path,
    broker: str | None,
    as_json: bool,
) -> None:
    """Enter what was seen of the patient of BED and no device measures.

    Oxygen and consciousness count for the hours configured, the rest for the stay.
    """
    values = {
        "oxygen": oxygen,
        "consciousness": consciousness,
        "spo2_scale": int(spo2_scale) if spo2_scale else None,
        "pregnant": pregnant,
        "valid_h": valid_h,
    }
    args = {name: value for name, value in values.items() if value is not None}
    result = ask(data, broker, "enter", bed, args)
    tell(as_json, result, f"entered for the patient of {bed}")
