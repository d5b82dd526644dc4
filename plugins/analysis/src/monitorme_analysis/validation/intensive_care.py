"""Intensive care: how often the rules would ring, and that no "no value" rings as a value.

Three kinds of recording: a monitor's numerics by the second and by the minute, and what
nurses charted by the hour.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.contract.payloads import ConditionKind
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.limits import Limits, VitalLimits, default_limits
from monitorme_analysis.replay.episode import Episode
from monitorme_analysis.replay.recordings import read_recording
from monitorme_analysis.replay.report import Report
from monitorme_analysis.replay.report import report as alarms_of
from monitorme_analysis.replay.run import Recording, Setting, Stay, replay
from monitorme_analysis.validation.markdown import table
from monitorme_analysis.validation.trends import CODES as TRENDS

SETS: Final = {
    "MIMIC-II numerics, by the minute": ("mimic2_numerics", "*.csv"),
    "BIDMC numerics, by the second": ("bidmc", "*_Numerics.csv"),
    "Challenge 2012, charted": ("challenge2012/set-a", "*.txt"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules make of one set of recordings."""

    name: str
    empty: int
    """Readings without a value, whatever code the recording writes for none."""
    before: Report
    """About patients, without delays and deadband."""
    after: Report
    """About patients, by the default limits."""
    technical: Report
    untrue: tuple[Episode, ...]
    """Alarms about a patient whose worst value no reading of the bed has."""


def find(data: Path, name: str) -> Found:
    """Replay one set of SETS; raises nothing for whatever it holds."""
    folder, pattern = SETS[name]
    catalogue = Catalogue.load()
    rows = [
        row
        for path in sorted((data / folder).glob(pattern))
        for row in read_recording(path, catalogue, _must_not_refuse)
    ]
    recording = Recording.of(catalogue, rows)
    usual = default_limits()
    at_once = replay(recording, Setting("values alone", without_delays(usual)))
    stays = replay(recording, Setting("default limits", usual))
    return Found(
        name=name,
        empty=sum(row.value is None for row in rows),
        before=alarms_of(name, _only(at_once, ConditionKind.PHYSIOLOGICAL)),
        after=alarms_of(name, _only(stays, ConditionKind.PHYSIOLOGICAL)),
        technical=alarms_of(name, _only(stays, ConditionKind.TECHNICAL)),
        untrue=tuple(_untrue(recording, stays)),
    )


def without_delays(limits: Limits) -> Limits:
    """Return limits by which each value counts at once, and only while it lasts."""
    at_once = {"on_delay_s": 0.0, "off_delay_s": 0.0, "deadband": 0.0}

    def changed(of_vital: dict[str, VitalLimits]) -> dict[str, VitalLimits]:
        return {name: one.model_copy(update=at_once) for name, one in of_vital.items()}

    return Limits(
        adult=changed(limits.adult),
        paediatric=changed(limits.paediatric),
        neonate=changed(limits.neonate),
    )


def report(data: Path) -> str:
    """Return the section."""
    found = [find(data, name) for name in SETS]
    totals = [
        [
            one.name,
            one.after.beds,
            f"{one.after.hours / 24:.1f}",
            f"{one.after.readings:,}",
            f"{one.empty:,}",
            one.before.per_bed_day,
            one.after.per_bed_day,
            one.technical.per_bed_day,
            len(one.untrue),
        ]
        for one in found
    ]
    header = ["recordings", "beds", "bed-days", "readings", "without a value"]
    header += ["alarms a bed and day, values alone", "default limits", "technical"]
    header += ["from no value"]
    return f"""## Intensive care

Bedside numerics and charts of {sum(one.after.beds for one in found)} intensive care stays
(PhysioNet), judged by the limits for adults of a ward. Monitors write 0, -1, nothing or NaN
where they have no value; none of these may ring as if it were one. "From no value" counts
alarms about a patient whose worst value is not that of a reading with a value.

{table(header, totals)}

Delays and deadband can take little away from values by the minute, and nothing from
charted ones: a value stands for all the time until the next. An arterial line's pressures
are judged here like a cuff's, each by itself, which a ward with arterial lines would not
do. Patients in intensive care are beyond a ward's limits for hours; the rates say so.

By rule, with the default limits, alarms a bed and day (and the minutes that one lasts, as
a median):

{_by_rule(found)}
"""


def _by_rule(found: list[Found]) -> str:
    rules = [{one.code: one for one in each.after.rules} for each in found]
    codes = sorted({code for one in rules for code in one})
    rows = [
        [
            f"`{code}`",
            *(
                f"{one[code].per_bed_day:.2f} ({one[code].median_s / 60:.1f})"
                if code in one
                else "-"
                for one in rules
            ),
        ]
        for code in codes
    ]
    return table(["condition", *(one.name for one in found)], rows)


def _only(stays: Iterable[Stay], kind: ConditionKind) -> list[Stay]:
    return [
        Stay(
            one.bed,
            one.begin_ms,
            one.end_ms,
            one.readings,
            [episode for episode in one.episodes if episode.kind is kind],
        )
        for one in stays
    ]


def _untrue(recording: Recording, stays: Iterable[Stay]) -> Iterator[Episode]:
    for stay in stays:
        numbers: dict[tuple[str, str], set[float]] = {}
        for row in recording.beds[stay.bed]:
            if isinstance(row.value, float) and row.value > 0:
                numbers.setdefault((row.vital, row.component), set()).add(row.value)
        for episode in stay.episodes:
            real = numbers.get((episode.vital or "", episode.component or ""), set())
            is_of_patient = episode.kind is ConditionKind.PHYSIOLOGICAL
            if is_of_patient and not _is_real(episode, real):
                yield episode


def _is_real(episode: Episode, real: set[float]) -> bool:
    """Say whether a worst value was measured, or a trend's lies among what was."""
    worst = episode.worst
    if worst is None or not real:
        return worst is None
    is_level = episode.code in TRENDS
    return min(real) <= worst <= max(real) if is_level else worst in real


def _must_not_refuse(sentence: str) -> None:
    raise ValueError(sentence)
