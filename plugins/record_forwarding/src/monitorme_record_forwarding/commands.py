"""`monitorme snapshot`: a patient's record to MyMedicalData."""

import time
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
from monitorme.contract.topics import BedId

POLL_S = 0.2


@click.command()
@click.argument("bed", type=BedType())
@click.option("--wait", "wait_s", type=float, help="Wait so long for the answer.")
@data_option
@broker_option
@json_option
def snapshot(
    bed: BedId, wait_s: float | None, data: Path, broker: str | None, as_json: bool
) -> None:
    """Send a snapshot of the patient in BED (WARD/BED) to MyMedicalData.

    With --wait, exits with 1 unless it was accepted in time.
    """
    from monitorme.commands.connection import open_bus, who

    args = {"ward": bed.ward, "bed": bed.bed}
    with open_bus(data, broker) as bus:
        result = bus.request("record_forwarding", "snapshot", args, by=who()).result
        deadline = time.monotonic() + (wait_s or 0)
        while wait_s is not None and time.monotonic() < deadline:
            listed = bus.request("record_forwarding", "list", {}, by=who()).result
            result |= _outcome(listed, result["snapshot"])
            if result["state"] != "queued":
                break
            time.sleep(POLL_S)
    if as_json:
        print_json(result)
    else:
        note = f" ({result['note']})" if result.get("note") else ""
        click.echo(f"snapshot {result['snapshot']}: {result['state']}{note}")
    if wait_s is not None and result["state"] != "accepted":
        raise click.exceptions.Exit(1)


def _outcome(listed: dict[str, Any], wanted: str) -> dict[str, Any]:
    for one in listed["documents"]:
        if one["id"] == wanted:
            return {"state": one["state"], "note": one["note"]}
    return {}
