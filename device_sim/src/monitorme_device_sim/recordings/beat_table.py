"""An oximeter's table of pulse beats, as exported from a Contec CMS50: no header."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitorme_device_sim.recordings.failure import RecordingError
from monitorme_device_sim.recordings.rows import as_number, read_rows, sample_of
from monitorme_device_sim.source import Sample

COLUMNS: Final = 9
"""Interval (s), saturation (%), pulse rate (/min), three each of two pleth waves."""
NO_SATURATION: Final = 127


class BeatTable:
    """A source of one row a beat: saturation, and the pulse rate as heart rate.

    An oximeter alone knows the heart only by its pulse.
    """

    vitals = ("heart_rate", "oxygen_saturation")

    def __init__(self, path: Path) -> None:
        """Read a recording; raises RecordingError naming the row that is no beat."""
        self._samples: list[Sample] = []
        at_s = 0.0
        for number, row in enumerate(read_rows(path), start=1):
            interval_s = as_number(row[0]) if len(row) == COLUMNS else None
            if interval_s is None or interval_s < 0:
                raise RecordingError(f"{path}, row {number}: not a row of {COLUMNS}")
            at_s += interval_s
            self._samples += _samples(round(1_000 * at_s), row)

    def samples(self) -> Iterator[Sample]:
        """Yield what was recorded, in order, each sample at its beat."""
        return iter(self._samples)


def _samples(at_ms: int, row: list[str]) -> tuple[Sample, Sample]:
    saturation = "" if as_number(row[1]) == NO_SATURATION else row[1]
    return (
        sample_of(at_ms, "heart_rate", row[2]),
        sample_of(at_ms, "oxygen_saturation", saturation),
    )
