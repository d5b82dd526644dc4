"""Systolic pressure against the last three measurements."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import Field

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme_analysis.rule import (
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)
from monitorme_analysis.trends.against_last import Last, fill, measure

VITAL: Final = "blood_pressure"
COMPONENT: Final = "systolic"


class SystolicAgainstLastSettings(RuleSettings):
    """Settings of the systolic pressure against the last three."""

    fall_share: float = Field(default=0.2, gt=0, lt=1)
    """A fall by this share of the median of the last three is found."""
    rise_share: float = Field(default=0.3, gt=0, lt=3)
    """A rise by this share of it is found."""
    apart_min: float = Field(default=10.0, ge=0, le=240)
    """A measurement sooner than this after another takes its place."""


@dataclass(slots=True)
class Measured:
    """The last measurements of a bed, and since when the newest stands out."""

    last: Last = field(default_factory=Last)
    received_ms: int = 0
    since_ms: int | None = None
    worst: float = 0.0


class SystolicAgainstLast(Rule[Measured, SystolicAgainstLastSettings]):
    """A pressure far from the last three is told of, though it is within its limits."""

    name = "systolic_against_last"
    vitals = (VITAL,)
    elapse_every_ms = 60_000
    source = (
        "a fall by 20 % of the usual: the hypotension most often defined so (Bijker "
        "et al., Anesthesiology 2007, 107:213); a rise by 30 %: ours"
    )
    Settings = SystolicAgainstLastSettings
    State = Measured

    def begin(self) -> Measured:
        """Return a bed without measurements."""
        return Measured()

    def step(
        self, state: Measured, observed: Observed, context: RuleContext
    ) -> tuple[Measured, Findings]:
        """Set a measurement against those before it."""
        systolic = _systolic(observed)
        if systolic is None:
            return state, None
        state.received_ms = observed.received_ms
        gap_ms, apart_ms = context.catalogue[VITAL].stale_after_ms, self._apart_ms
        state.last = measure(
            state.last, observed.at_ms, systolic, gap_ms=gap_ms, apart_ms=apart_ms
        )
        share = state.last.share
        if -self.settings.fall_share < share < self.settings.rise_share:
            state.since_ms = None
            return state, ()
        if state.since_ms is None:
            state.since_ms, state.worst = observed.at_ms, systolic
        state.worst = (min if share < 0 else max)(state.worst, systolic)
        return state, (self._finding(state, systolic, observed, context),)

    def fill(
        self, state: Measured, observed: Observed, context: RuleContext
    ) -> Measured:
        """Take in a measurement that came late: the next is set against it too."""
        systolic, at_ms = _systolic(observed), observed.at_ms
        if systolic is None:
            return state
        is_newest = state.last.newest is None or at_ms > state.last.newest_ms
        gap_ms, apart_ms = context.catalogue[VITAL].stale_after_ms, self._apart_ms
        state.last = (measure if is_newest else fill)(
            state.last, at_ms, systolic, gap_ms=gap_ms, apart_ms=apart_ms
        )
        return state

    @property
    def _apart_ms(self) -> int:
        return round(self.settings.apart_min * 60_000)

    def elapse(
        self, state: Measured, now_ms: int, context: RuleContext
    ) -> tuple[Measured, Findings]:
        """End what was found when the newest measurement is too old to stand for now."""
        stale_ms = context.catalogue[VITAL].stale_after_ms
        if state.since_ms is None or now_ms - state.received_ms <= stale_ms:
            return state, None
        state.since_ms = None
        return state, ()

    def _finding(
        self,
        state: Measured,
        systolic: float,
        observed: Observed,
        context: RuleContext,
    ) -> Finding:
        entry = context.catalogue[VITAL]
        falls = state.last.share < 0
        way = "below" if falls else "above"
        percent = abs(round(100 * state.last.share))
        label = f"{entry.label} {entry.components[COMPONENT].label}"
        return Finding(
            code=f"{VITAL}_{COMPONENT}_{'drop' if falls else 'jump'}",
            kind=ConditionKind.PHYSIOLOGICAL,
            priority=Priority.MEDIUM if falls else Priority.LOW,
            text=f"{label} {systolic:.0f}: {percent} % {way} the last three "
            f"({state.last.usual:.0f})",
            since_ms=state.since_ms or observed.at_ms,
            vital=VITAL,
            component=COMPONENT,
            value=systolic,
            worst=state.worst,
            limit=state.last.usual,
            unit=entry.unit or None,
            caused_by_ms=observed.at_ms,
        )


def _systolic(observed: Observed) -> float | None:
    value = observed.value
    systolic = value.get(COMPONENT) if isinstance(value, dict) else None
    return systolic if isinstance(systolic, float) else None
