"""The threshold rule: a pure step from state and value to state and what holds.

Delays run on the readings' time, so that a replay gives what the day gave. A violation
counts when it has lasted the delay before; it has ended when values have been within the
limit, by the deadband, for the delay after. While it holds, its level follows the value:
up at once past the delay, down only through the deadband, and the worst value is kept.
"""

from dataclasses import dataclass
from typing import Literal

from monitorme_analysis.limit import Band, VitalLimits

Side = Literal["low", "high"]
Level = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True)
class SideState:
    """What is known of one side of one number; the default is: nothing is wrong."""

    violated_ms: int | None = None
    """Since when values have violated the warning limit (or a worse one)."""
    critical_ms: int | None = None
    """Since when they have violated the critical limit."""
    within_ms: int | None = None
    """Since when values have been back, while the condition still holds."""
    level: Level | None = None
    """The level at which the condition holds; None where it does not."""
    since_ms: int = 0
    """Since when it holds: when the violation began."""
    worst: float = 0.0
    """The value farthest beyond the limit since the violation began."""
    limit: float = 0.0
    """The limit of its level."""
    value: float = 0.0
    """The newest value."""
    at_ms: int = 0
    """When the newest value was taken."""
    began_asleep: bool = False
    """Whether the limits for asleep applied when the violation began."""


def step(
    state: SideState,
    side: Side,
    at_ms: int,
    value: float,
    limits: VitalLimits,
    band: Band,
    *,
    episodic: bool,
    asleep: bool = False,
) -> SideState:
    """Return the state after a value.

    Args:
        state: the state before.
        side: which side of the value is judged.
        at_ms: when the value was taken, not before any value judged earlier.
        value: in the vital's unit.
        limits: delays and deadband.
        band: the limits that apply now, awake or asleep.
        episodic: a sample is a measurement by itself: no delay, no deadband.
        asleep: whether `band` is that for asleep.
    """
    on_ms, critical_on_ms = (0, 0) if episodic else limits.on_delays_ms
    off_ms = 0 if episodic else round(limits.off_delay_s * 1000)
    deadband = 0.0 if episodic else limits.deadband
    warning, critical = _limits_of(side, band)
    holds = state.level is not None
    # While it holds, a value within the deadband is not back yet.
    slack = deadband if holds else 0.0
    is_violated = _beyond(side, value, warning, slack)
    is_violated = is_violated or _beyond(side, value, critical, slack)
    critical_slack = deadband if state.level == "critical" else 0.0
    is_critical = _beyond(side, value, critical, critical_slack)
    if not is_violated:
        return _back(state, at_ms, value, off_ms)
    violated_ms = at_ms if state.violated_ms is None else state.violated_ms
    critical_ms = None
    if is_critical:
        critical_ms = at_ms if state.critical_ms is None else state.critical_ms
    is_due = critical_ms is not None and at_ms - critical_ms >= critical_on_ms
    if is_due or (critical_ms is not None and state.level == "critical"):
        level: Level | None = "critical"
    else:
        level = _level(state, at_ms, violated_ms, on_ms, warning)
    chosen = critical if level == "critical" else warning
    return SideState(
        violated_ms=violated_ms,
        critical_ms=critical_ms,
        within_ms=None,
        level=level,
        since_ms=violated_ms,
        worst=_worst(side, state, value),
        limit=chosen if chosen is not None else 0.0,
        value=value,
        at_ms=at_ms,
        began_asleep=asleep if state.violated_ms is None else state.began_asleep,
    )


def _limits_of(side: Side, band: Band) -> tuple[float | None, float | None]:
    if side == "low":
        return band.low, band.critical_low
    return band.high, band.critical_high


def _beyond(side: Side, value: float, limit: float | None, slack: float) -> bool:
    """Say whether a value is at or beyond a limit, or within `slack` of it."""
    if limit is None:
        return False
    if not slack:
        return value <= limit if side == "low" else value >= limit
    return value < limit + slack if side == "low" else value > limit - slack


def _back(state: SideState, at_ms: int, value: float, off_ms: int) -> SideState:
    if state.level is None:
        return SideState(value=value, at_ms=at_ms)
    within_ms = at_ms if state.within_ms is None else state.within_ms
    if at_ms - within_ms >= off_ms:
        return SideState(value=value, at_ms=at_ms)
    return SideState(
        violated_ms=state.violated_ms,
        critical_ms=None,
        within_ms=within_ms,
        level=state.level,
        since_ms=state.since_ms,
        worst=state.worst,
        limit=state.limit,
        value=value,
        at_ms=at_ms,
        began_asleep=state.began_asleep,
    )


def _level(
    state: SideState,
    at_ms: int,
    violated_ms: int,
    on_ms: int,
    warning: float | None,
) -> Level | None:
    is_old = at_ms - violated_ms >= on_ms
    if state.level is not None or is_old:
        # Without a warning limit there is nothing between critical and fine.
        return "warning" if warning is not None else state.level
    return None


def _worst(side: Side, state: SideState, value: float) -> float:
    if state.violated_ms is None:
        return value
    return min(state.worst, value) if side == "low" else max(state.worst, value)
