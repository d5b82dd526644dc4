"""Alerting: the life of an alarm, over restarts, for one patient at a time."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.payloads import (
    Admission,
    Alarm,
    AlarmState,
    Condition,
    Event,
    PastCondition,
    decode,
)
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    ConditionTopic,
    EventTopic,
    event_filter,
)
from monitorme.testing import PluginRun
from monitorme_alerting import life
from monitorme_alerting.plugin import Alerting

BED = BedId("ward-a", "bed-01")
CODE = "oxygen_saturation_low"
ASK = {"ward": "ward-a", "bed": "bed-01", "code": CODE}


def condition(**fields: Any) -> Condition:
    given = {
        "code": CODE,
        "present": True,
        "kind": "physiological",
        "priority": "medium",
        "text": "SpO2 84 ≤ 89",
        "since_ms": 1_000,
        "time_ms": 7_000,
        "admission": "a-1",
        **fields,
    }
    return Condition.model_validate(given, strict=False)


class Station:
    """Alerting, and what a station would see of it."""

    def __init__(self, folder: Path) -> None:
        self.run = PluginRun(Alerting, folder)

    def say(self, **fields: Any) -> None:
        self.run.send(ConditionTopic(BED, CODE), condition(**fields), retain=True)

    def find_past(self, id: str = "found-1", **fields: Any) -> None:
        """Say, as analysis does, that something was true and is over."""
        given = {
            "code": CODE,
            "kind": "physiological",
            "priority": "high",
            "text": "SpO2 78 ≤ 80",
            "from_ms": 1_000,
            "to_ms": 61_000,
            "admission": "a-1",
            **fields,
        }
        past = PastCondition.model_validate(given, strict=False)
        event = past.event(id, "analysis", self.run.now_ms)
        self.run.send(EventTopic(BED), event)

    def admit(self, admission: str) -> None:
        someone = Admission.model_validate(
            {
                "admission": admission,
                "patient": "p-1",
                "name": "Ada",
                "mrn": "1",
                "category": "adult",
                "admitted_ms": 1,
                "since_ms": 1,
            },
            strict=False,
        )
        self.run.send(AdmissionTopic(BED), someone, retain=True)

    @property
    def alarm(self) -> Alarm | None:
        return self.run.last(AlarmTopic(BED, CODE), Alarm)

    @property
    def state(self) -> str | None:
        return self.alarm.state.value if self.alarm else None

    def events(self) -> list[str]:
        return [
            event.kind
            for m in self.run.published(event_filter())
            if (event := decode(Event, m.payload)).service == "alerting"
        ]


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path / "alerting")


def test_a_condition_becomes_an_alarm_and_goes_with_it(station: Station) -> None:
    station.say()
    assert station.state == "active"
    assert str(AlarmTopic(BED, CODE)) in station.run.broker.retained
    station.say(present=False)
    assert station.state == "resolved"
    station.run.tick(after_ms=31_000)
    assert station.state is None
    assert str(AlarmTopic(BED, CODE)) not in station.run.broker.retained
    assert station.events() == ["alarm_raised", "alarm_resolved"]


def test_somebody_takes_it_on_and_the_time_it_took_is_told(station: Station) -> None:
    station.say()
    station.run.now_ms += 9_000
    reply = station.run.request("acknowledge", by="nurse-1", **ASK)
    assert reply.ok, reply.error
    alarm = station.alarm
    assert alarm is not None
    assert (alarm.state, alarm.acknowledged_by) == ("acknowledged", "nurse-1")
    last = decode(Event, station.run.published(event_filter())[-1].payload)
    assert (last.by, last.details["response_time_ms"]) == ("nurse-1", 9_000)


def test_it_is_taken_on_once_and_only_the_episode_that_was_seen(
    station: Station,
) -> None:
    refused = station.run.request("acknowledge", **ASK)
    assert "no alarm" in (refused.error or "")
    station.say()
    stale = station.run.request("acknowledge", **ASK, id="another-episode")
    assert "look again" in (stale.error or "")
    assert station.run.request("acknowledge", by="nurse-1", **ASK).ok
    twice = station.run.request("acknowledge", by="nurse-2", **ASK)
    assert "already acknowledged by nurse-1" in (twice.error or "")


def test_a_rise_in_priority_breaks_through_an_acknowledgement(station: Station) -> None:
    station.say()
    station.run.request("acknowledge", **ASK)
    station.say(text="SpO2 83 ≤ 89", worst=83.0)
    assert station.state == "acknowledged"
    station.say(priority="high", text="SpO2 78 ≤ 80")
    assert station.state == "active"
    assert station.events()[-1] == "alarm_priority_raised"


def test_a_repetition_changes_nothing(station: Station) -> None:
    station.say()
    number = len(station.run.broker.published)
    station.say(time_ms=37_000)
    assert len(station.run.broker.published) == number + 1, "the repetition itself"


def test_it_survives_a_crash_acknowledged_or_not(station: Station) -> None:
    station.say()
    station.run.request("acknowledge", by="nurse-1", **ASK)
    station.run.broker.retained.clear()
    station.run.restart()
    assert station.state == "acknowledged"
    station.say(present=False)
    assert station.state == "resolved"


def test_true_again_is_a_new_episode(station: Station) -> None:
    station.say()
    first = station.alarm
    station.say(present=False)
    station.say(since_ms=50_000)
    second = station.alarm
    assert first is not None
    assert second is not None
    assert (second.state, second.id == first.id) == ("active", False)


def test_what_was_over_when_it_was_found_is_seen_and_never_rings(
    station: Station,
) -> None:
    station.find_past()
    alarm = station.alarm
    assert alarm is not None
    assert (alarm.state, alarm.since_ms, alarm.resolved_ms) == ("latched", 1000, 61000)
    told = decode(Event, station.run.published(event_filter())[-1].payload)
    assert told.kind == "alarm_found_past"
    assert (told.details["since_ms"], told.details["ended_ms"]) == (1_000, 61_000)
    assert told.details["duration_ms"] == 60_000
    station.run.tick(after_ms=600_000)
    station.say(present=False)
    assert station.state == "latched", "it stays until somebody has seen it"
    assert "source_lost" not in station.run.context.trouble
    assert station.run.request("acknowledge", by="nurse-1", **ASK).ok
    assert station.state == "resolved"
    station.run.tick(after_ms=31_000)
    assert station.state is None
    assert station.events() == ["alarm_found_past", "alarm_acknowledged"]


def test_what_was_over_and_not_urgent_is_seen_for_a_while(station: Station) -> None:
    station.find_past(priority="medium")
    assert station.state == "resolved"
    station.run.tick(after_ms=29_000)
    assert station.state == "resolved"
    station.run.tick(after_ms=2_000)
    assert station.state is None
    assert station.events() == ["alarm_found_past"]


def test_what_was_technical_and_is_over_is_in_the_record_alone(
    station: Station,
) -> None:
    station.find_past(kind="technical", priority="low")
    assert station.alarm is None
    assert station.events() == ["alarm_found_past"]


def test_the_past_never_takes_the_place_of_what_is_true(station: Station) -> None:
    station.say()
    station.find_past()
    assert station.state == "active"
    assert station.events() == ["alarm_raised", "alarm_found_past"]
    station.say(present=False)
    assert station.state == "resolved"


def test_true_again_takes_the_place_of_the_past(station: Station) -> None:
    station.find_past()
    station.say(since_ms=70_000)
    assert station.state == "active"
    assert station.events() == ["alarm_found_past", "alarm_raised"]


def test_the_less_urgent_does_not_hide_what_nobody_has_seen(station: Station) -> None:
    station.find_past()
    station.find_past("found-2", priority="medium", from_ms=70_000, to_ms=80_000)
    assert (station.state, station.alarm and station.alarm.priority) == (
        "latched",
        "high",
    )


def test_the_past_that_is_told_again_is_the_same(station: Station) -> None:
    station.find_past()
    assert station.run.request("acknowledge", **ASK).ok
    station.run.tick(after_ms=31_000)
    station.run.restart()
    station.find_past()
    assert station.state is None, "somebody has seen it"
    assert station.events().count("alarm_found_past") == 1


def test_a_successor_is_not_shown_the_past_of_who_left(station: Station) -> None:
    station.admit("a-2")
    station.find_past()
    assert station.alarm is None
    assert station.events() == ["alarm_found_past"]


def test_another_patient_ends_what_nobody_has_seen(station: Station) -> None:
    station.admit("a-1")
    station.find_past()
    assert station.state == "latched"
    station.admit("a-2")
    assert station.alarm is None


def test_a_past_that_makes_no_sense_is_counted(station: Station) -> None:
    event = Event(id="e-1", time_ms=1, service="analysis", kind=PastCondition.KIND)
    station.run.send(EventTopic(BED), event)
    assert station.run.context.counts["refused_wrong_type"] == 1


def test_another_patient_inherits_no_alarm(station: Station) -> None:
    station.say()
    station.run.send(AdmissionTopic(BED), b"", retain=True)
    assert station.state is None
    assert station.events()[-1] == "alarm_resolved"


def test_a_lost_source_clears_nothing_and_is_told(station: Station) -> None:
    station.say()
    station.run.tick(after_ms=200_000)
    assert station.state == "active"
    assert "lost their source" in station.run.context.trouble["source_lost"]
    station.say(time_ms=200_000)
    station.run.tick()
    assert "source_lost" not in station.run.context.trouble


def test_garbage_is_counted_and_stops_nothing(station: Station) -> None:
    station.run.send(ConditionTopic(BED, CODE), b"{")
    assert station.run.context.counts["refused_unparsable"] == 1
    station.say()
    assert station.state == "active"


def test_two_instances_name_an_episode_the_same() -> None:
    seen = condition()
    one = life.follow(BED, None, seen, 7_100)
    two = life.follow(BED, None, seen, 7_900)
    assert one is not None
    assert two is not None
    assert one.id == two.id


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("true"), st.sampled_from(["low", "medium", "high"])),
            st.just(("false", "")),
            st.just(("take", "")),
        ),
        max_size=12,
    )
)
def test_an_alarm_is_never_silent_while_unseen(steps: list[tuple[str, str]]) -> None:
    """Whatever happens: true and not taken at this priority means active."""
    alarm: Alarm | None = None
    taken_at: int | None = None
    true_at: int | None = None
    for number, (what, priority) in enumerate(steps):
        if what == "take":
            if alarm is not None and alarm.state is AlarmState.ACTIVE:
                alarm = life.acknowledge(alarm, "nurse", number)
                taken_at = life.RANK[alarm.priority]
        else:
            if what == "false" or true_at is None:
                taken_at = None
            rank = ["low", "medium", "high"].index(priority) if priority else None
            fields = {"priority": priority or "low", "present": what == "true"}
            alarm = life.follow(BED, alarm, condition(**fields), number)
            if rank is not None and true_at is not None and rank > true_at:
                taken_at = None
            true_at = rank
        if true_at is None:
            assert alarm is None or alarm.state is AlarmState.RESOLVED
        else:
            assert alarm is not None
            expected = "active" if taken_at is None else "acknowledged"
            assert alarm.state == expected
