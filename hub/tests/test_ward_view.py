"""The ward in the terminal: what a technician reads there is what is true."""

import io

import pytest
from rich.console import Console

from monitorme.contract.payloads import Admission, Alarm
from monitorme.contract.readings import Reading, ReadingValue
from monitorme.contract.topics import AdmissionTopic, AlarmTopic, BedId, VitalTopic
from monitorme.contract.vitals import Catalogue
from monitorme.messaging import Message
from monitorme.ward_view import WardView

NOW_MS = 1_796_000_000_000
BED = BedId("ward-a", "bed-01")


@pytest.fixture
def view() -> WardView:
    return WardView("ward-a", ["bed-01", "bed-02"], Catalogue.load())


def text(view: WardView, now_ms: int = NOW_MS) -> str:
    out = io.StringIO()
    Console(file=out, width=170).print(view.table(now_ms, title="Ward A"))
    return out.getvalue()


def line(view: WardView, bed: str = "bed-01", now_ms: int = NOW_MS) -> str:
    return next(one for one in text(view, now_ms).splitlines() if one.startswith(bed))


def admit(view: WardView, name: str, since_ms: int = NOW_MS - 1_000) -> None:
    fields = {"admission": "a", "patient": "p", "name": name, "mrn": "1"}
    times = {"category": "adult", "admitted_ms": since_ms, "since_ms": since_ms}
    someone = Admission.model_validate({**fields, **times}, strict=False)
    view.take([Message(str(AdmissionTopic(BED)), someone.to_json(), NOW_MS)])


def send(view: WardView, vital: str, value: ReadingValue, seq: int = 1) -> None:
    quality = "invalid" if value is None else "good"
    reason = "lead_off" if value is None else None
    reading = Reading("d-1", "b1", seq, NOW_MS, value, quality, reason)
    view.take([Message(str(VitalTopic(BED, vital)), reading.to_json(), NOW_MS)])


def test_a_bed_is_a_line_with_its_newest_values(view: WardView) -> None:
    admit(view, "Ada Abel")
    send(view, "heart_rate", 72.0)
    send(view, "blood_pressure", {"systolic": 121.0, "diastolic": 79.0, "mean": 93.0})
    assert "Ada Abel" in line(view)
    assert " 72 " in line(view)
    assert "121/79 (93)" in line(view)
    assert "Temp °C" in text(view)


def test_an_invalid_value_says_why(view: WardView) -> None:
    send(view, "heart_rate", None)
    assert "--- lead off" in line(view)


def test_another_patient_begins_without_values(view: WardView) -> None:
    admit(view, "Ada Abel")
    send(view, "heart_rate", 140.0)
    admit(view, "Ben Hansen", since_ms=NOW_MS + 1)
    assert "Ben Hansen" in line(view)
    assert "140" not in line(view)


def test_an_older_reading_does_not_override(view: WardView) -> None:
    send(view, "heart_rate", 75.0, seq=5)
    send(view, "heart_rate", 74.0, seq=4)
    assert " 75 " in line(view)


def say_alarm(view: WardView, code: str, priority: str, state: str = "active") -> None:
    alarm = Alarm.model_validate(
        {
            "id": code,
            "code": code,
            "kind": "physiological",
            "priority": priority,
            "state": state,
            "text": f"text of {code}",
            "raised_ms": 1,
            "since_ms": 1,
            "time_ms": 1,
        },
        strict=False,
    )
    view.take([Message(str(AlarmTopic(BED, code)), alarm.to_json(), NOW_MS)])


def test_the_worst_alarm_is_shown_with_its_mark(view: WardView) -> None:
    say_alarm(view, "x", "low")
    say_alarm(view, "y", "high")
    assert "*** text of y +1" in line(view)
    assert [alarm.code for _, alarm in view.alarms()] == ["y", "x"]
    view.take([Message(str(AlarmTopic(BED, "y")), b"", NOW_MS)])
    assert "* text of x" in line(view)


def test_what_is_over_comes_last_and_says_so(view: WardView) -> None:
    say_alarm(view, "y", "high", "latched")
    assert "*** text of y (over, not seen yet)" in line(view)
    say_alarm(view, "x", "low")
    assert "* text of x +1" in line(view)


def test_garbage_is_looked_past(view: WardView) -> None:
    view.take([Message(str(VitalTopic(BED, "heart_rate")), b"{", NOW_MS)])
    view.take([Message("somewhere/else", b"x", NOW_MS)])
    assert "bed-01" in line(view)
