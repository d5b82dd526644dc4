"""What if: recordings through the rules, as a technician asks at the command line."""

import json
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.commands import analysis
from monitorme_analysis.limits import default_limits
from monitorme_analysis.replay.history import read_history
from monitorme_analysis.replay.recordings import read_recording
from monitorme_analysis.replay.report import Report, report
from monitorme_analysis.replay.rows import RecordingError, Row, read_csv
from monitorme_analysis.replay.run import Recording, Setting, replay

HEADER = "time_ms,bed,vital,value,quality"
KEYS = {"code", "bed", "from_ms", "to_ms", "worst", "detail"}


def ask(path: Path, *options: str) -> Result:
    return CliRunner().invoke(analysis, ["replay", str(path), *options])


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def written(folder: Path, *rows: str, name: str = "in.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return path


def saturation(
    values: Iterable[tuple[int, object]], bed: str = "ward-a/bed-01"
) -> list[str]:
    return [f"{at_s * 1000},{bed},oxygen_saturation,{v},good" for at_s, v in values]


FALLING = [(at_s, 85 if 60 <= at_s < 120 else 97) for at_s in range(0, 300, 5)]


# The lines that it prints ---------------------------------------------------------------


def test_a_condition_is_a_line_with_its_times_and_its_worst_value(
    tmp_path: Path,
) -> None:
    found = lines(ask(written(tmp_path, *saturation(FALLING))))
    low = [one for one in found if one["code"] == "oxygen_saturation_low"]
    assert all(set(one) == KEYS for one in found)
    assert [(one["bed"], one["from_ms"], one["worst"]) for one in low] == [
        ("ward-a/bed-01", 60_000, 85.0)
    ]
    assert 120_000 <= low[0]["to_ms"] <= 130_000
    assert "85" in low[0]["detail"]


def test_what_still_holds_at_the_end_has_no_end(tmp_path: Path) -> None:
    found = lines(
        ask(written(tmp_path, *saturation([(n, 85) for n in range(0, 60, 5)])))
    )
    assert [one["to_ms"] for one in found] == [None]


def test_each_bed_is_judged_by_itself(tmp_path: Path) -> None:
    well = saturation(((at_s, 97) for at_s, _ in FALLING), bed="b2")
    mixed = [
        row for pair in zip(saturation(FALLING), well, strict=True) for row in pair
    ]
    assert {one["bed"] for one in lines(ask(written(tmp_path, *mixed)))} == {
        "ward-a/bed-01"
    }


def test_rows_in_any_order_give_the_same(tmp_path: Path) -> None:
    rows = saturation(FALLING)
    ordered = lines(ask(written(tmp_path, *rows)))
    assert lines(ask(written(tmp_path, *rows[::-1]))) == ordered


@pytest.mark.parametrize("value", ["", "nan", "NaN", "---", "127", "-100", "0", "inf"])
def test_no_value_raises_nothing_about_the_patient(tmp_path: Path, value: str) -> None:
    rows = saturation([(at_s, value) for at_s in range(0, 120, 5)])
    found = lines(ask(written(tmp_path, *rows)))
    assert {one["code"] for one in found} == {"oxygen_saturation_invalid"}


def test_a_heart_rate_of_zero_is_no_value(tmp_path: Path) -> None:
    rows = [f"{n * 500},b,heart_rate,0,good" for n in range(100)]
    found = lines(ask(written(tmp_path, *rows)))
    assert {one["code"] for one in found} == {"heart_rate_invalid"}


def test_components_of_one_time_are_one_measurement(tmp_path: Path) -> None:
    parts = {"systolic": 210, "diastolic": 0, "mean": 120}
    rows = [f"1000,b,blood_pressure.{name},{n},good" for name, n in parts.items()]
    rows.append(
        '5000000,b,blood_pressure,"{""systolic"": 120, ""diastolic"": 70}",good'
    )
    found = lines(ask(written(tmp_path, *rows)))
    high = next(one for one in found if one["code"] == "blood_pressure_systolic_high")
    assert (high["from_ms"], high["to_ms"], high["worst"]) == (1_000, 5_000_000, 210.0)
    assert not any("diastolic" in one["code"] for one in found)


def test_bad_lines_are_named_counted_and_stop_nothing(tmp_path: Path) -> None:
    bad = [
        "x,b,heart_rate,60,good",
        "1,b,no_such,1,good",
        "1,b",
        "1,b,heart_rate,ok,good",
    ]
    bad += [
        "1,b,heart_rate,60,splendid",
        "1,,heart_rate,60,good",
        "1,b,sleep_state,up,",
    ]
    path = written(tmp_path, *bad, *saturation(FALLING))
    result = ask(path)
    assert any(one["code"] == "oxygen_saturation_low" for one in lines(result))
    said = result.stderr.splitlines()
    assert len(said) == 8
    assert said[0] == f"{path}, line 2: time_ms 'x' is no whole number"
    assert "no vital 'no_such'; there are heart_rate" in said[1]
    assert said[-1] == "7 lines were left out"


@pytest.mark.parametrize(
    ("odd", "refused"),
    [
        ("x,b,heart_rate,60,good", "time_ms 'x' is no whole number"),
        ("1,b,heart_rate,60", None),
        ("", None),
        ('1,"a ward, a bed",heart_rate,60,good', None),
        ('1,b,blood_pressure,"{""systolic"":\n120}",good', None),
        ("1,b,heart_rate,,good,,,", None),
    ],
)
def test_an_odd_line_far_down_is_read_by_itself_and_costs_no_other(
    tmp_path: Path, odd: str, refused: str | None
) -> None:
    good = [f"{n},b,heart_rate,{60 + n % 7}.5,good" for n in range(2_000)]
    path = written(tmp_path, *good[:1_203], odd, *good[1_203:], "?,b,heart_rate,1,")
    said: list[str] = []
    rows = list(read_csv(path, Catalogue.load(), said.append))
    values = [60 + n % 7 + 0.5 for n in range(2_000)]
    is_row = bool(odd) and refused is None
    there = slice(1_203, 1_203 + is_row)
    assert len(rows[there]) == is_row
    del rows[there]
    assert [(row.at_ms, row.value) for row in rows] == list(enumerate(values))
    named = [f"{path}, line 1205: {refused}"] if refused else []
    last = 2_003 + odd.count("\n")
    assert said == [*named, f"{path}, line {last}: time_ms '?' is no whole number"]


def test_what_cells_say_does_not_go_over_to_others(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "1,b,heart_rate,0,good",
        "2,b,body_temperature,0,good",
        "3,b,body_temperature,0,questionable",
        '4,b,blood_pressure,"{""systolic"": 120}",good',
        '5,b,blood_pressure,"{""systolic"": 120}",good',
    )
    rows = list(read_csv(path, Catalogue.load(), pytest.fail))
    assert [(row.value, row.quality) for row in rows[:3]] == [
        *((None, "invalid"), (0.0, "good"), (0.0, "questionable"))
    ]
    assert rows[3].value == rows[4].value
    assert rows[3].value is not rows[4].value


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\x00\x01\x02"])
def test_a_file_that_is_no_recording_is_refused_in_one_sentence(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecordingError, match=r"in\.csv"):
        list(read_recording(path, Catalogue.load(), print))


def test_a_recording_by_the_minute_is_not_stale_between_its_rows(
    tmp_path: Path,
) -> None:
    rows = [f"{n * 60_000},b,heart_rate,70,good" for n in range(30)]
    rows += [f"{n * 60_000},b,heart_rate,70,good" for n in range(60, 70)]
    found = lines(ask(written(tmp_path, *rows)))
    assert [one["code"] for one in found] == ["heart_rate_stale"]
    assert found[0]["to_ms"] == 60 * 60_000


@pytest.mark.parametrize(("samples", "alarms"), [(1, 0), (2, 1), (3, 1)])
def test_a_value_stands_until_the_next_one(
    tmp_path: Path, samples: int, alarms: int
) -> None:
    """Of a saturation that comes every five seconds, two low ones are ten seconds."""
    low = range(100, 100 + 5 * samples, 5)
    values = [(at_s, 85 if at_s in low else 97) for at_s in range(0, 200, 5)]
    found = lines(ask(written(tmp_path, *saturation(values))))
    assert sum(one["code"] == "oxygen_saturation_low" for one in found) == alarms


# Limits, and what they would have rung --------------------------------------------------

STRICT = """[adult.oxygen_saturation]
awake = { low = 98 }
"""


def test_given_limits_are_those_that_count(tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text(STRICT, encoding="utf-8")
    path = written(tmp_path, *saturation(FALLING))
    found = lines(ask(path, "--limits", str(limits)))
    low = [one for one in found if one["code"] == "oxygen_saturation_low"]
    assert [(one["from_ms"], one["to_ms"]) for one in low] == [(0, None)]


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ((), {"heart_rate_high"}),
        (("--age", "0.5"), set()),
        (("--age", "7"), {"heart_rate_high"}),
        (("--age", "0.01"), set()),
        (("--age", "40"), {"heart_rate_high"}),
        (("--age", "0.5", "--category", "adult"), {"heart_rate_high"}),
        (("--category", "paediatric"), set()),
    ],
)
def test_a_child_is_judged_by_its_age(
    tmp_path: Path, options: tuple[str, ...], codes: set[str]
) -> None:
    rows = [f"{second * 1_000},bed-1,heart_rate,145,good" for second in range(60)]
    found = lines(ask(written(tmp_path, *rows), *options))
    assert {one["code"] for one in found} == codes


def test_two_settings_stand_side_by_side(tmp_path: Path) -> None:
    limits = tmp_path / "loose.toml"
    limits.write_text(STRICT.replace("98", "80"), encoding="utf-8")
    path = written(tmp_path, *saturation(FALLING))
    result = ask(path, "--against", str(limits), "--json")
    first, second = json.loads(result.stdout)["settings"]
    codes = [{one["code"] for one in each["rules"]} for each in (first, second)]
    assert codes[0] - codes[1] == {"oxygen_saturation_low"}
    assert first["alarms"] == second["alarms"] + 1
    shown = ask(path, "--against", str(limits), "--report").stdout
    assert "(2) rings 50 % fewer than (1)" in shown


def test_rules_can_be_set_and_switched_off(tmp_path: Path) -> None:
    path = written(tmp_path, *saturation(FALLING))
    rules = tmp_path / "rules.toml"
    rules.write_text("[thresholds]\nenabled = false\n", encoding="utf-8")
    found = lines(ask(path, "--rules", str(rules)))
    assert {one["code"] for one in found} == {"oxygen_saturation_falling"}
    rules.write_text("[no_such]\n", encoding="utf-8")
    result = ask(path, "--rules", str(rules))
    assert "no rule 'no_such'; there are" in str(result.exception)


def test_the_report_says_how_many_rang_and_how_long(tmp_path: Path) -> None:
    twice = [(at_s + shift, v) for shift in (0, 3600) for at_s, v in FALLING]
    path = written(tmp_path, *saturation(twice))
    found = reported(read_csv(path, Catalogue.load(), print))
    low = next(one for one in found.rules if one.code == "oxygen_saturation_low")
    # Each dip lasts a minute: it rings 10 s after it began, and ends 5 s after it ended.
    assert (low.alarms, low.minutes, low.longest_s) == (2, pytest.approx(110 / 60), 55)
    assert sum(one.alarms for one in found.by_hour) == found.alarms
    assert found.by_bed[0].hours == pytest.approx(3895 / 3600)


def reported(rows: Iterable[Row]) -> Report:
    recording = Recording.of(Catalogue.load(), rows)
    return report("default", replay(recording, Setting("default", default_limits())))


@pytest.mark.parametrize("arguments", [[], ["--history", "http://localhost:1"]])
def test_without_a_source_it_says_what_to_name(arguments: list[str]) -> None:
    result = CliRunner().invoke(analysis, ["replay", *arguments])
    assert result.exit_code == 2
    assert "--history" in result.stderr


def test_what_a_recorder_holds_means_what_it_meant_live() -> None:
    kept = [{"at_ms": second * 1_000, "value": 0.0} for second in range(20)]

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_asked = "vital=heart_rate&" in self.path
            readings = [{**one, "quality": "good"} for one in kept if is_asked]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"readings": readings}).encode())

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        bed = BedId("ward-a", "bed-01")
        rows = list(read_history(url, bed, 0, 20_000, Catalogue.load()))
        server.shutdown()
    assert [row.value for row in rows] == [0.0] * 20
    rules = {rule.code for rule in reported(rows).rules}
    assert "heart_rate_low" in rules
