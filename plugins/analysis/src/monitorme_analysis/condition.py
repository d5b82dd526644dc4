"""A finding as it goes on the wire."""

from monitorme.contract.payloads import Condition
from monitorme_analysis.rule import Finding

TEXT_AT_MOST = 500
"""Characters that the contract allows."""


def condition_of(finding: Finding, admission: str | None, now_ms: int) -> Condition:
    """Return the condition that says that a finding is true now."""
    return Condition(
        code=finding.code,
        present=True,
        kind=finding.kind,
        priority=finding.priority,
        text=finding.text[:TEXT_AT_MOST],
        vital=finding.vital,
        component=finding.component,
        value=finding.value,
        worst=finding.worst,
        limit=finding.limit,
        unit=finding.unit,
        device=finding.device,
        since_ms=max(0, finding.since_ms),
        time_ms=now_ms,
        caused_by_ms=finding.caused_by_ms,
        admission=admission,
    )
