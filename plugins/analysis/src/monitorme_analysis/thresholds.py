"""Limits as a rule: each number of each vital against the limits in force."""

from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import Field

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme.contract.readings import LATE_AFTER_MS
from monitorme.contract.vitals import Vital
from monitorme_analysis.limit import Band, VitalLimits
from monitorme_analysis.rule import (
    EVERY_VITAL,
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)
from monitorme_analysis.threshold import Side, SideState, step

SIDES: Final[tuple[Side, Side]] = ("low", "high")
_SIGN: Final = {"low": "\u2264", "high": "\u2265"}
_FINE: Final = SideState()


class ThresholdsSettings(RuleSettings):
    """Settings of limits."""

    late_counts_min: float = Field(default=10.0, ge=0, le=60)
    """A cuff pressure, a temperature or a glucose that came late rings as if it had come
    at once when it was taken so short ago. An older one that is still the newest is told
    at low priority, and as late: it may be over, and the next one tells."""


@dataclass(slots=True)
class ThresholdsState:
    """Sides of numbers that are violated or have not been back long enough."""

    sides: dict[str, SideState] = field(default_factory=dict)
    """By `vital:side` or `vital.component:side`; absent means that all is well."""
    held: dict[str, Finding] = field(default_factory=dict)
    """What holds, by the same name."""


class Thresholds(Rule[ThresholdsState, ThresholdsSettings]):
    """Finds values at or beyond a limit for longer than its delay.

    A reading that comes after more than the vital's stale age begins the delay anew:
    nobody knows what was between. A condition that holds is not ended by that.
    """

    name = "thresholds"
    vitals = EVERY_VITAL
    source = "at each limit below, and in config/limits.toml"
    Settings = ThresholdsSettings
    State = ThresholdsState
    takes_late = True

    def begin(self) -> ThresholdsState:
        """Return the state in which all is well."""
        return ThresholdsState()

    def step(
        self, state: ThresholdsState, observed: Observed, context: RuleContext
    ) -> tuple[ThresholdsState, Findings]:
        """Judge a number, or each component of a composite value."""
        value = observed.value
        if isinstance(value, float) and not state.sides:
            # Nearly all readings are well within limits: a look at the rest costs nothing.
            limits = context.limits.get(observed.vital)
            if limits is None:
                return state, None
            low, high = limits.quiet
            if low < value < high:
                return state, None
        late_ms = observed.received_ms - observed.at_ms
        if late_ms > LATE_AFTER_MS:
            return self._step_late(state, observed, context, late_ms)
        return self._step(state, observed, context)

    def _step_late(
        self,
        state: ThresholdsState,
        observed: Observed,
        context: RuleContext,
        late_ms: int,
    ) -> tuple[ThresholdsState, Findings]:
        """Judge what came late: it says so, and rings no more when it is old."""
        before = dict(state.held)
        state, found = self._step(state, observed, context)
        is_old = late_ms > self.settings.late_counts_min * 60_000
        for key, finding in state.held.items():
            if finding.vital != observed.vital or finding is before.get(key):
                continue
            text = f"{finding.text}, taken {late_ms // 60_000} min before it came"
            rang = before.get(key)
            priority = finding.priority
            if is_old:
                priority = rang.priority if rang else Priority.LOW
            state.held[key] = replace(finding, text=text, priority=priority)
        return state, tuple(state.held.values()) if found is not None else None

    def _step(
        self, state: ThresholdsState, observed: Observed, context: RuleContext
    ) -> tuple[ThresholdsState, Findings]:
        value = observed.value
        if isinstance(value, float):
            changed = _judge(state, observed.vital, value, observed, context)
        elif isinstance(value, dict):
            changed = False
            for component, part in value.items():
                if isinstance(part, float):
                    name = f"{observed.vital}.{component}"
                    changed |= _judge(state, name, part, observed, context)
        else:
            return state, None
        return state, tuple(state.held.values()) if changed else None

    def elapse(
        self, state: ThresholdsState, now_ms: int, context: RuleContext
    ) -> tuple[ThresholdsState, Findings]:
        """Count what has stood for its delay, though nothing newer has come.

        A value stands until the next one, or until it is stale: of saturation, which
        comes every five seconds, two low ones in a row have lasted ten. And forget what
        is held against a limit that is there no longer.
        """
        if not state.sides:
            return state, None
        gone = [
            key
            for key in state.sides
            if not _has_limit(context.limits.get(key.rpartition(":")[0]), key)
        ]
        for key in gone:
            del state.sides[key]
        changed = any([state.held.pop(key, None) is not None for key in gone])
        for key, side in list(state.sides.items()):
            if side.level is None and side.violated_ms is not None:
                changed |= _stand(state, key, side, now_ms, context)
        return state, tuple(state.held.values()) if changed else None


def _stand(
    state: ThresholdsState,
    key: str,
    before: SideState,
    now_ms: int,
    context: RuleContext,
) -> bool:
    """Judge the newest value once more, as of now; says whether it has begun to hold."""
    name, _, side = key.rpartition(":")
    newest = context.latest.get(name.partition(".")[0])
    if newest is None or newest.value is None:
        return False
    entry, limits = context.catalogue[newest.vital], context.limits[name]
    age_ms = now_ms - newest.received_ms
    if entry.episodic or age_ms > entry.stale_after_ms:
        return False
    at_ms = newest.at_ms + age_ms
    if at_ms - (before.violated_ms or 0) < min(limits.on_delays_ms):
        return False
    band = _band(limits, before, at_ms, context)
    which: Side = "low" if side == "low" else "high"
    after = step(
        before,
        which,
        at_ms,
        before.value,
        limits,
        band,
        episodic=False,
        asleep=band is limits.asleep,
    )
    if after.level is None:
        return False
    state.sides[key] = after = replace(after, at_ms=before.at_ms)
    state.held[key] = _finding(name, which, after, entry, newest)
    return True


def _has_limit(limits: VitalLimits | None, key: str) -> bool:
    if limits is None:
        return False
    band = limits.awake
    if key.endswith(":low"):
        return band.low is not None or band.critical_low is not None
    return band.high is not None or band.critical_high is not None


def _judge(
    state: ThresholdsState,
    name: str,
    value: float,
    observed: Observed,
    context: RuleContext,
) -> bool:
    """Judge one number; says whether what holds has changed."""
    limits = context.limits.get(name)
    if limits is None:
        return False
    low, high = limits.quiet
    sides = state.sides
    if low < value < high and (
        not sides or (f"{name}:low" not in sides and f"{name}:high" not in sides)
    ):
        return False
    changed = False
    for side in SIDES:
        changed |= _judge_side(state, name, side, value, observed, context, limits)
    return changed


def _judge_side(
    state: ThresholdsState,
    name: str,
    side: Side,
    value: float,
    observed: Observed,
    context: RuleContext,
    limits: VitalLimits,
) -> bool:
    key = f"{name}:{side}"
    entry = context.catalogue[observed.vital]
    before = _after_silence(state.sides.get(key, _FINE), observed.at_ms, entry)
    band = _band(limits, before, observed.at_ms, context)
    asleep = band is limits.asleep
    if before.violated_ms is not None and before.level is None and not entry.episodic:
        # The value before stood until now, which may have been long enough.
        before = step(
            *(before, side, observed.at_ms, before.value, limits, band),
            episodic=False,
            asleep=asleep,
        )
    after = step(
        *(before, side, observed.at_ms, value, limits, band),
        episodic=entry.episodic,
        asleep=asleep,
    )
    if after.violated_ms is None:
        state.sides.pop(key, None)
    else:
        state.sides[key] = after
    if after.level is None:
        return state.held.pop(key, None) is not None
    state.held[key] = _finding(name, side, after, entry, observed)
    return True


def _after_silence(state: SideState, at_ms: int, entry: Vital) -> SideState:
    """Return the state from which a violation is timed."""
    is_old = state.violated_ms is not None and (
        at_ms - state.at_ms > entry.stale_after_ms
    )
    return _FINE if is_old and state.level is None else state


def _band(
    limits: VitalLimits, state: SideState, at_ms: int, context: RuleContext
) -> Band:
    """Return the limits that apply: never ending an alarm by falling asleep."""
    if limits.asleep is None:
        return limits.awake
    sleep = context.sleep(at_ms)
    if state.level is not None and not state.began_asleep and sleep == "asleep":
        return limits.stricter
    return limits.band(sleep)


def _finding(
    name: str, side: Side, state: SideState, entry: Vital, observed: Observed
) -> Finding:
    _, _, component = name.partition(".")
    is_critical = state.level == "critical"
    return Finding(
        code=f"{name.replace('.', '_')}_{side}",
        kind=ConditionKind.PHYSIOLOGICAL,
        priority=Priority.HIGH if is_critical else Priority.MEDIUM,
        text=_text(entry, component, side, state),
        vital=observed.vital,
        component=component or None,
        value=state.value,
        worst=state.worst,
        limit=state.limit,
        unit=entry.unit,
        since_ms=state.since_ms,
        caused_by_ms=observed.at_ms,
    )


def _text(entry: Vital, component: str, side: Side, state: SideState) -> str:
    label = entry.label
    if component:
        label = f"{label} {entry.components[component].label}"
    worst = f"{state.worst:.{entry.decimals}f}"
    limit = f"{state.limit:.{entry.decimals}f}"
    return f"{label} {worst} {_SIGN[side]} {limit}"
