"""Rows of a CSV file, and the numbers in them."""

import csv
from math import isfinite
from pathlib import Path

from monitorme_device_sim.recordings.failure import RecordingError
from monitorme_device_sim.source import Sample


def read_rows(path: Path) -> list[list[str]]:
    """Return the rows that are not empty, each cell without blanks around it.

    Raises:
        RecordingError: the file cannot be read, is no text, or holds no rows.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RecordingError(f"{path} is not a CSV file: {error}") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise RecordingError(f"{path} is empty")
    return rows


def as_number(cell: str) -> float | None:
    """Return the number in a cell, or None where there is none."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if isfinite(number) else None


def sample_of(at_ms: int, vital: str, cell: str) -> Sample:
    """Return a sample of a cell that a monitor wrote.

    No value is written as nothing, NaN, 0, a negative number, or a word such as `---`.
    """
    number = as_number(cell)
    if number is None or number <= 0:
        return Sample(at_ms, vital, None, "invalid", "no_signal")
    return Sample(at_ms, vital, number)
