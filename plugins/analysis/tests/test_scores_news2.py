"""NEWS2: the chart, what is missing, the response, and the table that it is proved on."""

import csv
import io
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.payloads import Priority
from monitorme.testing import needs
from monitorme_analysis.commands import analysis
from monitorme_analysis.scores.bands import Bands
from monitorme_analysis.scores.news2 import News2Inputs, has_red_part, news2
from monitorme_analysis.scores.response import response
from monitorme_analysis.validation.news2 import FILE, compare, report

WELL = News2Inputs(
    respiratory_rate=16,
    saturation_percent=97,
    oxygen=False,
    systolic_mmhg=120,
    heart_rate=70,
    consciousness="A",
    temperature_cel=37.0,
)
HEADER = "rr,spo2,spo2_scale,on_oxygen,sbp,hr,acvpu,temp_c"


def ask(path: Path) -> Result:
    return CliRunner().invoke(analysis, ["news2", str(path)])


def written(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "in.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def printed(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


# The chart -------------------------------------------------------------------------------


def test_somebody_well_scores_nothing() -> None:
    score = news2(WELL)
    assert score.total == 0
    assert [part.points for part in score.parts] == [0] * 7
    assert response(score).observe == "every 12 h"


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"respiratory_rate": 8}, 3),
        ({"respiratory_rate": 8.4}, 3),
        ({"respiratory_rate": 8.5}, 1),
        ({"respiratory_rate": 24.6}, 3),
        ({"temperature_cel": 35.04}, 3),
        ({"temperature_cel": 36.05}, 0),
        ({"temperature_cel": 38.05}, 1),
        ({"temperature_cel": 39.1}, 2),
        ({"systolic_mmhg": 219}, 0),
        ({"systolic_mmhg": 220}, 3),
        ({"heart_rate": 131}, 3),
        ({"consciousness": "C"}, 3),
        ({"oxygen": True}, 2),
        ({"scale": 2, "saturation_percent": 97}, 0),
        ({"scale": 2, "saturation_percent": 97, "oxygen": True}, 5),
        ({"scale": 2, "saturation_percent": 92, "oxygen": True}, 2),
        ({"scale": 2, "saturation_percent": 83}, 3),
    ],
)
def test_values_between_printed_numbers_count_as_the_nearer(
    change: dict[str, Any], points: int
) -> None:
    assert news2(replace(WELL, **change)).total == points


@given(st.floats(20, 45), st.floats(20, 45))
def test_a_row_of_rising_points_never_falls(one: float, other: float) -> None:
    row = Bands((35.0, 36.0, 38.0), (0, 1, 2, 3), step=0.1)
    low, high = sorted((one, other))
    assert row.points_of(low) <= row.points_of(high)


def test_a_row_without_a_band_for_each_top_is_refused() -> None:
    with pytest.raises(ValueError, match="one band more"):
        Bands((1, 2), (0, 1))


# What is missing -------------------------------------------------------------------------


def test_an_incomplete_score_says_what_is_missing_and_what_it_can_be() -> None:
    inputs = replace(WELL, oxygen=None, consciousness=None, respiratory_rate=22)
    score = news2(inputs, {"oxygen": "entered 9 h ago"})
    assert score.total is None
    assert (score.low, score.high) == (2, 7)
    assert score.text() == (
        "NEWS2 2 to 7 (oxygen entered 9 h ago, consciousness not given)"
    )


inputs = st.builds(
    News2Inputs,
    respiratory_rate=st.floats(0, 60),
    saturation_percent=st.floats(50, 100),
    scale=st.sampled_from([1, 2]),
    oxygen=st.booleans(),
    systolic_mmhg=st.floats(30, 300),
    heart_rate=st.floats(0, 250),
    consciousness=st.sampled_from(["A", "C", "V", "P", "U"]),
    temperature_cel=st.floats(30, 42),
)
names = [field.name for field in fields(News2Inputs) if field.name != "scale"]


@given(inputs, st.sets(st.sampled_from(names), min_size=1))
def test_the_range_of_an_incomplete_score_holds_the_complete_one(
    known: News2Inputs, hidden: set[str]
) -> None:
    complete = news2(known)
    incomplete = news2(replace(known, **dict.fromkeys(hidden)))
    assert complete.total is not None
    assert incomplete.total is None
    assert incomplete.low <= complete.total <= incomplete.high
    assert len(incomplete.missing) == len(hidden)


@given(inputs)
def test_what_is_missing_can_only_raise_the_response(known: News2Inputs) -> None:
    order = [None, Priority.MEDIUM, Priority.HIGH]
    complete = response(news2(known)).priority
    for name in names:
        guarded = response(news2(replace(known, **{name: None}))).priority
        assert order.index(guarded) <= order.index(complete)


# The response ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "name", "priority"),
    [
        ({"heart_rate": 95}, "low", None),
        ({"heart_rate": 140}, "urgent on the ward", Priority.MEDIUM),
        ({"heart_rate": 140, "oxygen": True}, "urgent", Priority.MEDIUM),
        ({"heart_rate": 120, "oxygen": True}, "low", None),
        (
            {"heart_rate": 120, "oxygen": True, "respiratory_rate": 26},
            "emergency",
            Priority.HIGH,
        ),
    ],
)
def test_the_response_is_that_of_the_chart(
    change: dict[str, Any], name: str, priority: Priority | None
) -> None:
    answer = response(news2(replace(WELL, **change)))
    assert (answer.name, answer.priority) == (name, priority)


def test_confusion_alone_is_red() -> None:
    assert has_red_part(news2(replace(WELL, consciousness="C")))


# The command -----------------------------------------------------------------------------


def test_a_table_comes_back_with_its_points(tmp_path: Path) -> None:
    result = ask(written(tmp_path, "25,93,2,True,219,51,V,38.0"))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        HEADER + ",s_rr,s_spo2,s_o2,s_sbp,s_hr,s_acvpu,s_temp,total,any_param_3",
        "25,93,2,True,219,51,V,38.0,3,1,2,0,0,3,0,9,1",
    ]


def test_a_bad_row_is_named_and_stops_no_other(tmp_path: Path) -> None:
    bad = ["16,nan,1,no,120,70,A,37", "16,97,3,no,120,70,A,37", "16,97,1"]
    bad += ["16,97,1,maybe,120,70,A,37", "16,97,1,no,120,70,X,37"]
    bad += ["16,97,1,no,120,70,A,98.6", "16,-100,1,no,120,70,A,37", "1,2,3,4,5,6,7,8,9"]
    good = "16,97,1,no,120,70,A,37"
    result = ask(written(tmp_path, *bad, good))
    assert result.exit_code == 1
    assert [row["total"] for row in printed(result)] == ["0"]
    for number in range(len(bad)):
        assert f"line {number + 2}: " in result.stderr
    assert "temp_c is '98.6'; write a number from 20 to 45" in result.stderr
    assert "8 lines were left out" in result.stderr


def test_a_row_with_an_empty_field_has_no_total_but_a_range(tmp_path: Path) -> None:
    result = ask(written(tmp_path, "16,97,1,,120,70,A,37", ",97,1,no,120,70,A,37"))
    assert result.exit_code == 0
    first, second = printed(result)
    assert (first["s_o2"], first["total"], first["any_param_3"]) == ("", "", "0")
    assert (second["s_rr"], second["total"], second["any_param_3"]) == ("", "", "")
    assert "line 2: incomplete, 0 to 2: oxygen not given" in result.stderr


def test_columns_may_come_in_any_order_with_others_between(tmp_path: Path) -> None:
    header = "id, temp_c, rr, spo2, spo2_scale, on_oxygen, sbp, hr, acvpu"
    result = ask(written(tmp_path, "7,39.5,16,97,1,False,120,70,A", header=header))
    assert printed(result)[0]["s_temp"] == "2"


@pytest.mark.parametrize("text", ["", "rr,spo2\n1,2\n"])
def test_a_table_without_a_column_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "in.csv"
    path.write_text(text, encoding="utf-8")
    result = ask(path)
    assert result.exit_code == 1
    assert "temp_c" in result.stderr
    assert result.stdout == ""


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    result = ask(tmp_path / "none.csv")
    assert result.exit_code == 1
    assert "cannot read" in result.stderr


# The vectors -----------------------------------------------------------------------------


@pytest.mark.data
def test_all_vectors_agree_in_every_part() -> None:
    found = compare(needs.data("news2") / FILE.name)
    assert found.count >= 145
    assert not found.refused
    assert len(found.agreeing) == 9
    assert set(found.agreeing.values()) == {found.count}


@pytest.mark.data
def test_what_is_printed_of_the_vectors_is_the_vectors() -> None:
    path = needs.data("news2") / FILE.name
    assert ask(path).stdout_bytes == path.read_bytes()


@pytest.mark.data
def test_the_document_has_the_figures_of_the_vectors() -> None:
    assert "| total | 145 of 145 |" in report(needs.data("news2").parent)
