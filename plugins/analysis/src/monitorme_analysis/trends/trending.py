"""What the rules of trends share: a window of one vital, and what it is said to do."""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

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
from monitorme_analysis.trends.change import Change
from monitorme_analysis.trends.slope import fit
from monitorme_analysis.trends.time_to_limit import MINUTE_MS, time_to_limit
from monitorme_analysis.trends.window import Shape, Window, add

ENDS_AT_SHARE = 0.5
"""What is found ends when no more than this share of what it takes is left."""

AHEAD = 2.0
"""What is found already may look twice as far ahead as it has seen."""


@dataclass(slots=True)
class Trending:
    """A vital's newest stretch, and since when it is found to change."""

    window: Window = field(default_factory=Window)
    received_ms: int = 0
    """When the newest value came."""
    since_ms: int | None = None
    """Since when it is found; None where it is not."""
    worst: float = 0.0
    """How far it has come since then."""
    told: Finding | None = None
    """How it was told last; what people would not see changed is not told again."""
    sleep: str = "unknown"
    """The sleep state that the window is of."""
    backlog: Backlog = field(default_factory=Backlog)
    """What lies before the window, and may still come."""


Se = TypeVar("Se", bound=RuleSettings)


def is_told(found: Finding, told: Finding | None) -> bool:
    """Say whether people would see nothing new."""
    return told is not None and (found.code, found.text, found.priority) == (
        told.code,
        told.text,
        told.priority,
    )


class TrendRule(Rule[Trending, Se], Generic[Se]):
    """Finds that one vital changes too much within a window."""

    State = Trending
    elapse_every_ms = 10_000
    code: ClassVar[str]
    """The condition's."""
    sign: ClassVar[int]
    """-1 where a fall is found, 1 where a rise is."""

    def __init__(self, settings: Se) -> None:
        super().__init__(settings)
        (self._vital,) = self.vitals
        self._usual = self.shape()
        self._shapes: dict[int, Shape] = {}

    @abstractmethod
    def shape(self) -> Shape:
        """Return the window; its gap is at least the catalogue's stale age."""

    @abstractmethod
    def change(self, window: Window) -> tuple[Change, float]:
        """Return the change, and it as a share of what it takes: 1.0 is found."""

    @abstractmethod
    def priority(self, change: Change) -> Priority:
        """Return how soon somebody has to respond."""

    def begin(self) -> Trending:
        """Return a window that holds nothing."""
        return Trending()

    def step(
        self, state: Trending, observed: Observed, context: RuleContext
    ) -> tuple[Trending, Findings]:
        """Take a value in; a window that has a new point is judged."""
        value, points = observed.value, state.window.points
        if not isinstance(value, float):
            return state, None
        state.received_ms = observed.received_ms
        self._take(state, value, observed, context)
        if state.window.points is points:
            return state, None
        return state, self._judge(state, observed, context)

    def fill(
        self, state: Trending, observed: Observed, context: RuleContext
    ) -> Trending:
        """Take in what came late: it counts when the window is judged next."""
        value, at_ms = observed.value, observed.at_ms
        if not isinstance(value, float):
            return state
        if at_ms > state.window.newest_ms:
            self._take(state, value, observed, context)
        else:
            shape = self._shape(context)
            state.backlog = fill(state.backlog, at_ms, value, shape)
        return state

    def elapse(
        self, state: Trending, now_ms: int, context: RuleContext
    ) -> tuple[Trending, Findings]:
        """End what was found when the newest value is too old to stand for now."""
        if state.since_ms is None:
            return state, None
        if now_ms - state.received_ms <= self._shape(context).gap_ms:
            return state, None
        state.since_ms, state.told = None, None
        return state, ()

    def _take(
        self, state: Trending, value: float, observed: Observed, context: RuleContext
    ) -> None:
        """Take the newest value into the window."""
        window, at_ms, shape = state.window, observed.at_ms, self._shape(context)
        if self._begins_anew(state, observed, context):
            window, state.backlog = Window(), Backlog()
        elif begins_at(window, at_ms, shape):
            window, state.backlog = Window(), Backlog(window, at_ms)
        state.window = add(window, at_ms, value, shape)

    def _begins_anew(
        self, state: Trending, observed: Observed, context: RuleContext
    ) -> bool:
        """Say whether what comes is not to be compared with what was."""
        del state, observed, context
        return False

    def _shape(self, context: RuleContext) -> Shape:
        stale_ms = context.catalogue[self._vital].stale_after_ms
        found = self._shapes.get(stale_ms)
        if found is None:
            usual = self._usual
            gap_ms = max(usual.gap_ms, stale_ms)
            found = Shape(usual.span_ms, usual.bucket_ms, usual.every_ms, gap_ms)
            self._shapes[stale_ms] = found
        return found

    def _judge(
        self, state: Trending, observed: Observed, context: RuleContext
    ) -> Findings:
        window = whole(state.window, state.backlog, self._shape(context))
        change, share = self.change(window)
        holds = state.since_ms is not None
        if share < (ENDS_AT_SHARE if holds else 1.0):
            state.since_ms, state.told = None, None
            return ()
        if state.since_ms is None:
            state.since_ms, state.worst = observed.at_ms, change.to
        state.worst = (min if self.sign < 0 else max)(state.worst, change.to)
        found = self._finding(state, window, change, observed, context)
        if is_told(found, state.told):
            return None
        state.told = found
        return (found,)

    def _finding(
        self,
        state: Trending,
        window: Window,
        change: Change,
        observed: Observed,
        context: RuleContext,
    ) -> Finding:
        entry = context.catalogue[self._vital]
        points = window.points
        minutes = max(1, round((observed.at_ms - points[0][0]) / MINUTE_MS))
        start = f"{change.start:.{entry.decimals}f}"
        to = f"{change.to:.{entry.decimals}f}"
        verb = "falling" if self.sign < 0 else "rising"
        text = f"{entry.label} {verb}: {start} to {to} within {minutes} min"
        return Finding(
            code=self.code,
            kind=ConditionKind.PHYSIOLOGICAL,
            priority=self.priority(change),
            text=text + self._outlook(window, observed, context),
            since_ms=observed.at_ms if state.since_ms is None else state.since_ms,
            vital=self._vital,
            value=change.to,
            worst=state.worst,
            unit=entry.unit or None,
            caused_by_ms=observed.at_ms,
        )

    def _outlook(self, window: Window, observed: Observed, context: RuleContext) -> str:
        """Return when the limit ahead will be reached, where that can be told."""
        limits = context.limits.get(self._vital)
        line = fit(window.points)
        if limits is None or line is None:
            return ""
        band = limits.band(context.sleep(observed.at_ms))
        limit = band.low if self.sign < 0 else band.high
        if limit is None:
            return ""
        time = time_to_limit(line, limit, observed.at_ms, ahead=AHEAD)
        decimals = context.catalogue[self._vital].decimals
        return "" if time is None else f"; {time} to {limit:.{decimals}f}"
