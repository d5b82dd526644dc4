"""Waveforms as a table: a column of seconds, then a column for each signal."""

import csv
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitorme_analysis.recording.wfdb_record import Record, RecordError, RecordSignal

Samples = NDArray[np.float64]
_GAP_S: Final = 0.5
_TIME: Final = ("time", "time [s]", "seconds", "t")


def read_signals(path: Path) -> Record:
    """Read a table of waveforms; raises RecordError. What is no number is missing."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            rows = [row for row in reader if len(row) >= len(header)]
    except (OSError, csv.Error) as error:
        raise RecordError(f"cannot read {path}: {error}") from error
    if not header or header[0].lower() not in _TIME:
        raise RecordError(
            f"{path} has no column of times first: Time [s], then signals"
        )
    values = np.array([[_number(cell) for cell in row[: len(header)]] for row in rows])
    if len(values) < 2:
        raise RecordError(f"{path} has fewer than two rows of samples")
    rate_hz, places = _places(path, values[:, 0])
    spread = np.full((int(places[-1]) + 1, len(header)), np.nan)
    spread[places] = values
    signals = tuple(
        RecordSignal(name, "", spread[:, column])
        for column, name in enumerate(header)
        if column > 0
    )
    return Record(path.stem, rate_hz, signals, ())


def _places(path: Path, times_s: Samples) -> tuple[float, NDArray[np.int64]]:
    """Return the rate, and where each row belongs; where time jumps, rows are missing.

    Times are rounded in such files, so that only their mean step is exact.
    """
    steps = np.diff(times_s)
    small = steps < _GAP_S
    if np.isnan(steps).any() or (steps < 0).any() or not steps[small].sum() > 0:
        raise RecordError(f"{path}: its times do not rise in small steps")
    rate_hz = float(small.sum() / steps[small].sum())
    rate_hz = round(rate_hz) if abs(rate_hz - round(rate_hz)) < 0.01 else rate_hz
    jumps = np.where(small, 1, np.round(steps * rate_hz)).astype(np.int64)
    return rate_hz, np.concatenate([[0], np.cumsum(jumps)])


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        return np.nan
    return value if np.isfinite(value) else np.nan
