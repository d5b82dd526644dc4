"""A night of saturation: what delays and deadbands take away, and that nothing is missed.

The oracle reads the oximeter's file by itself and knows nothing of the rules: a
desaturation is a run of beats at or below the limit, from its first beat to the first
beat above the limit.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.limits import Band, Limits, VitalLimits, default_limits
from monitorme_analysis.replay.episode import Episode
from monitorme_analysis.replay.recordings import read_recording
from monitorme_analysis.replay.run import Recording, Setting, replay
from monitorme_analysis.validation.markdown import paragraph, table

FILE: Final = Path("cms50", "celiponcio_Example_data_alarm_on.csv")
VITAL: Final = "oxygen_saturation"
CODE: Final = "oxygen_saturation_low"
LONG_MS: Final = 10_000
"""A desaturation that has to be found lasts at least so long."""
LIMITS: Final = (88, 89, 90, 91, 92, 93, 94)
DELAYS_S: Final = (6, 10, 15, 30)


@dataclass(frozen=True, slots=True)
class Run:
    """Beats at or below a limit, from the first to the first above it."""

    begin_ms: int
    end_ms: int

    @property
    def is_long(self) -> bool:
        """Whether it has to be found."""
        return self.end_ms - self.begin_ms >= LONG_MS


def desaturations(path: Path, limit: float) -> list[Run]:
    """Return the runs at or below a limit, read from the file without the rules."""
    runs, at_s, begin_ms = [], 0.0, None
    with path.open(newline="", encoding="utf-8") as file:
        for interval_s, saturation, *_ in csv.reader(file):
            at_s += float(interval_s)
            if saturation == "127":  # no value: whatever was true may still be
                continue
            if float(saturation) <= limit:
                begin_ms = round(1_000 * at_s) if begin_ms is None else begin_ms
            elif begin_ms is not None:
                runs.append(Run(begin_ms, round(1_000 * at_s)))
                begin_ms = None
    return runs


def is_found(run: Run, alarms: list[Episode]) -> bool:
    """Say whether an alarm was ringing, or began to ring, during a run."""
    return any(
        alarm.rang_ms <= run.end_ms
        and (alarm.to_ms is None or alarm.to_ms > run.begin_ms)
        for alarm in alarms
    )


def recording(data: Path) -> Recording:
    """Return the saturation of the night, by beat."""
    catalogue = Catalogue.load()
    rows = read_recording(data / FILE, catalogue, _must_not_refuse)
    return Recording.of(catalogue, (row for row in rows if row.vital == VITAL))


def alarms(
    night: Recording, low: float, on_s: float, off_s: float, deadband: float
) -> list[Episode]:
    """Return the saturation's alarms by one limit, delays and deadband."""
    limit = VitalLimits(
        awake=Band(low=low), on_delay_s=on_s, off_delay_s=off_s, deadband=deadband
    )
    limits = Limits(adult={VITAL: limit})
    (stay,) = replay(night, Setting("night", limits))
    return [one for one in stay.episodes if one.code == CODE]


def report(data: Path) -> str:
    """Return the section."""
    night = recording(data)
    (rows,) = night.beds.values()
    hours = (rows[-1].at_ms - rows[0].at_ms) / 3_600_000
    usual = default_limits().adult[VITAL]
    chosen = (usual.on_delay_s, usual.off_delay_s, usual.deadband)
    limit = usual.awake.low or 0.0
    before = alarms(night, limit, 0, 0, 0)
    after = alarms(night, limit, *chosen)
    runs = [run for run in desaturations(data / FILE, limit) if run.is_long]
    found = sum(is_found(run, after) for run in runs)
    less = 100 * (1 - len(after) / len(before))
    figures = f"""
        At the default limit ({limit:g} % or below) the values alone cross it
        {len(before)} times. With the default delays ({usual.on_delay_s:g} s before,
        {usual.off_delay_s:g} s after) and deadband ({usual.deadband:g} %)
        {len(after)} {"is" if len(after) == 1 else "are"} left: {less:.0f} % fewer. Of
        {len(runs)} desaturations of 10 s or longer, {found} are found: some follow each
        other so closely that they are one alarm."""
    return f"""## A night of saturation

{hours:.1f} h of a sleeping person by beat, from a Contec CMS50 (GitHub
celiponcio/oximeter-CMS50Dplus): {len(rows):,} beats.

{paragraph(figures)}

Alarms an hour, by limit and delay before, and how many of the desaturations of 10 s or
longer are found. The first column of figures is the values alone; the others have the
default delay after and deadband, and say in brackets how many alarms less that is. A delay
of more than 10 s finds fewer, and where most dips are long no delay that finds them all
halves the alarms: each is one.

{_curves(night, data / FILE, hours, chosen)}

As the published curves show, a limit lower by a point or two and a delay longer by some
seconds each take away many of the alarms that are left (PMC4891882: 962 records of
intensive care, limits of 84 to 90 % and delays of 15 to 45 s. On wards, 88 % in place of
90 % took away 63 %, and 15 s at 90 % took away 60 %: Biomedical Instrumentation &
Technology 45, s1). What is different here: one sleeper at home, whose dips are short, so
that delays take away more.
"""


def _curves(
    night: Recording, path: Path, hours: float, chosen: tuple[float, float, float]
) -> str:
    _, off_s, deadband = chosen
    rows: list[list[object]] = []
    for limit in LIMITS:
        runs = [run for run in desaturations(path, limit) if run.is_long]
        alone = alarms(night, limit, 0, 0, 0)
        cells = [_cell(alone, alone, runs, hours)]
        for on_s in DELAYS_S:
            after = alarms(night, limit, on_s, off_s, deadband)
            cells.append(_cell(after, alone, runs, hours))
        rows.append([f"{limit} %", *cells])
    header = ["limit", "values alone", *(f"{on_s} s" for on_s in DELAYS_S)]
    return table(header, rows)


def _cell(
    after: list[Episode], alone: list[Episode], runs: list[Run], hours: float
) -> str:
    found = sum(is_found(run, after) for run in runs)
    less = "" if after is alone else f" (-{100 * (1 - len(after) / len(alone)):.0f} %)"
    return f"{len(after) / hours:.2f}{less}, {found} of {len(runs)}"


def _must_not_refuse(sentence: str) -> None:
    raise ValueError(sentence)
