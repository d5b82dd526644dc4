"""The respiration of a recording, second by second."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from monitorme_analysis.recording.kinds import kind_of
from monitorme_analysis.recording.signal_table import read_signals
from monitorme_analysis.recording.wfdb_record import (
    Record,
    RecordError,
    RecordSignal,
    read_record,
)
from monitorme_analysis.respiration.monitor import Kind, RespirationMonitor, Second

_IMPEDANCE: Final = re.compile(r"RESP.*|IMP.*|RSP.*|THOR.*", re.IGNORECASE)


def read_waveforms(path: Path) -> Record:
    """Read a WFDB record (path without extension) or a table of samples (.csv)."""
    if path.suffix.lower() == ".csv":
        return read_signals(path)
    return read_record(path.with_suffix("") if path.suffix == ".hea" else path)


def respiration_of(record: Record) -> Iterator[Second]:
    """Yield what each second says; raises RecordError where nothing tells of breath."""
    kinds = {number: _kind(one) for number, one in enumerate(record.signals)}
    used = {number: kind for number, kind in kinds.items() if kind is not None}
    if not used:
        names = ", ".join(one.name for one in record.signals) or "none"
        raise RecordError(
            f"record {record.name} has no respiration, ECG or pleth; signals: {names}"
        )
    monitor = RespirationMonitor(
        record.rate_hz, {f"{n} {record.signals[n].name}": used[n] for n in used}
    )
    yield from monitor.feed(np.stack([record.signals[n].samples for n in used]))


def _kind(signal: RecordSignal) -> Kind | None:
    plain = RecordSignal(signal.name.strip(" ,"), signal.unit, signal.samples)
    if _IMPEDANCE.fullmatch(plain.name):
        return "impedance"
    match kind_of(plain):
        case "ecg":
            return "ecg"
        case "pleth" | "pressure":
            return "pulse"
        case _:
            return None
