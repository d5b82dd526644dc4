"""Limits of a patient, and what staff enter: set by request, audited, bound to the stay."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitorme.contract.payloads import (
    Category,
    Condition,
    Event,
    LimitsInForce,
    decode,
)
from monitorme.contract.readings import Reading
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ConditionTopic,
    EventTopic,
    LimitsTopic,
    VitalTopic,
)
from monitorme.testing import Bedside, PluginRun
from monitorme_analysis.commands.limits import medians
from monitorme_analysis.limit import Band
from monitorme_analysis.limits import default_limits
from monitorme_analysis.plugin import Analysis
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.suggestion import suggest

BED = BedId("ward-a", "bed-01")
HERE = {"ward": "ward-a", "bed": "bed-01"}


class Ward(Bedside):
    """A bed with a patient, and analysis running on it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(PluginRun(Analysis, folder), BED)
        self.admit()

    def is_true(self, code: str, bed: BedId = BED) -> bool:
        condition = self.run.last(ConditionTopic(bed, code), Condition)
        return condition is not None and condition.present

    def events(self) -> list[Event]:
        found = self.run.published(str(EventTopic(BED)))
        return [decode(Event, message.payload) for message in found]


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path / "analysis")


def test_a_limit_that_is_set_is_the_one_that_counts(ward: Ward) -> None:
    ward.send("body_temperature", 38.5)
    assert not ward.is_true("body_temperature_high")
    reply = ward.run.request(
        "set_limits", **HERE, vital="body_temperature", awake={"high": 38.5}
    )
    assert reply.ok
    ward.send("body_temperature", 38.5)
    assert ward.is_true("body_temperature_high")


def test_who_set_what_is_told_with_before_and_after(ward: Ward) -> None:
    args = {**HERE, "vital": "body_temperature", "awake": {"high": 38.5}}
    ward.run.request("set_limits", by="nurse", **args)
    (event,) = ward.events()
    assert (event.kind, event.by, event.admission) == ("limits_set", "nurse", "a-1")
    before, after = event.details["before"], event.details["after"]
    assert isinstance(before, str)
    assert isinstance(after, str)
    assert json.loads(before)["awake"]["high"] == 39.0
    assert json.loads(after)["awake"]["high"] == 38.5


def test_a_limit_that_is_switched_off_ends_its_condition_and_is_said(
    ward: Ward,
) -> None:
    ward.send("body_temperature", 41.0)
    assert ward.is_true("body_temperature_high")
    off = {"low": None, "high": None, "critical_low": None, "critical_high": None}
    reply = ward.run.request("set_limits", **HERE, vital="body_temperature", awake=off)
    assert reply.result["warnings"] == [
        "body_temperature: without limits, it never alarms"
    ]
    assert not ward.is_true("body_temperature_high")


@pytest.mark.parametrize(
    ("awake", "word"),
    [
        ({"high": 101.0}, "no value is so high"),
        ({"high": 100.0}, "alarms at every 100"),
        ({"critical_low": 0.5}, "no value is so low"),
    ],
)
def test_a_limit_that_means_something_else_is_said(
    ward: Ward, awake: dict[str, float], word: str
) -> None:
    vital = "oxygen_saturation"
    reply = ward.run.request("set_limits", **HERE, vital=vital, awake=awake)
    assert reply.ok
    assert word in reply.result["warnings"][0]


@pytest.mark.parametrize(
    ("args", "word"),
    [
        ({"vital": "heart_rate", "awake": {"low": 130.0}}, "limits must rise"),
        ({"vital": "phlogiston", "awake": {"low": 1.0}}, "there is no vital"),
        ({"vital": "blood_pressure", "awake": {"low": 1.0}}, "systolic"),
        ({"vital": "ecg", "awake": {"low": 1.0}}, "no numbers"),
        ({"vital": "heart_rate", "awake": {"lower": 1.0}}, "lower"),
        ({"vital": "heart_rate", "on_delay_s": 999.0}, "on_delay_s"),
        ({"vital": "heart_rate", "bed": "bed-02", "awake": {}}, "nobody lies"),
        ({"vital": "heart_rate", "admission": "a-0", "awake": {}}, "somebody else"),
    ],
)
def test_nonsense_is_refused_with_a_reason(
    ward: Ward, args: dict[str, object], word: str
) -> None:
    reply = ward.run.request("set_limits", **{**HERE, **args})
    assert not reply.ok
    assert word in (reply.error or "")
    assert ward.events() == []


def test_limits_survive_a_kill_and_go_with_the_patient_but_never_to_a_successor(
    ward: Ward,
) -> None:
    ward.run.request(
        "set_limits", **HERE, vital="body_temperature", awake={"high": 38.5}
    )
    ward.run.bus.drop()
    ward.run.start()
    ward.send("body_temperature", 38.6)
    assert ward.is_true("body_temperature_high")
    other = BedId("ward-a", "bed-02")
    ward.run.now_ms += 1_000
    ward.run.send(AdmissionTopic(BED), b"", retain=True)
    ward.admit("a-1", bed=other)
    ward.admit("a-2", bed=BED)
    ward.send("body_temperature", 38.6)
    assert not ward.is_true("body_temperature_high")
    ward.send("body_temperature", 38.6, bed=other)
    assert ward.is_true("body_temperature_high", bed=other)


def test_what_is_cleared_is_what_it_was_before(ward: Ward) -> None:
    before = ward.run.request("limits", **HERE).result["limits"]
    for vital in ("heart_rate", "body_temperature"):
        ward.run.request("set_limits", **HERE, vital=vital, awake={"high": 140.0})
    shown = ward.run.request("limits", **HERE).result
    assert shown["of_patient"] == ["heart_rate"], "40 is critical for a temperature"
    ward.run.request("clear_limits", **HERE)
    after = ward.run.request("limits", **HERE).result
    assert (after["limits"], after["of_patient"]) == (before, [])
    assert [event.kind for event in ward.events()] == ["limits_set", "limits_cleared"]
    reply = ward.run.request("clear_limits", **HERE, vital="heart_rate")
    assert not reply.ok


def test_limits_asleep_are_set_by_themselves(ward: Ward) -> None:
    args = {"vital": "heart_rate", "asleep": {"low": 42.0}}
    reply = ward.run.request("set_limits", **HERE, **args)
    limits = reply.result["limits"]["heart_rate"]
    assert (limits["awake"]["low"], limits["asleep"]["low"]) == (50.0, 42.0)


def test_a_limit_that_is_off_for_both_is_off_whatever_the_sleep(ward: Ward) -> None:
    args = {"vital": "heart_rate", "both": {"low": None, "critical_low": None}}
    reply = ward.run.request("set_limits", **HERE, **args)
    assert reply.result["warnings"] == []
    limits = reply.result["limits"]["heart_rate"]
    for state in ("awake", "asleep"):
        assert "low" not in limits[state]
        assert limits[state]["high"] == 120.0
    said = in_force(ward)
    assert said is not None
    assert said.sleep == "unknown"
    assert said.limits["heart_rate"].low is None


def test_limits_for_both_make_no_set_of_its_own_for_sleep(ward: Ward) -> None:
    args = {"vital": "body_temperature", "both": {"high": 38.5}}
    limits = ward.run.request("set_limits", **HERE, **args).result["limits"]
    assert "asleep" not in limits["body_temperature"]
    assert limits["body_temperature"]["awake"]["high"] == 38.5


@pytest.mark.parametrize(
    ("args", "warnings"),
    [
        (
            {"awake": {"low": None}},
            [
                "heart_rate asleep: low still is 45; where nothing says which, 45 counts",
            ],
        ),
        (
            {"awake": {"critical_high": 170.0, "low": 45.0}},
            [
                "heart_rate asleep: critical high still is 150; where nothing says "
                "which, 150 counts",
            ],
        ),
        (
            {"asleep": {"low": None}},
            ["heart_rate awake: low still is 50; where nothing says which, 50 counts"],
        ),
        ({"awake": {"low": 48.0}, "asleep": {"low": 42.0}}, []),
        ({"asleep": None, "awake": {"low": None}}, []),
        ({"both": {"low": None}}, []),
    ],
)
def test_what_stays_for_the_other_state_of_sleep_is_said(
    ward: Ward, args: dict[str, object], warnings: list[str]
) -> None:
    reply = ward.run.request("set_limits", **HERE, vital="heart_rate", **args)
    assert reply.result["warnings"] == warnings


@pytest.mark.parametrize("limit", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_is_no_limit(limit: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Band(high=limit)


def test_what_staff_enter_expires_and_is_told(ward: Ward) -> None:
    reply = ward.run.request(
        "enter", by="nurse", **HERE, oxygen=True, consciousness="V", valid_h=2
    )
    assert reply.ok
    entered = ward.run.request("limits", **HERE).result["entered"]
    assert entered["oxygen"]["value"] is True
    assert entered["consciousness"]["value"] == "V"
    assert entered["oxygen"]["is_valid"]
    ward.run.now_ms += 2 * 3_600_000
    entered = ward.run.request("limits", **HERE).result["entered"]
    assert not entered["oxygen"]["is_valid"]
    (event,) = ward.events()
    assert event.details["consciousness_after"] == "V"
    assert event.by == "nurse"


@pytest.mark.parametrize(
    "args", [{}, {"consciousness": "X"}, {"oxygen": True, "valid_h": 0}]
)
def test_an_entry_without_sense_is_refused(ward: Ward, args: dict[str, object]) -> None:
    assert not ward.run.request("enter", **HERE, **args).ok


def test_a_child_is_judged_by_its_age(ward: Ward) -> None:
    child = {"category": "paediatric", "birth_date": "2024-01-01"}
    ward.run.now_ms += 1_000
    ward.admit("a-3", **child)
    limits = ward.run.request("limits", **HERE).result["limits"]
    assert limits["heart_rate"]["awake"]["low"] == 98.0, "one year and a half"


# What is in force ------------------------------------------------------------------------


def in_force(ward: Ward, bed: BedId = BED) -> LimitsInForce | None:
    return ward.run.last(LimitsTopic(bed), LimitsInForce)


def test_the_limits_of_a_patient_are_told_when_they_change_and_not_else(
    ward: Ward,
) -> None:
    first = in_force(ward)
    assert first is not None
    assert (first.admission, first.sleep, first.of_patient) == ("a-1", "unknown", ())
    assert first.limits["heart_rate"].low == 50.0, "asleep unknown: the stricter"
    for second in range(120):
        ward.send("heart_rate", 70.0 + second % 3)
        ward.run.tick(after_ms=1_000)
    assert len(ward.run.published(str(LimitsTopic(BED)))) == 1
    assert ward.run.request(
        "set_limits",
        **HERE,
        vital="heart_rate",
        awake={"high": None, "low": 44},
        asleep={"high": None},
    ).ok
    changed = in_force(ward)
    assert changed is not None
    assert changed.of_patient == ("heart_rate",)
    assert changed.limits["heart_rate"].high is None


def test_sleep_changes_the_limits_that_are_told(ward: Ward) -> None:
    for minute in range(3):
        ward.seq += 1
        reading = Reading("d-1", "b1", ward.seq, ward.run.now_ms, "asleep", "good")
        ward.run.send(VitalTopic(BED, "sleep_state"), reading.to_json())
        for _ in range(60):
            ward.run.tick(after_ms=1_000)
        said = in_force(ward)
        assert said is not None
        assert said.sleep == ("awake" if minute == 0 else "asleep")
    assert said.limits["heart_rate"].low == 45.0
    for _ in range(600):  # the sensor has gone
        ward.run.tick(after_ms=1_000)
    said = in_force(ward)
    assert said is not None
    assert said.sleep == "unknown"


def test_a_free_bed_has_no_limits_and_a_successor_their_own(ward: Ward) -> None:
    ward.run.send(AdmissionTopic(BED), b"", retain=True)
    assert in_force(ward) is None
    assert str(LimitsTopic(BED)) not in ward.run.broker.retained
    ward.run.now_ms += 1_000
    ward.admit("a-2", category="neonate")
    said = in_force(ward)
    assert said is not None
    assert (said.admission, said.limits["heart_rate"].low) == ("a-2", 100.0)


def test_a_broker_that_lost_what_it_retained_is_told_again(ward: Ward) -> None:
    del ward.run.broker.retained[str(LimitsTopic(BED))]
    for _ in range(301):
        ward.run.tick(after_ms=1_000)
    assert in_force(ward) is not None


def test_after_a_restart_they_are_told_again(ward: Ward) -> None:
    ward.run.restart()
    ward.run.tick()
    assert len(ward.run.published(str(LimitsTopic(BED)))) == 2


# Suggestions -----------------------------------------------------------------------------


def test_limits_are_suggested_by_the_vendor_s_rule() -> None:
    in_force = default_limits().adult
    usual = {"heart_rate": 80.0, "body_temperature": 37.2, "oxygen_saturation": 93.0}
    found = suggest(Category.ADULT, usual, in_force)
    assert set(found) == {"heart_rate", "body_temperature"}
    rate, temperature = found["heart_rate"], found["body_temperature"]
    assert (rate.low, rate.high) == (64.0, 100.0)
    assert (rate.critical_low, rate.critical_high) == (40.0, 150.0)
    assert (temperature.low, temperature.high) == (36.7, 37.7)


def test_what_is_alarming_does_not_become_usual() -> None:
    in_force = default_limits().adult
    assert suggest(Category.ADULT, {"respiratory_rate": 45.0}, in_force) == {}
    fast = suggest(Category.ADULT, {"heart_rate": 130.0}, in_force)["heart_rate"]
    assert fast.high == 162.0
    assert fast.critical_high is not None
    assert fast.critical_high > fast.high


def test_usual_is_the_median_of_each_number() -> None:
    rows = [
        Row(n, "b", "heart_rate", "", value, "good", None)
        for n, value in enumerate((60.0, 61.0, 200.0, None))
    ]
    pressure = {"systolic": 120.0, "diastolic": 70.0}
    rows.append(Row(9, "b", "blood_pressure", "", pressure, "good", None))
    assert medians(rows) == {
        "heart_rate": 61.0,
        "blood_pressure.systolic": 120.0,
        "blood_pressure.diastolic": 70.0,
    }
