"""Respiration from waveforms, against breaths that two people marked.

The reference of a second is the rate of the marked breaths in the 32 s before it: breaths
less one, over the time from the first to the last.
"""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from monitorme_analysis.recording.respiration import read_waveforms, respiration_of
from monitorme_analysis.respiration.choice import Source, choose
from monitorme_analysis.respiration.monitor import WINDOW_S, Second
from monitorme_analysis.validation.markdown import paragraph, table

FOLDER: Final = "bidmc"
MARKS_HZ: Final = 125.0
SOURCES: Final[tuple[Source, ...]] = get_args(Source)
_NAMES: Final[Mapping[Source, str]] = {
    "best": "what the command prints",
    "impedance": "impedance alone",
    "ecg": "ECG alone",
    "pulse": "pleth alone",
    "heart": "ECG and pleth, without the impedance",
}


@dataclass(frozen=True, slots=True)
class Error:
    """How far estimates lie from the reference."""

    mean_per_min: float
    """Mean absolute error; NaN where there was nothing to compare."""
    covered: float
    """Share of the seconds with a reference for which there is an estimate."""


def marked_breaths_s(path: Path) -> tuple[list[float], list[float]]:
    """Return when breaths are, by each of the two who marked them."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    first, second = (
        sorted(number / MARKS_HZ for row in rows if (number := _mark(row, column)) >= 0)
        for column in (0, 1)
    )
    return first, second


def reference_per_min(breaths_s: Sequence[float], end_s: float) -> float | None:
    """Return the rate of the breaths within the window that ends at a time."""
    inside = [at_s for at_s in breaths_s if end_s - WINDOW_S < at_s <= end_s]
    if len(inside) < 2:
        return None
    return 60 * (len(inside) - 1) / (inside[-1] - inside[0])


def errors(
    seconds: Sequence[Second], breaths_s: Sequence[float]
) -> dict[Source, Error]:
    """Return how far each source lies from the breaths that somebody marked."""
    references = [reference_per_min(breaths_s, second.at_s) for second in seconds]
    return {source: _error(seconds, references, source) for source in SOURCES}


def subjects(data: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield name, waveforms and marks of each person whose waveforms are there."""
    folder = data / FOLDER
    for waves in sorted(folder.glob("bidmc_*_Signals.csv")):
        marks = waves.with_name(waves.name.replace("_Signals", "_Breaths"))
        if marks.exists():
            name = re.sub(r"_Signals\.csv$", "", waves.name)
            yield name, waves, marks


def report(data: Path) -> str:
    """Return the section on respiration."""
    rows = []
    for name, waves, marks in subjects(data):
        seconds = list(respiration_of(read_waveforms(waves)))
        for number, breaths_s in enumerate(marked_breaths_s(marks), start=1):
            found = errors(seconds, breaths_s)
            for source in SOURCES:
                error = found[source]
                who = f"{name}, person {number}: {_NAMES[source]}"
                rows.append((who, error.mean_per_min, f"{error.covered:.0%}"))
    words = paragraph(
        "BIDMC: breaths marked by two people in the impedance of patients in intensive "
        "care. Each second, the rate from the 32 s before it is compared with that of the "
        "marked breaths in the same 32 s; seconds whose signals are too poor are left out "
        "by the command, and the last column says how many remain. ECG and pleth are the "
        "check that is independent of the impedance, which is what the monitor itself "
        "counts in."
    )
    head = ("record, reference, read from", "mean absolute error /min", "seconds told")
    return f"## Respiration\n\n{words}\n\n{table(head, rows)}\n"


def _error(
    seconds: Sequence[Second], references: Sequence[float | None], source: Source
) -> Error:
    known = [
        (choose(second, source), reference)
        for second, reference in zip(seconds, references, strict=True)
        if reference is not None
    ]
    off = [abs(value - reference) for value, reference in known if value is not None]
    mean = sum(off) / len(off) if off else math.nan
    return Error(mean, len(off) / len(known) if known else 0.0)


def _mark(row: Sequence[str], column: int) -> float:
    """Return a mark, or -1 where one person marked fewer than the other."""
    try:
        value = float(row[column])
    except (IndexError, ValueError):
        return -1.0
    return value if math.isfinite(value) else -1.0
