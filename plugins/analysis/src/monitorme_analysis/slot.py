"""A rule's place in a bed: its state, what it found, and what happens when it fails."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme_analysis.rule import Finding, Observed, Rule, RuleContext

log = logging.getLogger(__name__)

FIRST_RETRY_MS: Final = 10_000
LONGEST_RETRY_MS: Final = 600_000
PROBATION_MS: Final = 600_000
"""A rule that judges for so long after a failure is trusted again."""


@dataclass(slots=True)
class Fault:
    """Why and since when a rule is switched off, or was lately."""

    error: str
    since_ms: int
    count: int = 1
    retry_ms: int = 0
    """When it is tried again."""
    is_off: bool = True


@dataclass(slots=True)
class Slot:
    """What one rule knows and finds of one bed."""

    rule: Rule[Any, Any] = field(repr=False)
    state: Any
    found: tuple[Finding, ...] = ()
    fault: Fault | None = None

    def fill(self, observed: Observed, context: RuleContext) -> bool:
        """Hand a late reading to the rule; says whether what is told has changed."""
        if self.fault is not None and not self.may_judge(observed.received_ms):
            return False
        try:
            self.state = self.rule.fill(self.state, observed, context)
        # The boundary to a rule, as above.
        except Exception as error:
            return self.fail(error, observed.received_ms, context)
        return False

    def told(self, name: str) -> tuple[Finding, ...]:
        """Return what it found, and that it failed if it did."""
        fault = self.fault
        if fault is None or not fault.is_off:
            return self.found
        text = f"rule {name} fails and judges nothing: {fault.error}"
        failed = Finding(
            code=f"rule_failed_{name}"[:64],
            kind=ConditionKind.TECHNICAL,
            priority=Priority.LOW,
            text=text[:500],
            since_ms=fault.since_ms,
        )
        return (*self.found, failed)

    def may_judge(self, now_ms: int) -> bool:
        """Switch the rule on again when it is time, with a new state."""
        fault = self.fault
        assert fault is not None
        if not fault.is_off:
            if now_ms - fault.retry_ms >= PROBATION_MS:
                self.fault = None
            return True
        if now_ms < fault.retry_ms:
            return False
        self.state = self.rule.begin()
        fault.is_off = False
        return True

    def fail(self, error: Exception, now_ms: int, context: RuleContext) -> bool:
        """Switch the rule off for a while; True, for what is told has changed."""
        log.error(
            "rule switched off rule=%s bed=%s/%s",
            self.rule.name,
            context.ward,
            context.bed,
            exc_info=error,
        )
        before = self.fault
        count = before.count + 1 if before else 1
        wait_ms = min(FIRST_RETRY_MS * 2 ** (count - 1), LONGEST_RETRY_MS)
        self.fault = Fault(
            error=f"{type(error).__name__}: {error}"[:200],
            since_ms=before.since_ms if before else now_ms,
            count=count,
            retry_ms=now_ms + wait_ms,
        )
        return True


def step(slots: Iterable[Slot], observed: Observed, context: RuleContext) -> bool:
    """Hand a reading to some rules; says whether what is found may have changed.

    All of them in one call: nearly everything that analysis does goes through here.
    """
    changed = False
    for slot in slots:
        if slot.fault is not None and not slot.may_judge(observed.received_ms):
            continue
        try:
            slot.state, found = slot.rule.step(slot.state, observed, context)
        # The boundary to a rule: whatever it raises must not stop another.
        except Exception as error:
            changed = slot.fail(error, observed.received_ms, context)
            continue
        if found is not None and found != slot.found:
            slot.found, changed = found, True
    return changed


def elapse(slots: Iterable[Slot], now_ms: int, context: RuleContext) -> bool:
    """Let time pass for some rules; says whether what is found may have changed."""
    changed = False
    for slot in slots:
        if slot.fault is not None and not slot.may_judge(now_ms):
            continue
        try:
            slot.state, found = slot.rule.elapse(slot.state, now_ms, context)
        # The boundary to a rule, as above.
        except Exception as error:
            changed = slot.fail(error, now_ms, context)
            continue
        if found is not None and found != slot.found:
            slot.found, changed = found, True
    return changed
