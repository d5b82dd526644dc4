"""Saying what is true: each change at once, and again while it stays so."""

from monitorme.contract.payloads import Condition
from monitorme.contract.topics import BedId, ConditionTopic
from monitorme.messaging import Publisher


class Announcer:
    """Publishes conditions when they change, and every so often while they hold."""

    def __init__(self, bus: Publisher, *, republish_every_ms: int) -> None:
        self._bus = bus
        self._every_ms = republish_every_ms
        self._said: dict[BedId, dict[str, Condition]] = {}

    def recall(self, bed: BedId, condition: Condition) -> None:
        """Take in what was retained before this start, so that it can be ended."""
        said = self._said.setdefault(bed, {})
        if condition.present and condition.code not in said:
            said[condition.code] = condition

    def say(self, bed: BedId, true_now: list[Condition], now_ms: int) -> None:
        """Publish what has changed of a bed, and what is due again."""
        said = self._said.setdefault(bed, {})
        current = {condition.code: condition for condition in true_now}
        for code, condition in current.items():
            before = said.get(code)
            is_new = before is None or _has_changed(before, condition)
            if is_new or (before and now_ms - before.time_ms >= self._every_ms):
                self._publish(bed, said, condition)
        for code in [code for code in said if code not in current]:
            ended = said.pop(code)
            over = {"present": False, "since_ms": now_ms, "time_ms": now_ms}
            self._bus.publish(
                ConditionTopic(bed, code), ended.model_copy(update=over), retain=True
            )

    def _publish(
        self, bed: BedId, said: dict[str, Condition], condition: Condition
    ) -> None:
        said[condition.code] = condition
        self._bus.publish(ConditionTopic(bed, condition.code), condition, retain=True)


def _has_changed(before: Condition, now: Condition) -> bool:
    """Say whether people should be told: not of every new value of an old condition."""
    return (
        before.priority is not now.priority
        or before.text != now.text
        or before.admission != now.admission
    )
