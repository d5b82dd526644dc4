"""`monitorme analysis replay`: what would have been found, and what would have rung."""

import json
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitorme.commands.options import BedType, broker_option, data_option
from monitorme.commands.times import TimeType
from monitorme.contract.payloads import Category
from monitorme.contract.topics import BedId
from monitorme.errors import ConfigError

if TYPE_CHECKING:
    from monitorme.contract.vitals import Catalogue
    from monitorme_analysis.replay.lain import Lain
    from monitorme_analysis.replay.rows import Row
    from monitorme_analysis.replay.run import Recording, Setting, Stay

NAMED_AT_MOST = 20
"""So many bad lines are named one by one; all are counted."""

DAY_MS = 86_400_000

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, as the options name it."""

    recordings: tuple[Path, ...]
    limits: Path | None
    rules: Path | None
    against: Path | None
    against_rules: Path | None
    category: str | None
    age: float | None
    history: str | None
    beds: tuple[BedId, ...]
    from_ms: int | None
    to_ms: int | None
    as_report: bool
    as_json: bool
    data: Path
    broker: str | None

    def check(self) -> None:
        """Refuse what is neither about recordings nor about history."""
        if bool(self.recordings) == bool(self.history):
            raise click.UsageError("name recordings, or --history with --bed")
        if self.history and not self.beds:
            raise click.UsageError("--history needs --bed WARD/BED")

    def settings(self) -> "list[Setting]":
        """Return the setting, and the one that it stands against."""
        one = self._setting(self.limits, self.rules)
        if self.against is None and self.against_rules is None:
            return [one]
        return [one, self._setting(self.against, self.against_rules)]

    def _setting(self, limits: Path | None, rules: Path | None) -> "Setting":
        from monitorme_analysis.limits import Limits, default_limits
        from monitorme_analysis.replay.run import Setting

        chosen = Limits.load(limits) if limits else default_limits()
        of_rules = _tables(rules) if rules else {}
        name = str(limits) if limits else "default limits"
        if rules:
            name += f", {rules}"
        return Setting(name, chosen, self._category(), self.age, of_rules)

    def _category(self) -> Category | None:
        from monitorme_analysis.age_limits import category_of

        if self.category is not None:
            return Category(self.category)
        return None if self.age is None else category_of(self.age)


@click.command()
@click.argument("recordings", nargs=-1, type=_FILE, metavar="[IN.csv]...")
@click.option("--limits", type=_FILE, help="Alarm limits, as config/limits.toml.")
@click.option(
    "--rules",
    type=_FILE,
    help="Settings of rules: a table each, such as [nearing_limit] enabled = false.",
)
@click.option("--against", type=_FILE, help="Other limits: their alarms side by side.")
@click.option("--against-rules", type=_FILE, help="Other settings of rules, likewise.")
@click.option(
    "--category",
    type=click.Choice([one.value for one in Category]),
    help="The kind of patient that limits are chosen by; else by age, as recorded, adult.",
)
@click.option(
    "--age",
    type=click.FloatRange(0, 130),
    metavar="YEARS",
    help="How old they are when it begins; limits of children go by it. 0.5: six months.",
)
@click.option(
    "--history", metavar="URL", help="A recorder's history, or `running`, of --bed."
)
@click.option(
    "--bed", "beds", type=BedType(), multiple=True, help="A bed; may be repeated."
)
@click.option(
    "--from",
    "from_ms",
    type=TimeType(),
    help="14:30, 6h (ago) or 2026-11-26T14:30; else 24 h before --to.",
)
@click.option("--to", "to_ms", type=TimeType(), help="The same; else now.")
@click.option("--report", "as_report", is_flag=True, help="Print the alarms as tables.")
@click.option("--json", "as_json", is_flag=True, help="Print the alarms as one object.")
@data_option
@broker_option
def replay(**options: Any) -> None:
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
    Recorded history is cut where the patient of a bed changes, and judged for whom it
    is about: by what kind of patient, limits and entries the recorder knows of them, as
    far as the options do not say otherwise. While nobody lay there, nothing is judged.

    Monitors' exports (HR, RESP, SpO2 … by second or minute), charts of the Challenge
    2012 and beats of a Contec oximeter are known by their first line.

    A vital is stale after the catalogue's age, or after three of its usual steps in the
    recording, whichever is longer. Lines that make no sense are named on standard
    error, counted, and left out.
    """
    question = _Question(**options)
    question.check()
    from monitorme.contract.vitals import Catalogue
    from monitorme_analysis.replay.run import Recording
    from monitorme_analysis.replay.run import replay as run

    catalogue = Catalogue.load()
    settings = question.settings()
    for setting in settings:
        if setting.rules:
            setting.rule_set(catalogue)  # a mistake in it is told before all is read
    refused = _Refused()
    if question.history:
        recording = _recorded(question, catalogue)
    else:
        recording = Recording.of(catalogue, _read(question, catalogue, refused))
    refused.sum_up()
    outcomes = [run(recording, setting) for setting in settings]
    if question.as_report or question.as_json or len(settings) > 1:
        _report(question, settings, outcomes)
        return
    for stay in outcomes[0]:
        for episode in stay.episodes:
            click.echo(json.dumps(episode.as_line(), ensure_ascii=False))


def _report(
    question: _Question, settings: "list[Setting]", outcomes: "list[list[Stay]]"
) -> None:
    from monitorme_analysis.replay import tables
    from monitorme_analysis.replay.report import report

    names = [setting.name for setting in settings]
    reports = [report(n, stays) for n, stays in zip(names, outcomes, strict=True)]
    if question.as_json:
        click.echo(json.dumps(tables.as_json(reports), indent=2))
    else:
        tables.show(reports)


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


def _tables(path: Path) -> dict[str, dict[str, object]]:
    """Return the tables of a file of rules' settings; raises ConfigError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error
    for name, table in found.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {name} is no table; write [{name}]")
    return found


def _read(
    question: _Question, catalogue: "Catalogue", refused: _Refused
) -> "Iterator[Row]":
    from monitorme_analysis.replay.recordings import read_recording

    for path in question.recordings:
        yield from read_recording(path, catalogue, refused)


def _recorded(question: _Question, catalogue: "Catalogue") -> "Recording":
    """Return what a recorder has of beds; what it has refused is not in it."""
    from monitorme.commands.connection import history_url
    from monitorme_analysis.replay import history
    from monitorme_analysis.replay.run import Recording

    url = question.history or ""
    if url == history.RUNNING:
        url = history_url(question.data, question.broker)
    now_ms = int(time.time() * 1_000)
    to_ms = now_ms + 1 if question.to_ms is None else question.to_ms
    from_ms = to_ms - DAY_MS if question.from_ms is None else question.from_ms
    rows: list[Row] = []
    lain: list[Lain] = []
    for bed in question.beds:
        of_bed = list(history.read_history(url, bed, from_ms, to_ms, catalogue))
        stays = history.who_lay(url, bed, from_ms, to_ms, _tell)
        if of_bed and not stays:
            _tell(f"{bed}: nobody is known to have lain there; judged as one patient")
        rows += of_bed
        # Who leaves later than was asked for is still there as far as that goes.
        lain += [
            one
            if one.to_ms is not None and one.to_ms < to_ms
            else replace(one, to_ms=None)
            for one in stays
        ]
    return Recording.of(catalogue, rows, lain)


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)
