"""`monitorme analysis replay`: what would have been found, and what would have rung."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitorme.commands.options import BedType, broker_option, data_option
from monitorme.contract.payloads import Category
from monitorme.contract.topics import BedId

if TYPE_CHECKING:
    from monitorme.contract.vitals import Catalogue
    from monitorme_analysis.replay.rows import Row
    from monitorme_analysis.replay.run import Setting

NAMED_AT_MOST = 20
"""So many bad lines are named one by one; all are counted."""

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


class _TimeType(click.ParamType[int]):
    """A time as ISO 8601 (UTC where it says no zone), milliseconds, or `6h` ago."""

    name = "time"

    def convert(
        self,
        value: str | int,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the time in milliseconds since the epoch."""
        if isinstance(value, int) or value.isdigit():
            return int(value)
        units = {"m": "minutes", "h": "hours", "d": "days"}
        if value[-1:] in units and value[:-1].isdigit():
            back = timedelta(**{units[value[-1]]: int(value[:-1])})
            return int((datetime.now(UTC) - back).timestamp() * 1_000)
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time; write 2026-11-26T08:00, milliseconds, or 6h",
                param,
                ctx,
            )
        zoned = when if when.tzinfo else when.replace(tzinfo=UTC)
        return int(zoned.timestamp() * 1_000)


@click.command()
@click.argument("recordings", nargs=-1, type=_FILE, metavar="[IN.csv]...")
@click.option(
    "--limits", "limits_file", type=_FILE, help="Alarm limits, as config/limits.toml."
)
@click.option("--against", type=_FILE, help="Other limits: their alarms side by side.")
@click.option(
    "--category",
    type=click.Choice([one.value for one in Category]),
    default=Category.ADULT.value,
    show_default=True,
    help="The kind of patient that limits are chosen by.",
)
@click.option(
    "--history", metavar="URL", help="A recorder's history, or `running`, of --bed."
)
@click.option(
    "--bed", "beds", type=BedType(), multiple=True, help="A bed; may be repeated."
)
@click.option("--from", "from_ms", type=_TimeType(), help="Begin; 24 h before --to.")
@click.option("--to", "to_ms", type=_TimeType(), help="End; now, if not given.")
@click.option("--report", "as_report", is_flag=True, help="Print the alarms as tables.")
@click.option("--json", "as_json", is_flag=True, help="Print the alarms as one object.")
@data_option
@broker_option
def replay(
    recordings: tuple[Path, ...],
    limits_file: Path | None,
    against: Path | None,
    category: str,
    history: str | None,
    beds: tuple[BedId, ...],
    from_ms: int | None,
    to_ms: int | None,
    as_report: bool,
    as_json: bool,
    data: Path,
    broker: str | None,
) -> None:
    """Judge recorded readings by the live service's rules, without waiting.

    Prints one condition a line, as JSON: code, bed, from_ms (since when it was true),
    to_ms (null where it still held at the end), worst, detail. With --report or --json,
    the alarms that would have rung instead: by rule, by bed, by hour, and how long;
    with --against, of two sets of limits side by side.

    IN.csv has the columns time_ms, bed, vital, value, quality (good, questionable or
    invalid; no quality means good). The vital of a composite is named with its
    component, blood_pressure.systolic; rows of one time make one measurement. Or the
    value is a JSON object: {"systolic": 120, "diastolic": 80}. An empty value, NaN, ---
    and a heart or respiratory rate of 0 are no value. Rows may come in any order.
    Monitors' exports (HR, RESP, SpO2 … by second or minute), charts of the Challenge
    2012 and beats of a Contec oximeter are known by their first line.

    A vital is stale after the catalogue's age, or after three of its usual steps in the
    recording, whichever is longer. Lines that make no sense are named on standard
    error, counted, and left out.
    """
    from monitorme.contract.vitals import Catalogue
    from monitorme_analysis.replay import tables
    from monitorme_analysis.replay.report import report
    from monitorme_analysis.replay.run import Recording
    from monitorme_analysis.replay.run import replay as run

    if bool(recordings) == bool(history):
        raise click.UsageError("name recordings, or --history with --bed")
    if history and not beds:
        raise click.UsageError("--history needs --bed WARD/BED")
    catalogue = Catalogue.load()
    refused = _Refused()
    settings = [_setting(limits_file, category)]
    if against is not None:
        settings.append(_setting(against, category))
    rows = (
        _recorded(history, beds, from_ms, to_ms, data, broker, catalogue)
        if history
        else _read(recordings, catalogue, refused)
    )
    recording = Recording.of(catalogue, rows)
    refused.sum_up()
    outcomes = [run(recording, setting) for setting in settings]
    if as_report or as_json or against is not None:
        names = [setting.name for setting in settings]
        reports = [report(n, s) for n, s in zip(names, outcomes, strict=True)]
        if as_json:
            click.echo(json.dumps(tables.as_json(reports), indent=2))
        else:
            tables.show(reports)
        return
    for stay in outcomes[0]:
        for episode in stay.episodes:
            click.echo(json.dumps(episode.as_line(), ensure_ascii=False))


class _Refused:
    """Names what is refused on standard error, and counts it."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, sentence: str) -> None:
        self._count += 1
        if self._count <= NAMED_AT_MOST:
            click.echo(sentence, err=True)

    def sum_up(self) -> None:
        if self._count:
            click.echo(f"{self._count} lines were left out", err=True)


def _setting(limits_file: Path | None, category: str) -> "Setting":
    from monitorme_analysis.limits import Limits, default_limits
    from monitorme_analysis.replay.run import Setting

    if limits_file is None:
        return Setting("default limits", default_limits(), Category(category))
    return Setting(str(limits_file), Limits.load(limits_file), Category(category))


def _read(
    recordings: tuple[Path, ...], catalogue: "Catalogue", refused: _Refused
) -> "Iterator[Row]":
    from monitorme_analysis.replay.recordings import read_recording

    for path in recordings:
        yield from read_recording(path, catalogue, refused)


def _recorded(
    history: str,
    beds: tuple[BedId, ...],
    from_ms: int | None,
    to_ms: int | None,
    data: Path,
    broker: str | None,
    catalogue: "Catalogue",
) -> "Iterator[Row]":
    from monitorme_analysis.replay.history import (
        RUNNING,
        read_history,
        running_history,
    )

    url = running_history(data, broker) if history == RUNNING else history
    until_ms = to_ms if to_ms is not None else int(time.time() * 1_000) + 1
    since_ms = from_ms if from_ms is not None else until_ms - 86_400_000
    for bed in beds:
        yield from read_history(url, bed, since_ms, until_ms, catalogue)
