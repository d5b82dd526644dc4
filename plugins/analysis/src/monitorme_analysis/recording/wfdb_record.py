"""Records in the form of PhysioNet's WFDB: a header and files of samples.

Read are the formats 8-bit (80), 12-bit pairs (212) and 16-bit (16), alone or behind a
fixed number of bytes (16+24, as in MATLAB files). Formats as described in "Signal files"
and "Header files" of the WFDB Applications Guide (physionet.org).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitorme.errors import MonitorMeError

_SIGNAL_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(-?\d+))?(?:\+(\d+))?")
_GAIN = re.compile(r"([-+0-9.eE]+)(?:\((-?\d+)\))?(?:/(\S+))?")
_DEFAULT_GAIN: Final = 200.0
_DEFAULT_RATE_HZ: Final = 250.0
_NO_VALUE: Final = {16: -32768, 80: -128, 212: -2048}


class RecordError(MonitorMeError):
    """A record cannot be read; the message says which file and why."""


@dataclass(frozen=True, slots=True)
class RecordSignal:
    """One signal of a record, in its unit; NaN where nothing was measured."""

    name: str
    unit: str
    samples: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was written: signals of one rate, and the header's comments."""

    name: str
    rate_hz: float
    signals: tuple[RecordSignal, ...]
    comments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """One signal line of a header."""

    file: str
    format: int
    skip_bytes: int
    gain: float
    baseline: int
    unit: str
    name: str


def read_record(path: Path) -> Record:
    """Read the record PATH (without extension); raises RecordError."""
    name, rate_hz, count, lines, comments = _read_header(
        path.with_name(path.name + ".hea")
    )
    signals: list[RecordSignal | None] = [None] * len(lines)
    for file in dict.fromkeys(line.file for line in lines):
        members = [index for index, line in enumerate(lines) if line.file == file]
        raw = _read_samples(path.parent / file, [lines[i] for i in members], count)
        for column, index in enumerate(members):
            signals[index] = _in_unit(lines[index], raw[:, column])
    read = tuple(signal for signal in signals if signal is not None)
    return Record(name, rate_hz, read, comments)


def _read_header(
    path: Path,
) -> tuple[str, float, int | None, list[_Line], tuple[str, ...]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RecordError(
            f"cannot read {path}: {error.strerror}; name a record by its path "
            "without extension"
        ) from error
    rows = [row.strip() for row in text.splitlines() if row.strip()]
    comments = tuple(row.lstrip("# ") for row in rows if row.startswith("#"))
    rows = [row for row in rows if not row.startswith("#")]
    try:
        fields = rows[0].split()
        if "/" in fields[0]:
            raise RecordError(f"{path}: records of several segments are not read")
        rate = re.split(r"[/(]", fields[2])[0] if len(fields) > 2 else ""
        rate_hz = float(rate or _DEFAULT_RATE_HZ)
        count = int(fields[3]) if len(fields) > 3 and int(fields[3]) > 0 else None
        lines = [_parse_line(path, row) for row in rows[1 : 1 + int(fields[1])]]
    except (IndexError, ValueError) as error:
        raise RecordError(f"{path} is not a WFDB header: {error}") from error
    if len(lines) < int(fields[1]) or not rate_hz > 0:
        raise RecordError(
            f"{path} names {fields[1]} signals and describes {len(lines)}"
        )
    return fields[0], rate_hz, count, lines, comments


def _parse_line(path: Path, row: str) -> _Line:
    fields = row.split(maxsplit=8)
    described = _SIGNAL_FORMAT.fullmatch(fields[1])
    gain = _GAIN.fullmatch(fields[2]) if len(fields) > 2 else None
    if described is None or int(described[1]) not in _NO_VALUE:
        raise RecordError(
            f"{path}: format {fields[1]} is not read, only 16, 80 and 212"
        )
    if described[2] not in (None, "1"):
        raise RecordError(f"{path}: several samples a frame are not read")
    zero = int(fields[4]) if len(fields) > 4 else 0
    has_baseline = gain is not None and gain[2] is not None
    return _Line(
        file=fields[0],
        format=int(described[1]),
        skip_bytes=int(described[4] or 0),
        gain=(float(gain[1]) if gain else 0.0) or _DEFAULT_GAIN,
        baseline=int(gain[2]) if gain and has_baseline else zero,
        unit=(gain[3] if gain else None) or "mV",
        name=fields[8] if len(fields) > 8 else fields[0],
    )


def _read_samples(
    path: Path, lines: list[_Line], count: int | None
) -> NDArray[np.int64]:
    """Return the samples of one file, a column for each of its signals."""
    line = lines[0]
    if any((o.format, o.skip_bytes) != (line.format, line.skip_bytes) for o in lines):
        raise RecordError(f"{path}: signals of one file differ in format")
    try:
        data = path.read_bytes()[line.skip_bytes :]
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    flat = _unpack(data, line.format)
    frames = len(flat) // len(lines)
    if count is not None and frames < count:
        raise RecordError(
            f"{path} is cut short: {frames} of {count} samples of each signal"
        )
    kept = frames if count is None else count
    return flat[: kept * len(lines)].reshape(kept, len(lines))


def _unpack(data: bytes, form: int) -> NDArray[np.int64]:
    if form == 16:
        return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.int64)
    raw = np.frombuffer(data, dtype=np.uint8).astype(np.int64)
    if form == 80:
        return raw - 128
    # 212: three bytes are two samples of twelve bits; the middle byte has the high nibbles.
    groups = raw[: len(raw) // 3 * 3].reshape(-1, 3)
    first = groups[:, 0] | (groups[:, 1] & 0x0F) << 8
    second = groups[:, 2] | (groups[:, 1] & 0xF0) << 4
    pairs = np.stack([first, second], axis=1).reshape(-1)
    return np.where(pairs > 2047, pairs - 4096, pairs)


def _in_unit(line: _Line, raw: NDArray[np.int64]) -> RecordSignal:
    samples = (raw - line.baseline) / line.gain
    samples[raw == _NO_VALUE[line.format]] = np.nan
    return RecordSignal(line.name, line.unit, samples)
