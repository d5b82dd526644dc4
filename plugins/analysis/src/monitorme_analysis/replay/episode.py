"""Conditions of a replay, from when to when, and the alarms that they would have rung."""

from dataclasses import dataclass
from typing import Any, Final

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme_analysis.rule import Finding

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
    vital: str | None = None
    component: str | None = None
    limit: float | None = None
    """The limit that it was first about."""

    @classmethod
    def begun(cls, bed: str, finding: Finding, now_ms: int) -> "Episode":
        """Return the episode that begins with a finding."""
        return cls(
            bed,
            finding.code,
            finding.kind,
            finding.priority,
            finding.since_ms,
            now_ms,
            None,
            finding.worst,
            finding.text,
            finding.vital,
            finding.component,
            finding.limit,
        )

    def follow(self, finding: Finding) -> None:
        """Take in how it is now."""
        if RANK[finding.priority] > RANK[self.priority]:
            self.priority = finding.priority
        self.worst, self.detail = finding.worst, finding.text

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
