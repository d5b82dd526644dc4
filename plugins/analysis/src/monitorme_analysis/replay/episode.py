"""Conditions of a replay, from when to when, and the alarms that they would have rung."""

from dataclasses import dataclass
from typing import Any, Final

from monitorme.contract.payloads import Condition, ConditionKind, Priority

RANK: Final = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2}


@dataclass(slots=True)
class Episode:
    """One time during which a condition was true of a bed: an alarm, if it rings."""

    bed: str
    code: str
    kind: ConditionKind
    priority: Priority
    """The highest that it had."""
    from_ms: int
    """Since when it was true, by the readings' time: before the delay."""
    rang_ms: int
    """When it was found, after the delay: the alarm would have rung then."""
    to_ms: int | None
    """When it was over; None where it still held at the end."""
    worst: float | None
    detail: str

    @classmethod
    def begun(cls, bed: str, condition: Condition, now_ms: int) -> "Episode":
        """Return the episode that begins with a condition."""
        return cls(
            bed,
            condition.code,
            condition.kind,
            condition.priority,
            condition.since_ms,
            now_ms,
            None,
            condition.worst,
            condition.text,
        )

    def follow(self, condition: Condition) -> None:
        """Take in how the condition is now."""
        if RANK[condition.priority] > RANK[self.priority]:
            self.priority = condition.priority
        self.worst, self.detail = condition.worst, condition.text

    def lasted_ms(self, end_ms: int) -> int:
        """Return how long it was an alarm, to `end_ms` where it still held."""
        return max(0, (end_ms if self.to_ms is None else self.to_ms) - self.rang_ms)

    def as_line(self) -> dict[str, Any]:
        """Return it as `monitorme analysis replay` prints it."""
        return {
            "code": self.code,
            "bed": self.bed,
            "from_ms": self.from_ms,
            "to_ms": self.to_ms,
            "worst": self.worst,
            "detail": self.detail,
        }
