"""Numerics that a bedside monitor exported as CSV: a row for each second or minute."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final

from monitorme.contract.readings import Lead
from monitorme_device_sim.recordings.failure import RecordingError
from monitorme_device_sim.recordings.rows import as_number, read_rows, sample_of
from monitorme_device_sim.source import Sample

MONITOR_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "HR": "heart_rate",
        "RESP": "respiratory_rate",
        "SpO2": "oxygen_saturation",
        "NBPSys": "blood_pressure.systolic",
        "NBPDias": "blood_pressure.diastolic",
        "NBPMean": "blood_pressure.mean",
    }
)
"""Columns as PhysioNet's exports name them; a pulse rate is not a heart rate."""

TIME_COLUMNS: Final[Mapping[str, int]] = MappingProxyType(
    {"Time [s]": 1_000, "Time": 1_000, "second": 1_000, "minute": 60_000}
)
"""Columns that hold the time, each with its unit in milliseconds."""


class CsvNumerics:
    """A source of the rows of a CSV file: every number in every row is a sample.

    Where the file holds no value the sample is invalid, reason `no_signal`. A composite
    (columns named `vital.component`) is a measurement now and then: a row without it
    gives no sample.
    """

    def __init__(
        self, path: Path, columns: Mapping[str, str] = MONITOR_COLUMNS
    ) -> None:
        """Read a recording.

        Args:
            path: a CSV file with a header and a time column (one of TIME_COLUMNS).
            columns: the vital, or `vital.component`, of each column that is used.

        Raises:
            RecordingError: file, header or time cannot be used; says where and why.
        """
        header, *rows = read_rows(path)
        used = {name: columns[name] for name in header if name in columns}
        if not used:
            raise RecordingError(
                f"{path} has none of the columns {', '.join(columns)}; "
                f"its header is: {', '.join(header)}"
            )
        if not rows:
            raise RecordingError(f"{path} has a header and no rows")
        times_ms = _times_ms(path, header, rows)
        self.vitals = tuple(dict.fromkeys(v.partition(".")[0] for v in used.values()))
        cells = [(header.index(name), vital) for name, vital in used.items()]
        self._samples = tuple(
            sample
            for at_ms, row in zip(times_ms, rows, strict=True)
            for sample in _samples(at_ms, row, cells)
        )

    def samples(self) -> Iterator[Sample]:
        """Yield what was recorded, in order, from the first row at 0 ms."""
        return iter(self._samples)


class BidmcNumerics(CsvNumerics):
    """The numerics of a BIDMC patient: HR, RESP and SpO2, once a second."""

    def __init__(self, path: Path) -> None:
        used = ("HR", "RESP", "SpO2")
        super().__init__(path, {name: MONITOR_COLUMNS[name] for name in used})


def _times_ms(path: Path, header: list[str], rows: list[list[str]]) -> list[int]:
    """Return the time of each row after the first one."""
    name = next((name for name in header if name in TIME_COLUMNS), None)
    if name is None:
        raise RecordingError(
            f"{path} has no time column; name one of {', '.join(TIME_COLUMNS)}"
        )
    column, unit_ms = header.index(name), TIME_COLUMNS[name]
    times = []
    for number, row in enumerate(rows, start=2):
        time = as_number(row[column]) if len(row) > column else None
        if time is None:
            raise RecordingError(f"{path}, row {number}: no time in column {name}")
        times.append(time)
    if any(after < before for before, after in pairwise(times)):
        raise RecordingError(f"{path}: the times of column {name} go back")
    return [round((time - times[0]) * unit_ms) for time in times]


def _samples(
    at_ms: int, row: list[str], cells: list[tuple[int, str]]
) -> Iterator[Sample]:
    composites: dict[str, dict[str, float | Lead]] = {}
    for column, name in cells:
        cell = row[column] if column < len(row) else ""
        vital, _, component = name.partition(".")
        sample = sample_of(at_ms, vital, cell)
        if not component:
            yield sample
        elif isinstance(sample.value, float):
            composites.setdefault(vital, {})[component] = sample.value
    for vital, parts in composites.items():
        yield Sample(at_ms, vital, parts)
