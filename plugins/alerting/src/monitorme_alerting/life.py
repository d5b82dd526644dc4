"""The life of an alarm: pure transitions from conditions and acknowledgements.

    condition true      → active
    somebody takes it   → acknowledged
    its priority rises  → active again, whoever had taken it
    condition false     → resolved, and gone after a while
    condition true anew → a new episode, active, with an id of its own
    condition found past → latched until somebody has seen it, where it was urgent; else
                           resolved from the start

An alarm never ends because something is not known: only a condition that says that it is
over, or another patient in the bed, ends it.
"""

from typing import Final
from uuid import NAMESPACE_URL, uuid5

from monitorme.contract.payloads import (
    Alarm,
    AlarmState,
    Condition,
    ConditionKind,
    PastCondition,
    Priority,
)
from monitorme.contract.topics import BedId

RANK: Final = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2}
_SHARED: Final = (
    *("kind", "priority", "text", "vital", "component", "value", "worst", "limit"),
    *("unit", "device", "admission", "code"),
)
_FOLLOWED: Final = (*_SHARED, "since_ms")
PAST: Final = "alarm_found_past"
"""The kind of the event that tells of an alarm that nobody could raise in time."""


def alarm_id(bed: BedId, condition: Condition | PastCondition, since_ms: int) -> str:
    """Return an episode's id: two instances that see the same name it the same."""
    parts = (str(bed), condition.code, condition.admission, since_ms)
    return str(uuid5(NAMESPACE_URL, "monitorme:alarm:" + "|".join(map(str, parts))))


def follow(
    bed: BedId, alarm: Alarm | None, condition: Condition, now_ms: int
) -> Alarm | None:
    """Return the alarm after a condition; the same one where nothing changes.

    None means that there is none, and never was.
    """
    if not condition.present:
        return alarm and resolve(alarm, now_ms)
    is_new = alarm is None or is_over(alarm) or alarm.admission != condition.admission
    if alarm is None or is_new:
        return _raised(bed, condition, now_ms)
    said = {name: getattr(condition, name) for name in _FOLLOWED}
    if all(getattr(alarm, name) == value for name, value in said.items()):
        return alarm
    followed = alarm.model_copy(update={**said, "time_ms": now_ms})
    rises = RANK[condition.priority] > RANK[alarm.priority]
    if rises and alarm.state is AlarmState.ACKNOWLEDGED:
        # What somebody took on was less than this: it has to be seen again.
        again = {
            "state": AlarmState.ACTIVE,
            "acknowledged_ms": None,
            "acknowledged_by": None,
        }
        followed = followed.model_copy(update=again)
    return followed


def found_past(bed: BedId, past: PastCondition, now_ms: int) -> Alarm:
    """Return the alarm of a condition that was over when it was found.

    It never rings. What may have harmed the patient stays until somebody has seen it;
    a technical one never does, since what it was about is right again.
    """
    is_urgent = (
        past.kind is ConditionKind.PHYSIOLOGICAL and past.priority is Priority.HIGH
    )
    return Alarm(
        id=alarm_id(bed, past, past.from_ms),
        state=AlarmState.LATCHED if is_urgent else AlarmState.RESOLVED,
        raised_ms=now_ms,
        since_ms=past.from_ms,
        resolved_ms=past.to_ms,
        time_ms=now_ms,
        **{name: getattr(past, name) for name in _SHARED},
    )


def is_in_place(alarm: Alarm | None, past: Alarm) -> bool:
    """Say whether one that was found past may be shown where another is."""
    if past.kind is ConditionKind.TECHNICAL:
        return False
    if alarm is None or alarm.state is AlarmState.RESOLVED:
        return True
    return is_over(alarm) and past.state is AlarmState.LATCHED


def is_over(alarm: Alarm) -> bool:
    """Say whether an alarm's condition has ended, seen by somebody or not."""
    return alarm.state in (AlarmState.LATCHED, AlarmState.RESOLVED)


def acknowledge(alarm: Alarm, by: str, now_ms: int) -> Alarm:
    """Return an alarm as somebody has taken it on, or seen what is over."""
    after = AlarmState.RESOLVED if is_over(alarm) else AlarmState.ACKNOWLEDGED
    taken = {
        "state": after,
        "acknowledged_ms": now_ms,
        "acknowledged_by": by,
        "time_ms": now_ms,
    }
    return alarm.model_copy(update=taken)


def resolve(alarm: Alarm, now_ms: int) -> Alarm:
    """Return an alarm as it is when its condition is over."""
    if is_over(alarm):
        return alarm
    over = {"state": AlarmState.RESOLVED, "resolved_ms": now_ms, "time_ms": now_ms}
    return alarm.model_copy(update=over)


def event_kind(before: Alarm | None, after: Alarm) -> str | None:
    """Return what happened between two states, as an event's kind; None for nothing."""
    if before is None or before.id != after.id:
        return "alarm_raised"
    if before.state is not after.state:
        if before.state is AlarmState.LATCHED:
            return "alarm_acknowledged"
        if after.state is AlarmState.ACTIVE:
            return "alarm_priority_raised"
        return f"alarm_{after.state}"
    if RANK[after.priority] > RANK[before.priority]:
        return "alarm_priority_raised"
    return None


def _raised(bed: BedId, condition: Condition, now_ms: int) -> Alarm:
    return Alarm(
        id=alarm_id(bed, condition, condition.since_ms),
        state=AlarmState.ACTIVE,
        raised_ms=now_ms,
        time_ms=now_ms,
        **{name: getattr(condition, name) for name in _FOLLOWED},
    )
