"""The alarms of a replay for people: tables, of one setting or two side by side."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from monitorme_analysis.replay.report import Report

HOURS_SHOWN = 48
WIDTH = 110


def as_json(reports: Sequence[Report]) -> dict[str, Any]:
    """Return the reports as one object; the first is what the others stand against."""
    return {"settings": [asdict(one) for one in reports]}


def show(reports: Sequence[Report], console: Console | None = None) -> None:
    """Print the reports side by side."""
    to = console or Console(width=None if Console().is_terminal else WIDTH)
    for number, one in enumerate(reports, start=1):
        to.print(
            f"{_mark(reports, number)}[b]{one.setting}[/b]: {one.alarms} alarms, "
            f"{one.per_bed_day:.1f} a day and bed, of {one.beds} beds, "
            f"{one.hours:.1f} h and {one.readings:,} readings",
            highlight=False,
        )
    if len(reports) > 1:
        to.print(_difference(reports[0], reports[1]), highlight=False)
    to.print(_rules(reports), _beds(reports), _hours(reports))


def _mark(reports: Sequence[Report], number: int) -> str:
    return f"({number}) " if len(reports) > 1 else ""


def _difference(one: Report, other: Report) -> str:
    if not one.alarms:
        return "(1) rings nothing"
    share = 100 * (other.alarms - one.alarms) / one.alarms
    word = "more" if share > 0 else "fewer"
    return f"(2) rings {abs(share):.0f} % {word} than (1)"


def _table(title: str, first: str, reports: Sequence[Report], *names: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in names:
        for number in range(1, len(reports) + 1):
            table.add_column(f"{_mark(reports, number)}{name}", justify="right")
    return table


def _rules(reports: Sequence[Report]) -> Table:
    table = _table(
        "By rule", "condition", reports, "alarms", "a day, bed", "minutes", "median s"
    )
    found = [{rule.code: rule for rule in one.rules} for one in reports]
    for code in dict.fromkeys(code for one in found for code in one):
        rules = [one.get(code) for one in found]
        table.add_row(
            code,
            *[str(rule.alarms) if rule else "-" for rule in rules],
            *[f"{rule.per_bed_day:.2f}" if rule else "-" for rule in rules],
            *[f"{rule.minutes:.1f}" if rule else "-" for rule in rules],
            *[f"{rule.median_s:.0f}" if rule else "-" for rule in rules],
        )
    return table


def _beds(reports: Sequence[Report]) -> Table:
    table = _table("By bed", "bed", reports, "alarms", "an hour", "minutes")
    for of_bed in zip(*[one.by_bed for one in reports], strict=True):
        table.add_row(
            of_bed[0].bed,
            *[str(one.alarms) for one in of_bed],
            *[f"{one.per_hour:.2f}" for one in of_bed],
            *[f"{one.minutes:.1f}" for one in of_bed],
        )
    return table


def _hours(reports: Sequence[Report]) -> Table:
    table = _table("By hour (UTC)", "hour", reports, "alarms")
    found = [{one.hour_ms: one.alarms for one in each.by_hour} for each in reports]
    hours = sorted({hour for one in found for hour in one})
    for hour in hours[-HOURS_SHOWN:]:
        when = datetime.fromtimestamp(hour / 1_000, UTC)
        counts = [str(one.get(hour, 0)) for one in found]
        table.add_row(f"{when:%Y-%m-%d %H}:00", *counts)
    return table
