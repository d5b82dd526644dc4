"""Reading WFDB records: each format, and what is wrong with a file in words."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from monitorme_analysis.recording.beats import beats_of
from monitorme_analysis.recording.conditions import conditions_of
from monitorme_analysis.recording.wfdb_record import (
    Record,
    RecordError,
    RecordSignal,
    read_record,
)


def write(folder: Path, header: str, data: bytes) -> Path:
    (folder / "r.hea").write_text(header, encoding="utf-8")
    (folder / "r.dat").write_bytes(data)
    return folder / "r"


def test_format_16_behind_a_header_of_its_own(tmp_path: Path) -> None:
    samples = np.array([[1, -2], [300, -32768]], dtype="<i2")
    lines = ["100/mV 16 0 1 0 0 II", "10(5)/NU 16 0 0 0 0 PLETH"]
    header = "r 2 250 2\n" + "\n".join(f"r.dat 16+24 {line}" for line in lines)
    record = read_record(write(tmp_path, header, b"x" * 24 + samples.tobytes()))
    assert record.rate_hz == 250
    assert record.signals[0].samples.tolist() == [0.01, 3.0]
    assert record.signals[1].samples[0] == pytest.approx(-0.7)
    assert np.isnan(record.signals[1].samples[1])


def test_format_212_packs_two_samples_in_three_bytes(tmp_path: Path) -> None:
    first, second = 1000, -3 & 0xFFF
    data = bytes([first & 0xFF, first >> 8 | second >> 8 << 4, second & 0xFF])
    record = read_record(
        write(tmp_path, "r 2 360\nr.dat 212 200 11 1024\nr.dat 212 200 11 0", data)
    )
    assert record.signals[0].samples.tolist() == [(1000 - 1024) / 200]
    assert record.signals[1].samples.tolist() == [-3 / 200]


def test_format_80_is_offset_by_128(tmp_path: Path) -> None:
    record = read_record(write(tmp_path, "r 1 100\nr.dat 80 10", bytes([0, 128, 255])))
    assert np.isnan(record.signals[0].samples[0])
    assert record.signals[0].samples[1:].tolist() == [0.0, 12.7]


@pytest.mark.parametrize(
    ("header", "data", "words"),
    [
        ("r 1 250 9\nr.dat 16 200", b"\0\0" * 8, "cut short: 8 of 9"),
        ("r 1 250\nr.dat 61 200", b"", "format 61"),
        ("r/3 1 250\nr_0001 9", b"", "several segments"),
        ("r 2 250\nr.dat 16 200", b"", "names 2 signals and describes 1"),
        ("rubbish", b"", "not a WFDB header"),
        ("r 1 250\nother.dat 16 200", b"", r"cannot read .*other\.dat"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, header: str, data: bytes, words: str
) -> None:
    with pytest.raises(RecordError, match=words):
        read_record(write(tmp_path, header, data))


def test_a_missing_record_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"cannot read .*nope\.hea"):
        read_record(tmp_path / "nope")


@pytest.mark.parametrize("judge", [beats_of, conditions_of])
def test_a_record_of_too_few_samples_a_second_is_not_judged(
    judge: Callable[[Record], Iterator[object]],
) -> None:
    record = Record("slow", 2, (RecordSignal("II", "mV", np.zeros(100)),), ())
    with pytest.raises(RecordError, match="2 samples a second; beats are found in 50"):
        list(judge(record))
