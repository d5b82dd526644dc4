"""Recordings are replayed as they were measured; what is no value is never a number."""

import csv
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import pytest

from monitorme.contract.readings import Lead, check_kind
from monitorme.contract.vitals import Catalogue
from monitorme.errors import MonitorMeError
from monitorme.testing import needs
from monitorme_device_sim.recordings import (
    BeatTable,
    BidmcNumerics,
    CsvNumerics,
    RecordingError,
    WfdbRecord,
    open_recording,
)
from monitorme_device_sim.source import Sample

CATALOGUE = Catalogue.load()


def write(folder: Path, text: str, name: str = "numerics.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def samples(path: Path) -> list[Sample]:
    return list(open_recording(path).samples())


def leads(sample: Sample) -> dict[str, Lead]:
    assert isinstance(sample.value, dict)
    return {n: lead for n, lead in sample.value.items() if isinstance(lead, Lead)}


def beats_marked_in(annotations: Path) -> int:
    """Count beats in MIT's annotation format, read here without wfdb.

    Each mark is 16 bits, little end first: a code above, time since the last one below.
    """
    beat_codes = {*range(1, 14), 25, 30, 34, 35, 38, 41}
    skip, note = 59, 63
    data, at, beats = annotations.read_bytes(), 0, 0
    while word := int.from_bytes(data[at : at + 2], "little"):
        code, low = word >> 10, word & 0x3FF
        beats += code in beat_codes
        at += 2 + (4 if code == skip else low + low % 2 if code == note else 0)
    return beats


def test_every_number_of_every_row_is_a_sample(tmp_path: Path) -> None:
    path = write(
        tmp_path, "Time [s], HR, PULSE, RESP, SpO2\n0,94,93,25,97\n1,95,93,26,98\n"
    )
    assert samples(path) == [
        Sample(0, "heart_rate", 94.0),
        Sample(0, "respiratory_rate", 25.0),
        Sample(0, "oxygen_saturation", 97.0),
        Sample(1_000, "heart_rate", 95.0),
        Sample(1_000, "respiratory_rate", 26.0),
        Sample(1_000, "oxygen_saturation", 98.0),
    ]


@pytest.mark.parametrize(
    "cell", ["", "0", "0.0", "NaN", "nan", "-1", "-100", "---", "inf", " "]
)
def test_no_value_is_invalid_and_never_a_number(cell: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"Time [s],HR\n0,{cell}\n1,80\n")
    assert samples(path) == [
        Sample(0, "heart_rate", None, "invalid", "no_signal"),
        Sample(1_000, "heart_rate", 80.0),
    ]


def test_a_row_cut_short_has_no_values(tmp_path: Path) -> None:
    path = write(tmp_path, "Time [s],HR,SpO2\n0,80,97\n1,8")
    assert samples(path)[2:] == [
        Sample(1_000, "heart_rate", 8.0),
        Sample(1_000, "oxygen_saturation", None, "invalid", "no_signal"),
    ]


def test_time_counts_from_the_first_row(tmp_path: Path) -> None:
    path = write(tmp_path, "Time [s],HR\n-1,80\n0,81\n2,82\n")
    assert [sample.at_ms for sample in samples(path)] == [0, 1_000, 3_000]


def test_a_pressure_is_a_sample_only_when_it_was_measured(tmp_path: Path) -> None:
    path = write(tmp_path, "minute,NBPSys,NBPDias,NBPMean\n0,,,\n1,87,46,62\n2,0,,\n")
    parts = {"systolic": 87.0, "diastolic": 46.0, "mean": 62.0}
    assert samples(path) == [Sample(60_000, "blood_pressure", parts)]


def test_columns_can_be_named_for_any_monitor(tmp_path: Path) -> None:
    path = write(tmp_path, "second,puls\n0,80\n")
    source = CsvNumerics(path, {"puls": "heart_rate"})
    assert list(source.samples()) == [Sample(0, "heart_rate", 80.0)]
    assert source.vitals == ("heart_rate",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("Time [s],HR\n", "no rows"),
        ("a,b\n1,2\n", "none of the columns HR"),
        ("HR\n80\n", "no time column"),
        ("Time [s],HR\n0,80\nx,81\n", "row 3: no time"),
        ("Time [s],HR\n1,80\n0,81\n", "go back"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_place(
    text: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(RecordingError, match=complaint) as refusal:
        open_recording(write(tmp_path, text))
    assert "numerics.csv" in str(refusal.value)
    assert isinstance(refusal.value, MonitorMeError)


def test_what_is_missing_or_unknown_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no recording"):
        open_recording(tmp_path / "nothing.csv")
    with pytest.raises(RecordingError, match="is a folder"):
        open_recording(tmp_path)
    with pytest.raises(RecordingError, match="no recording that is known"):
        open_recording(write(tmp_path, "hello", "letter.txt"))
    (tmp_path / "noise.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RecordingError, match="not a CSV file"):
        open_recording(tmp_path / "noise.csv")


def test_an_oximeters_beats_come_at_their_beats(tmp_path: Path) -> None:
    path = write(
        tmp_path, "0.0,97,66,80,43,0,27,20,16\n0.9,127,67,68,42,27,24,20,19\n", "b.csv"
    )
    assert isinstance(open_recording(path), BeatTable)
    assert samples(path) == [
        Sample(0, "heart_rate", 66.0),
        Sample(0, "oxygen_saturation", 97.0),
        Sample(900, "heart_rate", 67.0),
        Sample(900, "oxygen_saturation", None, "invalid", "no_signal"),
    ]


def test_without_wfdb_a_record_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "wfdb", None)
    path = write(tmp_path, "r 1 250 0\n", "r.hea")
    with pytest.raises(RecordingError, match=r"monitorme-device-sim\[recordings\]"):
        open_recording(path)


@pytest.mark.parametrize(
    "header", ["", "garbage \x00 here\n", "r 1 250 10\nr.dat 16\n"]
)
def test_a_damaged_record_is_refused_by_name(header: str, tmp_path: Path) -> None:
    pytest.importorskip("wfdb", reason="the recordings extra is not installed")
    with pytest.raises(RecordingError, match="the WFDB record"):
        open_recording(write(tmp_path, header, "r.hea"))


@pytest.mark.data
def test_all_of_bidmc_is_replayed_number_by_number() -> None:
    """Each file's cells, read here on their own, are the samples and nothing else."""
    columns = {"HR": "heart_rate", "RESP": "respiratory_rate"}
    columns["SpO2"] = "oxygen_saturation"
    paths = sorted(needs.data("bidmc").glob("*_Numerics.csv"))
    assert paths
    for path in paths:
        expected: Counter[tuple[str, str]] = Counter()
        with path.open(newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                for column, vital in columns.items():
                    number = float(row[column])
                    expected[vital, f"{number if number > 0 else None}"] += 1
        source = BidmcNumerics(path)
        got = Counter((s.vital, f"{s.value}") for s in source.samples())
        assert got == expected
        times = [s.at_ms for s in source.samples()]
        assert (times[0], times[-1]) == (0, 480_000)


@pytest.mark.data
def test_a_day_of_minute_numerics_keeps_its_sparse_pressures() -> None:
    path = needs.data("mimic2_numerics") / "s00001-2896-10-10-00-31n.csv"
    replayed = samples(path)
    assert replayed[-1].at_ms == 1_935 * 60_000
    for sample in replayed:
        check_kind(sample.value, CATALOGUE[sample.vital])
        assert sample.value != 0


@pytest.mark.data
def test_a_night_of_an_oximeter_is_replayed() -> None:
    (path,) = needs.data("cms50").glob("*.csv")
    replayed = samples(path)
    saturations = [s.value for s in replayed if s.vital == "oxygen_saturation"]
    known = [value for value in saturations if isinstance(value, float)]
    assert 80 <= min(known) < 88
    assert max(known) <= 100
    assert len(replayed) == 2 * len(path.read_text().splitlines())
    assert replayed[-1].at_ms / 3_600_000 == pytest.approx(8.8, abs=0.1)


@pytest.mark.data
def test_an_ecg_record_keeps_its_rate_scale_and_every_sample() -> None:
    """Both leads of record 100, against WFDB's own conversion to millivolts."""
    wfdb = pytest.importorskip("wfdb", reason="the recordings extra is not installed")
    record = needs.data("mitdb") / "100"
    blocks = [s for s in open_recording(record).samples() if s.vital == "ecg"]
    assert len(blocks) == 1_805
    theirs = wfdb.rdrecord(str(record), sampto=360 * 10).p_signal
    for second, block in enumerate(blocks[:10]):
        check_kind(block.value, CATALOGUE["ecg"])
        assert list(leads(block)) == ["MLII", "V5"]
        for number, lead in enumerate(leads(block).values()):
            assert (lead.rate_hz, lead.unit, len(lead.samples)) == (360.0, "mV", 360)
            ours = [lead.offset + lead.scale * sample for sample in lead.samples]
            expected = theirs[360 * second : 360 * (second + 1), number]
            assert ours == pytest.approx(list(expected), abs=1e-9)


@pytest.mark.data
def test_one_lead_can_be_chosen_and_an_absent_one_is_refused() -> None:
    pytest.importorskip("wfdb", reason="the recordings extra is not installed")
    record = needs.data("mitdb") / "100"
    first = next(s for s in WfdbRecord(record, "V5").samples() if s.vital == "ecg")
    assert list(leads(first)) == ["V5"]
    with pytest.raises(RecordingError, match="its ECG leads: MLII, V5"):
        WfdbRecord(record, "aVF")


@pytest.mark.data
@pytest.mark.parametrize("name", ["100", "106", "119", "200", "208", "232"])
def test_heart_rate_is_that_of_the_marked_beats(name: str) -> None:
    """Marks such as rhythm changes, noise and comments are no beats."""
    pytest.importorskip("wfdb", reason="the recordings extra is not installed")
    path = needs.data("mitdb") / name
    record = WfdbRecord(path)
    beats = beats_marked_in(path.with_suffix(".atr"))
    assert len(record.beats_ms) == beats
    rates = [s for s in record.samples() if s.vital == "heart_rate"]
    assert {b.at_ms - a.at_ms for a, b in pairwise(rates)} == {500}
    shown = [s.value for s in rates if isinstance(s.value, float)]
    assert fmean(shown) == pytest.approx(beats / 30.09, rel=0.08)


@pytest.mark.data
def test_a_long_pause_shows_as_no_beats() -> None:
    """Record 232 stands still for up to six seconds."""
    pytest.importorskip("wfdb", reason="the recordings extra is not installed")
    record = WfdbRecord(needs.data("mitdb") / "232")
    longest_ms = max(b - a for a, b in pairwise(record.beats_ms))
    assert longest_ms > 3_000
    assert 0.0 in [s.value for s in record.samples() if s.vital == "heart_rate"]


@pytest.mark.data
def test_icu_alarm_records_give_their_ecg_leads_alone() -> None:
    """A record without marked beats has no heart rate, and pleth is no ECG."""
    pytest.importorskip("wfdb", reason="the recordings extra is not installed")
    headers = sorted(needs.data("challenge2015").glob("*.hea"))
    assert len(headers) >= 10
    for header in headers:
        source = open_recording(header)
        assert source.vitals == ("ecg",)
        block = next(iter(source.samples()))
        assert block.value is None or not {"PLETH", "ABP", "RESP"} & set(leads(block))
