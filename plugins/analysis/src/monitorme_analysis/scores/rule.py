"""The rule of scores: what a patient's score asks for, as conditions."""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

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
from monitorme_analysis.scores.assessment import Assessment, assess
from monitorme_analysis.scores.settling import Recent, inputs_of, patient_of

_RANK: Final = (None, Priority.LOW, Priority.MEDIUM, Priority.HIGH)

ScoreName = Literal["news2", "bedside_pews", "mews", "shock_index"]


class ScoresSettings(RuleSettings):
    """Settings of scores."""

    alarm_on: tuple[ScoreName, ...] = ("news2", "bedside_pews")
    """The scores that become conditions; all are kept and shown."""
    known_at_least: int = Field(default=4, ge=1, le=7)
    """A score of fewer known inputs becomes no condition: one value has its limits."""
    keep_min: float = Field(default=5.0, gt=0, le=60)
    """A value counts for at least so long, though its vital is stale before that."""
    settle_min: float = Field(default=5.0, ge=0, le=60)
    """A condition ends, or becomes less urgent, when the score was lower for so long."""


@dataclass(slots=True)
class Told:
    """A condition of a score, as it was told."""

    assessment: Assessment
    since_ms: int
    lower_since_ms: int | None = None
    """Since when the score asks for less."""


@dataclass(slots=True)
class Scored:
    """The scores of a bed."""

    recent: Recent = field(default_factory=Recent)
    assessments: tuple[Assessment, ...] = ()
    """All that apply, as of the last look."""
    not_for: dict[str, str] = field(default_factory=dict)
    """Why others do not."""
    at_ms: int = 0
    """When that was."""
    told: dict[str, Told] = field(default_factory=dict)


class Scores(Rule[Scored, ScoresSettings]):
    """A score tells what its chart asks for; an incomplete one, by the least it can be."""

    name = "scores"
    vitals = ()
    elapse_every_ms = 30_000
    source = (
        "NEWS2: Royal College of Physicians 2017; Bedside PEWS: Parshuram et al. 2009; "
        "MEWS: Subbe et al. 2001; shock index: Allgoewer and Burri 1967"
    )
    Settings = ScoresSettings
    State = Scored

    def begin(self) -> Scored:
        """Return a bed without scores."""
        return Scored()

    def step(
        self, state: Scored, observed: Observed, context: RuleContext
    ) -> tuple[Scored, Findings]:
        """Do nothing: scores look at the newest values when time passes."""
        del observed, context
        return state, None

    def elapse(
        self, state: Scored, now_ms: int, context: RuleContext
    ) -> tuple[Scored, Findings]:
        """Look at what is known now."""
        keep_ms = round(self.settings.keep_min * 60_000)
        inputs, absent = inputs_of(state.recent, now_ms, context, keep_ms)
        found = assess(patient_of(context, now_ms), inputs, absent)
        state.assessments, state.not_for = found.scores, dict(found.not_for)
        state.at_ms = now_ms
        by_name = {one.name: one for one in found.scores}
        for name in self.settings.alarm_on:
            told = self._tell(state.told.get(name), by_name.get(name), now_ms)
            if told is None:
                state.told.pop(name, None)
            else:
                state.told[name] = told
        return state, tuple(_finding(one) for one in state.told.values())

    def _tell(
        self, before: Told | None, now: Assessment | None, now_ms: int
    ) -> Told | None:
        """Return what is told: more at once, less when it has stayed so."""
        if now is None:
            return None
        is_score = now.is_complete or now.known >= self.settings.known_at_least
        rank = _RANK.index(now.priority) if is_score else 0
        if before is None:
            return Told(now, now_ms) if rank else None
        before_rank = _RANK.index(before.assessment.priority)
        if rank >= before_rank:
            since_ms = before.since_ms
            return Told(now, since_ms)
        lower_since_ms = before.lower_since_ms
        if lower_since_ms is None:
            return replace(before, lower_since_ms=now_ms)
        if now_ms - lower_since_ms < self.settings.settle_min * 60_000:
            return before
        return Told(now, before.since_ms) if rank else None


def _finding(told: Told) -> Finding:
    one = told.assessment
    return Finding(
        code=one.name,
        kind=ConditionKind.PHYSIOLOGICAL,
        priority=one.priority or Priority.LOW,
        text=one.alarm,
        since_ms=told.since_ms,
        value=one.low,
    )
