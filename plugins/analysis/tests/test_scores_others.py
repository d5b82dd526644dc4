"""MEWS, the shock index and Bedside PEWS: their tables, and for whom they are."""

from dataclasses import replace

import pytest

from monitorme.contract.payloads import Category, Priority
from monitorme_analysis.scores.assessment import Assessment, Patient, assess
from monitorme_analysis.scores.bedside_pews import bedside_pews
from monitorme_analysis.scores.mews import mews
from monitorme_analysis.scores.news2 import Consciousness, News2Inputs
from monitorme_analysis.scores.shock_index import shock_index

ADULT = Patient(Category.ADULT, 60)
CHILD = Patient(Category.PAEDIATRIC, 6)
WELL = News2Inputs(
    respiratory_rate=13,
    saturation_percent=98,
    oxygen=False,
    systolic_mmhg=120,
    heart_rate=70,
    consciousness="A",
    temperature_cel=37.0,
)


def scores(patient: Patient, inputs: News2Inputs) -> dict[str, Assessment]:
    return {one.name: one for one in assess(patient, inputs, {}).scores}


# MEWS ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "points"),
    [
        (
            "systolic_mmhg",
            {70: 3, 71: 2, 80: 2, 81: 1, 100: 1, 101: 0, 199: 0, 200: 2},
        ),
        (
            "heart_rate",
            {
                40: 2,
                41: 1,
                50: 1,
                51: 0,
                100: 0,
                101: 1,
                110: 1,
                111: 2,
                129: 2,
                130: 3,
            },
        ),
        (
            "respiratory_rate",
            {8: 2, 9: 0, 14: 0, 15: 1, 20: 1, 21: 2, 29: 2, 30: 3},
        ),
        ("temperature_cel", {34.9: 2, 35.0: 0, 38.4: 0, 38.5: 2}),
    ],
)
def test_mews_has_the_points_of_its_table(name: str, points: dict[float, int]) -> None:
    found = {value: mews(replace(WELL, **{name: value})).total for value in points}
    assert found == points


@pytest.mark.parametrize(("level", "points"), [("A", 0), ("V", 1), ("P", 2), ("U", 3)])
def test_mews_counts_consciousness(level: Consciousness, points: int) -> None:
    assert mews(replace(WELL, consciousness=level)).total == points


def test_mews_without_consciousness_is_a_range() -> None:
    score = mews(replace(WELL, consciousness=None, heart_rate=105))
    assert (score.total, score.low, score.high) == (None, 1, 4)


# The shock index -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heart_rate", "systolic", "index"),
    [
        (60, 120, 0.5),
        (110, 100, 1.1),
        (None, 120, None),
        (60, None, None),
        (60, 0, None),
    ],
)
def test_the_shock_index_is_rate_over_pressure(
    heart_rate: float | None, systolic: float | None, index: float | None
) -> None:
    assert shock_index(heart_rate, systolic) == index


def test_a_shock_index_from_0_9_on_is_raised() -> None:
    assert scores(ADULT, replace(WELL, heart_rate=107))["shock_index"].priority is None
    raised = scores(ADULT, replace(WELL, heart_rate=108))["shock_index"]
    assert raised.text == "shock index 0.90, raised"
    assert raised.priority is Priority.MEDIUM


def test_a_shock_index_says_what_it_lacks() -> None:
    found = assess(ADULT, replace(WELL, systolic_mmhg=None), {})
    (index,) = [one for one in found.scores if one.name == "shock_index"]
    assert index.text == "shock index unknown (systolic pressure not given)"


# Bedside PEWS ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("years", "rates"),
    [
        (
            0.1,
            {
                80: 4,
                81: 2,
                90: 2,
                91: 1,
                110: 1,
                111: 0,
                149: 0,
                150: 1,
                180: 2,
                190: 4,
            },
        ),
        (0.5, {70: 4, 80: 2, 100: 1, 101: 0, 149: 0, 150: 1, 170: 2, 180: 4}),
        (2, {60: 4, 70: 2, 90: 1, 91: 0, 119: 0, 120: 1, 150: 2, 170: 4}),
        (6, {50: 4, 60: 2, 70: 1, 71: 0, 109: 0, 110: 1, 130: 2, 150: 4}),
        (15, {40: 4, 50: 2, 60: 1, 61: 0, 99: 0, 100: 1, 120: 2, 140: 4}),
    ],
)
def test_pews_has_the_heart_rates_of_each_age(
    years: float, rates: dict[float, int]
) -> None:
    found = {
        rate: bedside_pews(years, replace(WELL, heart_rate=rate)).parts[0].points
        for rate in rates
    }
    assert found == rates


@pytest.mark.parametrize(
    ("name", "part", "points"),
    [
        (
            "systolic_mmhg",
            1,
            {70: 4, 80: 2, 90: 1, 91: 0, 119: 0, 120: 1, 140: 2, 170: 4},
        ),
        (
            "respiratory_rate",
            3,
            {10: 4, 14: 2, 19: 1, 20: 0, 30: 0, 31: 1, 41: 2, 51: 4},
        ),
        ("saturation_percent", 5, {90: 2, 91: 1, 94: 1, 95: 0}),
    ],
)
def test_pews_has_the_other_numbers_of_a_schoolchild(
    name: str, part: int, points: dict[float, int]
) -> None:
    found = {
        value: bedside_pews(6, replace(WELL, **{name: value})).parts[part].points
        for value in points
    }
    assert found == points


def test_pews_reaches_26_and_is_always_a_range() -> None:
    worst = News2Inputs(80, 70, 1, True, 30, 250, "U", 41)
    score = bedside_pews(6, worst)
    assert (score.low, score.high) == (16, 26)
    assert [part.name for part in score.missing] == [
        "capillary refill",
        "respiratory effort",
        "amount of oxygen",
    ]


@pytest.mark.parametrize("years", [-0.1, 18, 40])
def test_pews_is_refused_for_anyone_but_children(years: float) -> None:
    with pytest.raises(ValueError, match="for children"):
        bedside_pews(years, WELL)


# For whom --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient", "names"),
    [
        (ADULT, {"news2", "mews", "shock_index"}),
        (Patient(Category.ADULT, None), {"news2", "mews", "shock_index"}),
        (Patient(Category.ADULT, 15.9), set()),
        (Patient(Category.ADULT, 30, pregnant=True), set()),
        (CHILD, {"bedside_pews"}),
        (Patient(Category.PAEDIATRIC, None), set()),
        (Patient(Category.PAEDIATRIC, 19), set()),
        (Patient(Category.NEONATE, 0.01), set()),
    ],
)
def test_each_score_is_for_some_and_says_why_not(
    patient: Patient, names: set[str]
) -> None:
    found = assess(patient, WELL, {})
    assert {one.name for one in found.scores} == names
    assert names | set(found.not_for) == {
        "news2",
        "mews",
        "shock_index",
        "bedside_pews",
    }
    assert all(found.not_for.values())


def test_an_incomplete_score_alarms_by_the_least_that_it_can_be() -> None:
    ill = replace(WELL, heart_rate=135, respiratory_rate=26, oxygen=None)
    one = scores(ADULT, ill)["news2"]
    assert (one.low, one.high, one.is_complete) == (6, 8, False)
    assert one.priority is Priority.MEDIUM
    assert one.alarm == (
        "NEWS2 at least 6 (to 8): urgent assessment within 1 h; oxygen not given"
    )


def test_a_child_with_eight_points_alarms() -> None:
    ill = replace(WELL, heart_rate=160, respiratory_rate=55)
    one = scores(CHILD, ill)["bedside_pews"]
    assert one.low == 9  # the pressure of an adult is one more
    assert one.priority is Priority.HIGH
    assert "call a doctor" in one.alarm
