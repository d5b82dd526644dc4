"""The watch of alarms finds what is doubled."""

from monitorme.contract.payloads import Alarm, AlarmState
from monitorme.contract.topics import BedId
from tests.faults.alarms import Key, doubled

KEY: Key = (BedId("ward-a", "bed-01"), "heart_rate_high")


def alarm(name: str, state: AlarmState = AlarmState.ACTIVE) -> Alarm:
    return Alarm.model_validate(
        {
            "id": name,
            "code": KEY[1],
            "state": state,
            "kind": "physiological",
            "priority": "high",
            "text": "HR 150",
            "raised_ms": 1,
            "since_ms": 1,
            "time_ms": 1,
        },
        strict=False,
    )


def test_one_episode_after_the_other_is_as_it_should_be() -> None:
    over = AlarmState.RESOLVED
    first = [(KEY, alarm("a")), (KEY, alarm("a", over)), (KEY, None)]
    assert doubled([*first, (KEY, alarm("b")), (KEY, alarm("b", over))]) == []


def test_an_alarm_beside_one_that_is_not_over_is_doubled() -> None:
    (wrong,) = doubled([(KEY, alarm("a")), (KEY, alarm("b"))])
    assert wrong.startswith("raised beside one that was not over")


def test_an_episode_that_is_raised_again_is_doubled() -> None:
    over = alarm("a", AlarmState.RESOLVED)
    (wrong,) = doubled([(KEY, alarm("a")), (KEY, over), (KEY, None), (KEY, alarm("a"))])
    assert wrong.startswith("raised again after it was over")
