"""A limit that a vital will reach soon if it goes on so: when, and how sure that is."""

from dataclasses import dataclass, field
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
from monitorme_analysis.trends.backlog import Backlog, begins_at, fill, whole
from monitorme_analysis.trends.slope import Line, fit
from monitorme_analysis.trends.time_to_limit import TimeToLimit, time_to_limit
from monitorme_analysis.trends.trending import is_told
from monitorme_analysis.trends.window import LEVEL_POINTS, Shape, Window, add, levels

VITALS: Final = (
    "heart_rate",
    "respiratory_rate",
    "oxygen_saturation",
    "body_temperature",
)
MINUTE_MS: Final = 60_000
POINTS: Final = 20
WORTH_A_LINE: Final = 0.6

Side = Literal["low", "high"]


class NearingLimitSettings(RuleSettings):
    """Settings of the time to a limit."""

    window_min: float = Field(default=20.0, ge=5, le=120)
    """The slope is that of so many minutes; nobody looks farther ahead."""
    temperature_window_min: float = Field(default=120.0, ge=30, le=720)
    """The same for temperature, which comes seldom."""
    heart_rate_per_min: float = Field(default=15.0, gt=0)
    """A heart rate must have changed by this within the window."""
    respiratory_rate_per_min: float = Field(default=6.0, gt=0)
    """A respiratory rate must have changed by this."""
    oxygen_saturation_percent: float = Field(default=3.0, gt=0)
    """A saturation must have changed by this."""
    body_temperature_cel: float = Field(default=0.6, gt=0)
    """A temperature must have changed by this."""


@dataclass(slots=True)
class Nearing:
    """One vital's newest stretch, and which limit it is nearing."""

    window: Window = field(default_factory=Window)
    received_ms: int = 0
    side: Side | None = None
    since_ms: int = 0
    finding: Finding | None = None
    backlog: Backlog = field(default_factory=Backlog)
    """What lies before the window, and may still come."""


@dataclass(slots=True)
class NearingLimits:
    """All vitals of a bed."""

    vitals: dict[str, Nearing] = field(default_factory=dict)


class NearingLimit(Rule[NearingLimits, NearingLimitSettings]):
    """A patient on the way to a limit is told of while there is time to act."""

    name = "nearing_limit"
    vitals = VITALS
    every_ms = {"heart_rate": 5_000, "respiratory_rate": 5_000}  # noqa: RUF012  # as ClassVar in Rule
    elapse_every_ms = 10_000
    source = (
        "Theil-Sen slope with Sen's 95 % range (1968); windows and least changes: "
        "ours, see the figures of trends"
    )
    Settings = NearingLimitSettings
    State = NearingLimits

    def __init__(self, settings: NearingLimitSettings) -> None:
        super().__init__(settings)
        self._least = {
            "heart_rate": settings.heart_rate_per_min,
            "respiratory_rate": settings.respiratory_rate_per_min,
            "oxygen_saturation": settings.oxygen_saturation_percent,
            "body_temperature": settings.body_temperature_cel,
        }
        self._shapes: dict[tuple[str, int], Shape] = {}

    def begin(self) -> NearingLimits:
        """Return a bed of which nothing is known."""
        return NearingLimits()

    def step(
        self, state: NearingLimits, observed: Observed, context: RuleContext
    ) -> tuple[NearingLimits, Findings]:
        """Take a value in; a vital that has a new point is judged."""
        vital, value = observed.vital, observed.value
        one = state.vitals.get(vital)
        if one is None:
            one = state.vitals[vital] = Nearing()
        points = one.window.points
        if not isinstance(value, float):
            return state, None
        one.received_ms = observed.received_ms
        self._take(one, value, observed, context)
        if one.window.points is points:
            return state, None
        found = self._judge(one, observed, context)
        if found is one.finding or (found and is_told(found, one.finding)):
            return state, None
        one.finding = found
        return state, self._all(state)

    def fill(
        self, state: NearingLimits, observed: Observed, context: RuleContext
    ) -> NearingLimits:
        """Take in what came late: it counts when its vital is judged next."""
        vital, value, at_ms = observed.vital, observed.value, observed.at_ms
        if not isinstance(value, float):
            return state
        one = state.vitals.setdefault(vital, Nearing())
        if at_ms > one.window.newest_ms:
            self._take(one, value, observed, context)
        else:
            shape = self._shape(vital, context)
            one.backlog = fill(one.backlog, at_ms, value, shape)
        return state

    def elapse(
        self, state: NearingLimits, now_ms: int, context: RuleContext
    ) -> tuple[NearingLimits, Findings]:
        """Nothing is told across a gap: what is too old ends."""
        ended = False
        for vital, one in state.vitals.items():
            if one.finding is None:
                continue
            if now_ms - one.received_ms > self._shape(vital, context).gap_ms:
                one.finding, one.side, ended = None, None, True
        return state, self._all(state) if ended else None

    @staticmethod
    def _all(state: NearingLimits) -> tuple[Finding, ...]:
        found = (one.finding for one in state.vitals.values())
        return tuple(finding for finding in found if finding is not None)

    def _take(
        self, one: Nearing, value: float, observed: Observed, context: RuleContext
    ) -> None:
        """Take the newest value into the window."""
        at_ms, shape = observed.at_ms, self._shape(observed.vital, context)
        if begins_at(one.window, at_ms, shape):
            one.window, one.backlog = Window(), Backlog(one.window, at_ms)
        one.window = add(one.window, at_ms, value, shape)

    def _shape(self, vital: str, context: RuleContext) -> Shape:
        stale_ms = context.catalogue[vital].stale_after_ms
        found = self._shapes.get((vital, stale_ms))
        if found is None:
            found = self._shapes[vital, stale_ms] = self._new_shape(
                vital, stale_ms, episodic=context.catalogue[vital].episodic
            )
        return found

    def _new_shape(self, vital: str, stale_ms: int, *, episodic: bool) -> Shape:
        settings, is_temperature = self.settings, vital == "body_temperature"
        minutes = (
            settings.temperature_window_min if is_temperature else settings.window_min
        )
        span_ms = round(minutes * MINUTE_MS)
        if episodic:
            return Shape(span_ms, 0, span_ms // POINTS, max(stale_ms, span_ms // 4))
        return Shape(span_ms, span_ms // POINTS, 1_000, max(stale_ms, 2 * MINUTE_MS))

    def _judge(
        self, one: Nearing, observed: Observed, context: RuleContext
    ) -> Finding | None:
        vital = observed.vital
        window = whole(one.window, one.backlog, self._shape(vital, context))
        line = self._line(window, self._least[vital])
        limits = context.limits.get(vital)
        if line is None or limits is None:
            one.side = None
            return None
        side: Side = "low" if line.slope < 0 else "high"
        band = limits.band(context.sleep(observed.at_ms))
        warning = band.low if side == "low" else band.high
        critical = band.critical_low if side == "low" else band.critical_high
        for limit in (warning, critical):
            if limit is None:
                continue
            time = time_to_limit(line, limit, observed.at_ms)
            if time is not None:
                if one.side != side:
                    one.side, one.since_ms = side, observed.at_ms
                return _finding(one, side, line, limit, time, observed, context)
        one.side = None
        return None

    def _line(self, window: Window, at_least: float) -> Line | None:
        """Return a line that has seen enough, and has gone far enough."""
        points = window.points
        if len(points) < LEVEL_POINTS - 1 + POINTS // 2:
            return None
        (first,) = levels(points[:LEVEL_POINTS])
        (newest,) = levels(points[-LEVEL_POINTS:])
        if abs(newest - first) < WORTH_A_LINE * at_least:
            return None
        line = fit(window.points)
        return line if line is not None and abs(line.change) >= at_least else None


def _finding(
    one: Nearing,
    side: Side,
    line: Line,
    limit: float,
    time: TimeToLimit,
    observed: Observed,
    context: RuleContext,
) -> Finding:
    entry = context.catalogue[observed.vital]
    way = "falling" if side == "low" else "rising"
    text = (
        f"{entry.label} {line.level:.{entry.decimals}f}, {way}: {time} to "
        f"{limit:.{entry.decimals}f}"
    )
    return Finding(
        code=f"{observed.vital}_nearing_{side}",
        kind=ConditionKind.PHYSIOLOGICAL,
        priority=Priority.LOW,
        text=text,
        since_ms=one.since_ms,
        vital=observed.vital,
        value=line.level,
        worst=line.level,
        limit=limit,
        unit=entry.unit or None,
        caused_by_ms=observed.at_ms,
    )
