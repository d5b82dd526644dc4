"""`monitorme history`: readable for people, exact for programs, clear when it fails."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitorme.contract.readings import Reading, ReadingValue
from monitorme.contract.topics import AdmissionTopic, BedId, VitalTopic
from monitorme.errors import MonitorMeError
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.history_commands import history
from monitorme_recorder.plugin import Recorder
from monitorme_recorder.terminal.plot import GAP, Column, plot
from monitorme_recorder.terminal.times import spoken

BED = BedId("ward-a", "bed-01")


def send(
    run: PluginRun, seq: int, value: ReadingValue, at_ms: int, vital: str = "heart_rate"
) -> None:
    quality = "invalid" if value is None else "good"
    reason = "lead_off" if value is None else None
    reading = Reading("d-1", "b1", seq, at_ms, value, quality, reason)  # type: ignore[arg-type]  # a literal
    run.now_ms = at_ms
    run.send(VitalTopic(BED, vital), reading.to_json())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve twenty minutes of a patient, five of them with a lead off."""
    end_ms = wall_clock_ms()
    begin_ms = end_ms - 1_200_000
    folder = tmp_path_factory.mktemp("recorder")
    run = PluginRun(Recorder, folder, config=RecorderConfig(port=0), now_ms=begin_ms)
    admission = {
        **{"admission": "s-1", "patient": "anna", "name": "Anna", "mrn": "47/11"},
        **{"category": "adult", "admitted_ms": begin_ms, "since_ms": begin_ms},
    }
    run.send(AdmissionTopic(BED), json.dumps(admission).encode())
    for seq in range(1, 1_200):
        is_off = 600 <= seq < 900
        send(run, seq, None if is_off else 60.0 + seq % 30, begin_ms + seq * 1_000)
    send(run, 1_200, "asleep", end_ms, "sleep_state")
    send(run, 1_201, {"systolic": 121.0, "diastolic": 79.0}, end_ms, "blood_pressure")  # type: ignore[arg-type]  # numbers
    yield run.context.endpoints["history"]
    run.stop()


def ask(url: str, *arguments: str, width: str = "80") -> Result:
    runner = CliRunner(env={"COLUMNS": width, "TERM": "dumb"})
    return runner.invoke(history, [*arguments, "--url", url])


def test_a_bed_is_summed_up_in_a_line_a_vital(url: str) -> None:
    answer = ask(url, "bed-01", "--last", "30min")
    assert answer.exit_code == 0
    (line,) = (one for one in answer.output.splitlines() if "heart rate" in one)
    assert line.split()[-7:] == ["899", "60", "75", "89", "2", "10", "min"]
    assert "nothing of" in answer.output
    assert "\x1b" not in answer.output


def test_one_vital_is_told_through_time_with_its_gap(url: str) -> None:
    answer = ask(url, "bed-01", "--vital", "heart_rate", "--last", "20min")
    assert "heart rate (/min)" in answer.output
    assert "5 min: lead off" in answer.output


def test_a_patient_is_found_by_record_number_and_by_id(url: str) -> None:
    for named in ("47/11", "anna"):
        answer = ask(url, "--patient", named, "--last", "30min")
        assert answer.exit_code == 0
        assert "patient anna" in answer.output


@pytest.mark.parametrize("width", ["60", "100"])
def test_a_plot_is_as_wide_as_the_terminal(url: str, width: str) -> None:
    command = ("bed-01", "--vital", "heart_rate", "--plot", "--last", "20min")
    lines = ask(url, *command, width=width).output.splitlines()
    drawn = [line for line in lines if "│" in line]
    assert len(drawn) == 10
    assert {len(line) for line in drawn} == {int(width)}
    assert all(GAP in line for line in drawn)


def test_csv_and_json_are_for_programs(url: str) -> None:
    common = ("bed-01", "--vital", "heart_rate", "--last", "30min")
    rows = list(csv.DictReader(io.StringIO(ask(url, *common, "--csv").output)))
    objects = json.loads(ask(url, *common, "--json").output)
    assert len(rows) == len(objects) == 1_199
    assert [float(row["number"]) for row in rows if row["number"]] == [
        one["number"] for one in objects if "number" in one
    ]


def test_a_state_is_told_by_its_changes(url: str) -> None:
    assert "asleep" in ask(url, "bed-01", "--vital", "sleep_state").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a BED"),
        (["bed-01", "--patient", "anna"], "not both"),
        (["bed-01", "--last", "6x"], "6h"),
        (["bed-01", "--from", "yesterday"], "14:30"),
        (["bed-01", "--csv", "--json"], "not both"),
        (["bed-01", "--from", "2026-01-02", "--to", "2026-01-01"], "begins after"),
    ],
)
def test_what_makes_no_sense_is_said(url: str, arguments: list[str], said: str) -> None:
    answer = ask(url, *arguments)
    assert answer.exit_code == 2
    assert said in answer.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bed-01", "--vital", "phlogiston"], "there are heart_rate"),
        (["--patient", "nobody"], "no patient 'nobody'"),
    ],
)
def test_what_is_not_known_is_said(url: str, arguments: list[str], said: str) -> None:
    with pytest.raises(MonitorMeError, match=said):
        CliRunner().invoke(history, [*arguments, "--url", url], catch_exceptions=False)


def test_no_recorder_is_said_with_what_to_do(tmp_path: Path) -> None:
    arguments = ["bed-01", "--data", str(tmp_path)]
    with pytest.raises(MonitorMeError, match="monitorme up"):
        CliRunner().invoke(history, arguments, catch_exceptions=False)
    arguments = ["bed-01", "--url", "http://127.0.0.1:9"]
    with pytest.raises(MonitorMeError, match="no answer from the recorder"):
        CliRunner().invoke(history, arguments, catch_exceptions=False)


def test_dots_reach_from_the_lowest_to_the_highest() -> None:
    columns = [Column(0.0, 0.0, False), Column(7.0, 7.0, False)]
    assert plot(columns, 2) == ["\u2808", "\u2840"]
    both = [Column(0.0, 7.0, False), Column(0.0, 7.0, False)]
    assert plot(both, 2) == ["\u28ff", "\u28ff"]


def test_a_gap_is_shaded_from_top_to_bottom() -> None:
    gap = [Column(None, None, True)] * 2
    assert plot([*gap, Column(1.0, 2.0, False)], 3) == [
        f"{GAP}\u2847",
        f"{GAP}\u2847",
        f"{GAP}\u2847",
    ]


def test_spans_are_spoken() -> None:
    assert [spoken(ms) for ms in (5_000, 600_000, 9_000_000)] == [
        "5 s",
        "10 min",
        "2.5 h",
    ]
