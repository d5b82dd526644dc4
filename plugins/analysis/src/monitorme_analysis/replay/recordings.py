"""Recordings of real patients as rows: monitors' exports, charts, an oximeter's beats.

A file is known by its first line. Whatever a recording writes where it has no value (an
empty cell, NaN, 0, a negative number, an oximeter's 127) becomes a reading without one.
Times count from the beginning of the recording.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.replay.cells import NO_VALUE
from monitorme_analysis.replay.rows import (
    COLUMNS,
    RecordingError,
    Refuse,
    Row,
    read_csv,
)

MONITOR_COLUMNS: Final[Mapping[str, str]] = {
    "HR": "heart_rate",
    "RESP": "respiratory_rate",
    "SpO2": "oxygen_saturation",
    "ABPSys": "blood_pressure.systolic",
    "ABPDias": "blood_pressure.diastolic",
    "ABPMean": "blood_pressure.mean",
    "NBPSys": "blood_pressure.systolic",
    "NBPDias": "blood_pressure.diastolic",
    "NBPMean": "blood_pressure.mean",
}
"""Columns of monitors' exports; where an arterial line measures, the cuff is left out."""

CHART_NAMES: Final[Mapping[str, str]] = {
    "HR": "heart_rate",
    "RespRate": "respiratory_rate",
    "SaO2": "oxygen_saturation",
    "Temp": "body_temperature",
    "Glucose": "blood_glucose",
    "SysABP": "blood_pressure.systolic",
    "DiasABP": "blood_pressure.diastolic",
    "MAP": "blood_pressure.mean",
    "NISysABP": "blood_pressure.systolic",
    "NIDiasABP": "blood_pressure.diastolic",
    "NIMAP": "blood_pressure.mean",
}
"""Parameters of the charts of the Computing in Cardiology Challenge 2012."""

TIME_COLUMNS: Final[Mapping[str, int]] = {
    "Time [s]": 1_000,
    "Time": 1_000,
    "second": 1_000,
    "minute": 60_000,
}
"""Columns that hold the time, each with its unit in milliseconds."""

BEAT_COLUMNS: Final = 9
"""Of a Contec oximeter's beats: interval (s), SpO2 (%), pulse (/min), and six more."""
NO_SATURATION: Final = 127


def read_recording(path: Path, catalogue: Catalogue, refuse: Refuse) -> Iterator[Row]:
    """Yield the rows of a recording; raises RecordingError where it is none known."""
    first = _first_line(path)
    if set(COLUMNS) <= set(first):
        return read_csv(path, catalogue, refuse)
    if first == ["Time", "Parameter", "Value"]:
        return _chart(path)
    if any(name in TIME_COLUMNS for name in first):
        return _monitor(path, refuse)
    if len(first) == BEAT_COLUMNS and all(_number(cell) is not None for cell in first):
        return _beats(path, refuse)
    raise RecordingError(
        f"{path} is none of the recordings known here: its first line must name "
        f"{', '.join(COLUMNS)} and quality, or be that of a monitor's numerics"
    )


def _first_line(path: Path) -> list[str]:
    for cells in _lines(path):
        return cells
    raise RecordingError(f"{path} is empty")


def _lines(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            for cells in csv.reader(file):
                if cells:
                    yield [cell.strip() for cell in cells]
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    except csv.Error as error:
        raise RecordingError(f"{path} is no CSV file: {error}") from error


def _monitor(path: Path, refuse: Refuse) -> Iterator[Row]:
    """Yield the numerics of a bedside monitor: a row for each second or minute."""
    lines = _lines(path)
    header = next(lines)
    clock = next(name for name in header if name in TIME_COLUMNS)
    for number, cells in enumerate(lines, start=2):
        named = dict(zip(header, cells, strict=False))
        time = _number(named.get(clock, ""))
        if time is None:
            refuse(f"{path}, line {number}: no time in column {clock}")
            continue
        known = {name: named[name] for name in MONITOR_COLUMNS if name in named}
        at_ms = round(time * TIME_COLUMNS[clock])
        yield from _rows(at_ms, path.stem, known.items(), MONITOR_COLUMNS)


def _chart(path: Path) -> Iterator[Row]:
    """Yield what nurses charted: a line for each value, some hours apart."""
    together: dict[int, list[tuple[str, str]]] = {}
    for time, name, cell in chain(line for line in _lines(path) if len(line) == 3):
        hours, _, minutes = time.partition(":")
        if name in CHART_NAMES and hours.isdigit() and minutes.isdigit():
            at_ms = (int(hours) * 60 + int(minutes)) * 60_000
            together.setdefault(at_ms, []).append((name, cell))
    order = {name: number for number, name in enumerate(CHART_NAMES)}
    for at_ms, cells in together.items():
        cells.sort(key=lambda cell: order[cell[0]])
        yield from _rows(at_ms, path.stem, cells, CHART_NAMES)


def _beats(path: Path, refuse: Refuse) -> Iterator[Row]:
    """Yield an oximeter's beats: saturation, and the pulse rate as heart rate."""
    at_s = 0.0
    for number, cells in enumerate(_lines(path), start=1):
        interval_s = _number(cells[0]) if len(cells) == BEAT_COLUMNS else None
        if interval_s is None or interval_s < 0:
            refuse(f"{path}, line {number}: no beat of {BEAT_COLUMNS} columns")
            continue
        at_s += interval_s
        saturation = "" if _number(cells[1]) == NO_SATURATION else cells[1]
        named = (("HR", cells[2]), ("SpO2", saturation))
        yield from _rows(round(1_000 * at_s), path.stem, named, MONITOR_COLUMNS)


def _rows(
    at_ms: int,
    bed: str,
    cells: Iterable[tuple[str, str]],
    vitals: Mapping[str, str],
) -> Iterator[Row]:
    """Yield the rows of one time; of two columns of one vital the first with a value."""
    found: dict[str, float | None] = {}
    for name, cell in cells:
        number = _number(cell)
        if number is not None and number <= 0:
            number = None
        vital = vitals[name]
        if cell and found.get(vital) is None:
            found[vital] = number
        elif "." not in vital:
            found.setdefault(
                vital, None
            )  # a cuff measures now and then: no cell, no row
    for vital, value in sorted(found.items()):
        name, _, component = vital.partition(".")
        quality, reason = ("invalid", NO_VALUE) if value is None else ("good", None)
        yield Row(at_ms, bed, name, component, value, quality, reason)


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if isfinite(number) else None
