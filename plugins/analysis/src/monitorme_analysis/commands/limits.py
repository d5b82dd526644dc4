"""`monitorme analysis limits …`: what alarms for a patient, and what was set for them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from monitorme.commands.options import (
    BedType,
    broker_option,
    data_option,
    json_option,
    print_json,
)
from monitorme.contract.topics import BedId
from monitorme_analysis.commands.asking import ask, tell
from monitorme_analysis.commands.numbers import LIMIT, NUMBER, OFF

if TYPE_CHECKING:
    from monitorme_analysis.replay.rows import Row

_BED = BedType()
_SIDES = ("low", "high", "critical_low", "critical_high")
DAY_H = 24
HOUR_MS = 3_600_000


@click.group()
def limits() -> None:
    """Show, set, clear and suggest the alarm limits of a patient."""


@limits.command()
@click.argument("bed", type=_BED)
@data_option
@broker_option
@json_option
def show(bed: BedId, data: Path, broker: str | None, as_json: bool) -> None:
    """Show the limits in force for the patient of BED, and what staff entered.

    Their sources stand in config/limits.toml, and in the answer of --json.
    """
    result = ask(data, broker, "limits", bed, {})
    if as_json:
        print_json(result)
        return
    click.echo(f"{bed}: {result['category']}, sleep {result['sleep']}")
    of_patient = set(result["of_patient"])
    from rich.console import Console
    from rich.table import Table

    table = Table("vital", *_SIDES, "delay s", "set for")
    for name, one in result["limits"].items():
        for when in ("awake", "asleep"):
            if band := one.get(when):
                sides = [_number(band.get(side)) for side in _SIDES]
                label = name if when == "awake" else "  asleep"
                whom = "the patient" if name in of_patient else ""
                table.add_row(label, *sides, f"{one['on_delay_s']:g}", whom)
    Console().print(table)
    for name, entry in result["entered"].items():
        expired = "" if entry["is_valid"] else " (expired)"
        click.echo(f"{name}: {_word(entry['value'])}, by {entry['by']}{expired}")


@limits.command("set")
@click.argument("bed", type=_BED)
@click.argument("vital")
@click.option("--low", type=LIMIT, help="Warning at or below it.")
@click.option("--high", type=LIMIT, help="Warning at or above it.")
@click.option("--critical-low", type=LIMIT, help="Critical at or below it.")
@click.option("--critical-high", type=LIMIT, help="Critical at or above it.")
@click.option("--awake", is_flag=True, help="The limits while awake alone.")
@click.option("--asleep", is_flag=True, help="The limits while asleep alone.")
@click.option("--on-delay-s", type=NUMBER, help="How long before it counts.")
@click.option(
    "--critical-on-delay-s", type=NUMBER, help="The same for the critical limits."
)
@click.option("--off-delay-s", type=NUMBER, help="How long back before it ends.")
@click.option("--deadband", type=NUMBER, help="How far back it must come.")
@data_option
@broker_option
@json_option
def set_(
    bed: BedId,
    vital: str,
    awake: bool,
    asleep: bool,
    data: Path,
    broker: str | None,
    as_json: bool,
    **given: float | str | None,
) -> None:
    """Set limits of a VITAL (blood_pressure.systolic) for the patient of BED.

    A number, or `off`. What is not given stays as it is. They hold for this stay only,
    awake and asleep, unless --awake or --asleep says which.
    """
    sides = {
        side: None if given[side] == OFF else given[side]
        for side in _SIDES
        if given[side] is not None
    }
    timing = {
        name: value
        for name, value in given.items()
        if name not in _SIDES and value is not None
    }
    if not sides and not timing:
        raise click.UsageError("name a limit, a delay or a deadband")
    which = "both" if awake == asleep else "awake" if awake else "asleep"
    args = {"vital": vital, **timing, which: sides}
    result = ask(data, broker, "set_limits", bed, args)
    when = "" if which == "both" else f" while {which}"
    sentence = f"limits of {vital}{when} are set for the patient of {bed}"
    tell(as_json, result, sentence)


@limits.command()
@click.argument("bed", type=_BED)
@click.argument("vital", required=False)
@data_option
@broker_option
@json_option
def clear(
    bed: BedId, vital: str | None, data: Path, broker: str | None, as_json: bool
) -> None:
    """Clear what was set for the patient of BED, of one VITAL or of all."""
    args = {"vital": vital} if vital else {}
    result = ask(data, broker, "clear_limits", bed, args)
    names = ", ".join(result["cleared"]) or "nothing was set"
    tell(as_json, result, f"cleared for the patient of {bed}: {names}")


@limits.command()
@click.argument("bed", type=_BED)
@click.option(
    "--last-h",
    type=click.FloatRange(0.1, 24),
    default=1.0,
    show_default=True,
    help="Hours whose median is taken as usual; a day of what is measured by the hour.",
)
@data_option
@broker_option
@json_option
def suggest(
    bed: BedId, last_h: float, data: Path, broker: str | None, as_json: bool
) -> None:
    """Suggest limits from what is usual for the patient of BED; sets nothing.

    The median of recorded history, by a monitor vendor's rule for automatic limits.
    """
    from monitorme.contract.payloads import Category
    from monitorme_analysis.limit import VitalLimits
    from monitorme_analysis.suggestion import suggest as of_usual

    said = ask(data, broker, "limits", bed, {})
    usual = _usual(bed, last_h, data, broker)
    in_force = {n: VitalLimits.model_validate(o) for n, o in said["limits"].items()}
    found = of_usual(Category(said["category"]), usual, in_force)
    if as_json:
        print_json(
            {
                name: {"usual": usual[name], **band.model_dump(exclude_none=True)}
                for name, band in found.items()
            }
        )
        return
    for name, band in found.items():
        click.echo(
            f"monitorme analysis limits set {bed} {name} --awake "
            f"{_options(band.model_dump())}  # usual: {usual[name]:g}"
        )
    click.echo("Nothing is set. Set what is right for the patient.", err=True)


def _word(value: bool | float | str) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


def _number(limit: float | None) -> str:
    return "" if limit is None else f"{limit:g}"


def _options(band: Mapping[str, float | None]) -> str:
    return " ".join(
        f"--{side.replace('_', '-')} {limit:g}"
        for side in _SIDES
        if (limit := band[side]) is not None
    )


def _usual(
    bed: BedId, last_h: float, data: Path, broker: str | None
) -> dict[str, float]:
    """Return the medians of a bed's recorded numbers."""
    import time

    from monitorme.commands.connection import history_url
    from monitorme.contract.vitals import Catalogue
    from monitorme_analysis.replay.history import read_history

    catalogue = Catalogue.load()
    now_ms = time.time_ns() // 1_000_000
    url = history_url(data, broker)
    rows: list[Row] = []
    for is_episodic, hours in ((True, DAY_H), (False, last_h)):
        asked = {n: v for n, v in catalogue.items() if v.episodic is is_episodic}
        since_ms = now_ms - round(hours * HOUR_MS)
        rows += read_history(url, bed, since_ms, now_ms + 1, Catalogue(asked))
    return medians(rows)


def medians(rows: "Iterable[Row]") -> dict[str, float]:
    """Return the median of each number, by vital or `vital.component`."""
    values: dict[str, list[float]] = {}
    for row in rows:
        parts = row.value if isinstance(row.value, dict) else {row.component: row.value}
        for component, part in parts.items():
            if isinstance(part, float):
                name = f"{row.vital}.{component}" if component else row.vital
                values.setdefault(name, []).append(part)
    return {name: median(found) for name, found in values.items()}
