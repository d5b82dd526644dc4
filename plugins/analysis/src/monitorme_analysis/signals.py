"""Whether values can be believed: what is missing, impossible, doubtful or stuck."""

from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from math import inf

from pydantic import Field

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme.contract.vitals import Vital
from monitorme_analysis.quality import Numbers, numbers_of, wrong_with
from monitorme_analysis.rule import (
    EVERY_VITAL,
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)
from monitorme_analysis.units import OTHER_UNITS, is_far


class SignalsSettings(RuleSettings):
    """Settings of the rule `signals`."""

    frozen_after_s: dict[str, float] = Field(
        default_factory=lambda: {
            "heart_rate": 1_800.0,
            "respiratory_rate": 7_200.0,
            "oxygen_saturation": 7_200.0,
            "blood_glucose": 10_800.0,
            "body_temperature": 43_200.0,
            "blood_pressure": 10_800.0,
        }
    )
    """How long a vital's value may stay exactly the same before it looks stuck: longer
    than it does by itself. Half an hour for a heart that is not paced; hours where a
    ventilator, a full scale or a coarse step explain it; four equal cuff pressures in a
    row. A vital that is not named is not watched."""


@dataclass(slots=True)
class Newest:
    """The newest value of a vital."""

    value: Numbers
    since_ms: int
    """Since when it is exactly that."""
    at_ms: int
    """When it was last taken."""
    believed: Numbers
    """The newest value that did not look like one in another unit."""
    has_other_units: bool
    """Whether it is measured in other units elsewhere."""


@dataclass(slots=True)
class SignalsState:
    """What is wrong with values, and what each was."""

    quality: dict[str, Finding] = field(default_factory=dict)
    """What is wrong with a vital's newest reading, if anything."""
    frozen: dict[str, Finding] = field(default_factory=dict)
    """Vitals whose value is stuck."""
    newest: dict[str, Newest] = field(default_factory=dict)
    """The newest value of each vital that has numbers."""
    looks: list[tuple[int, str]] = field(default_factory=list)
    """Up to when each vital is not stale, whatever comes: a heap, the soonest first."""

    @property
    def found(self) -> tuple[Finding, ...]:
        """All that is wrong."""
        return (*self.quality.values(), *self.frozen.values())


class Signals(Rule[SignalsState, SignalsSettings]):
    """Finds values that are missing, impossible, doubtful or stuck.

    Where no value is measured, the alarms of its vital are held back: they would tell
    of something that nobody sees. What is merely doubtful holds back nothing: a weak
    pulse wave, a rate that does not move, a sugar of 12 may well be the patient's.
    """

    name = "signals"
    vitals = EVERY_VITAL
    takes_late = True
    source = (
        "stale ages and plausible ranges: the site's catalogue of vitals; how long a "
        "value may stand still: ours, from how long real ones do (see `frozen_after_s`)"
    )
    Settings = SignalsSettings
    State = SignalsState

    def __init__(self, settings: SignalsSettings) -> None:
        super().__init__(settings)
        self._frozen_after_ms = {
            vital: after_s * 1000 for vital, after_s in settings.frozen_after_s.items()
        }

    def begin(self) -> SignalsState:
        """Return the state in which nothing has come yet."""
        return SignalsState()

    def step(
        self, state: SignalsState, observed: Observed, context: RuleContext
    ) -> tuple[SignalsState, Findings]:
        """Look at a reading's quality, and whether its value is a new one."""
        vital, value, at_ms = observed.vital, observed.value, observed.at_ms
        known = state.newest.get(vital)
        if (
            isinstance(value, float)
            and known is not None
            and observed.quality == "good"
            and vital not in state.quality
            and vital not in state.frozen
        ):
            # Most readings are a good number where nothing was wrong: nothing to find.
            if value == known.value:
                stale_ms = context.catalogue[vital].stale_after_ms
                if (
                    at_ms - known.at_ms <= stale_ms
                    and at_ms - known.since_ms < self._frozen_after_ms.get(vital, inf)
                ):
                    known.at_ms = at_ms
                    return state, None
            elif not known.has_other_units or _is_near(value, known.believed):
                known.value = known.believed = value
                known.since_ms = known.at_ms = at_ms
                return state, None
        is_new = value is not None and (known is None or known.value != value)
        changed = False
        if (
            observed.quality != "good"
            or vital in state.quality
            or (is_new and (known is None or known.has_other_units))
        ):
            changed = _look_at_quality(state, observed, context.catalogue[vital])
        if is_new:
            changed |= _remember(state, observed, known, context.catalogue[vital])
        elif known is not None and value is not None:
            changed |= self._look_for_stuck(state, observed, known, context)
        return state, state.found if changed else None

    def elapse(
        self, state: SignalsState, now_ms: int, context: RuleContext
    ) -> tuple[SignalsState, Findings]:
        """Notice what has not come for the catalogue's age, by arrival."""
        looks = state.looks
        if len(looks) < len(context.latest):
            known = {vital for _, vital in looks}
            for vital in [one for one in context.latest if one not in known]:
                heappush(looks, (-1, vital))
        changed = False
        while looks and looks[0][0] < now_ms:
            vital = looks[0][1]
            newest, entry = context.latest[vital], context.catalogue[vital]
            until_ms = newest.counts_from_ms + entry.stale_after_ms
            if until_ms < now_ms:
                changed |= _is_stale(state, newest, entry)
                # Should it come again, it is not stale sooner.
                until_ms = now_ms + entry.stale_after_ms
            heapreplace(looks, (until_ms, vital))
        return state, state.found if changed else None

    def _look_for_stuck(
        self,
        state: SignalsState,
        observed: Observed,
        known: Newest,
        context: RuleContext,
    ) -> bool:
        vital = observed.vital
        entry = context.catalogue[vital]
        if observed.at_ms - known.at_ms > entry.stale_after_ms:
            known.since_ms = observed.at_ms  # nobody knows what was between
        known.at_ms = observed.at_ms
        lasted_ms = observed.at_ms - known.since_ms
        if lasted_ms < self._frozen_after_ms.get(vital, inf) or vital in state.frozen:
            return False
        if entry.plausible and known.value == entry.plausible[1]:
            return False  # the end of its scale: 100 % may last for days
        text = f"{entry.label}: the same value for {_span(lasted_ms)}"
        state.frozen[vital] = _finding(
            f"{vital}_frozen", text, observed, known.since_ms, False
        )
        return True


def _is_near(value: float, believed: Numbers) -> bool:
    """Say whether a good value needs no look at whether it is in another unit."""
    return isinstance(believed, float) and not is_far(value, believed)


def _is_stale(state: SignalsState, newest: Observed, entry: Vital) -> bool:
    """Keep that a vital has not come for long; says whether that is new."""
    vital = newest.vital
    code, known = f"{vital}_stale", state.quality.get(vital)
    if known is not None and known.code == code:
        return False
    text = f"{entry.label}: no values"
    state.quality[vital] = _finding(code, text, newest, newest.at_ms, True)
    return True


def _look_at_quality(state: SignalsState, observed: Observed, entry: Vital) -> bool:
    vital = observed.vital
    before = state.quality.get(vital)
    known = state.newest.get(vital)
    wrong = wrong_with(observed, entry, known.believed if known else None)
    if wrong is None:
        return state.quality.pop(vital, None) is not None
    code, text, is_blind = wrong
    if before is not None and (before.code, before.text) == (code, text):
        return False
    is_same = before is not None and before.code == code
    since_ms = before.since_ms if before and is_same else observed.at_ms
    state.quality[vital] = _finding(code, text, observed, since_ms, is_blind)
    return True


def _remember(
    state: SignalsState, observed: Observed, known: Newest | None, entry: Vital
) -> bool:
    """Keep a new value; says whether one that was stuck has moved."""
    vital, value = observed.vital, numbers_of(observed.value)
    if value is None:
        return False
    at_ms = observed.at_ms
    if known is None:
        has_other = entry.unit in OTHER_UNITS
        state.newest[vital] = Newest(value, at_ms, at_ms, value, has_other)
        return False
    known.value, known.since_ms, known.at_ms = value, at_ms, at_ms
    if known.has_other_units:
        doubt = state.quality.get(vital)
        if doubt is None or not doubt.code.endswith("_unit_suspect"):
            known.believed = value
    else:
        known.believed = value
    return bool(state.frozen) and state.frozen.pop(vital, None) is not None


def _finding(
    code: str, text: str, observed: Observed, since_ms: int, is_blind: bool
) -> Finding:
    return Finding(
        code=code,
        kind=ConditionKind.TECHNICAL,
        priority=Priority.LOW,
        text=text,
        vital=observed.vital,
        since_ms=since_ms,
        caused_by_ms=observed.at_ms,
        device=observed.device,
        holds_back=(observed.vital,) if is_blind else (),
    )


def _span(lasted_ms: int) -> str:
    minutes = lasted_ms // 60_000
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
