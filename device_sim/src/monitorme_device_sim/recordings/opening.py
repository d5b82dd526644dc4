"""Opens a recording, whatever it is."""

from pathlib import Path

from monitorme_device_sim.recordings.beat_table import COLUMNS, BeatTable
from monitorme_device_sim.recordings.failure import RecordingError
from monitorme_device_sim.recordings.numerics import CsvNumerics
from monitorme_device_sim.recordings.rows import as_number, read_rows
from monitorme_device_sim.recordings.wfdb_record import WfdbRecord
from monitorme_device_sim.source import Source


def open_recording(path: Path) -> Source:
    """Return the source of a recording, chosen by what it is.

    A `.csv` file is a monitor's numerics or an oximeter's beats; a `.hea` file, or a
    name beside which one lies, is a WFDB record.

    Raises:
        RecordingError: nothing is there, it cannot be read, or it is none of these.
    """
    if path.suffix.lower() == ".csv" and path.exists():
        return _open_table(path)
    if _header_of(path).is_file():
        return WfdbRecord(_header_of(path))
    if path.is_dir():
        raise RecordingError(f"{path} is a folder; name one recording in it")
    if not path.exists():
        raise RecordingError(f"there is no recording {path}")
    raise RecordingError(
        f"{path} is no recording that is known here: a .csv of numerics or beats, "
        "or a WFDB record (.hea beside its signals)"
    )


def _open_table(path: Path) -> Source:
    first = read_rows(path)[0]
    if len(first) == COLUMNS and all(as_number(cell) is not None for cell in first):
        return BeatTable(path)
    return CsvNumerics(path)


def _header_of(path: Path) -> Path:
    """Return where the WFDB header of a record lies, named by any of its files."""
    if path.suffix in (".hea", ".dat", ".mat", ".atr"):
        return path.with_suffix(".hea")
    return path.with_name(f"{path.name}.hea")
