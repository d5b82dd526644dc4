"""Glucose with real gaps: what is not known is said, and nothing is drawn across it."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.limits import default_limits
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.replay.run import Recording, Setting, Stay, replay
from monitorme_analysis.validation.markdown import table

FILE: Final = Path("cgm", "example_data_5_subject.csv")
VITAL: Final = "blood_glucose"


def rows(path: Path) -> Iterator[Row]:
    """Yield the glucose of five people, as the sensors wrote it."""
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            when = datetime.fromisoformat(line["time"]).replace(tzinfo=UTC)
            at_ms = int(when.timestamp() * 1_000)
            value = float(line["gl"])
            yield Row(at_ms, line["id"], VITAL, "", value, "good", None)


def recording_of(values: Iterable[Row]) -> Recording:
    """Return rows of glucose with the pace of their sensors."""
    return Recording.of(Catalogue.load(), values)


def gaps(recording: Recording, bed: str) -> list[tuple[int, int]]:
    """Return the times without values for longer than the stale age."""
    stale_ms = recording.catalogue[VITAL].stale_after_ms
    times = [row.at_ms for row in recording.beds[bed]]
    return [(a, b) for a, b in pairwise(times) if b - a > stale_ms]


def untold(recording: Recording, stay: Stay) -> int:
    """Return how many gaps no `blood_glucose_stale` covers."""
    stale = [one for one in stay.episodes if one.code == f"{VITAL}_stale"]
    return sum(
        not any(a < one.rang_ms <= b and one.to_ms == b for one in stale)
        for a, b in gaps(recording, stay.bed)
    )


def report(data: Path) -> str:
    """Return the section."""
    recording = recording_of(rows(data / FILE))
    stays = replay(recording, Setting("default limits", default_limits()))
    figures = [
        [
            stay.bed,
            f"{stay.hours / 24:.1f}",
            len(recording.beds[stay.bed]),
            len(gaps(recording, stay.bed)),
            untold(recording, stay),
            *(
                sum(one.code == f"{VITAL}_{side}" for one in stay.episodes)
                for side in ("low", "high")
            ),
        ]
        for stay in stays
    ]
    minutes = recording.catalogue[VITAL].stale_after_ms / 60_000
    header = ["person", "days", "values", "gaps", "gaps not told", "low", "high"]
    return f"""## Glucose with gaps

Five people with type 2 diabetes, a Dexcom G4 each (iglu), about every 5 min. A gap is more
than {minutes:.0f} min without a value, and has to be told as `blood_glucose_stale` from
then to its end.

{table(header, figures)}
"""
