"""Heart rate that rises by a third within an hour, be it awake or be it asleep."""

from typing import Final

from pydantic import Field

from monitorme.contract.payloads import Priority
from monitorme_analysis.rule import Observed, RuleContext, RuleSettings
from monitorme_analysis.trends.change import Change, rise
from monitorme_analysis.trends.trending import Trending, TrendRule
from monitorme_analysis.trends.window import Shape, Window

LOWEST_RATE: Final = 30.0
"""The change that is worth a line is a share of at least this rate."""


class RisingHeartRateSettings(RuleSettings):
    """Settings of the rising heart rate."""

    share: float = Field(default=1 / 3, gt=0, le=3)
    """A rise by this share is found."""
    within_min: float = Field(default=60.0, ge=10, le=240)
    """Within so many minutes."""
    medium_from_per_min: float = Field(default=100.0, ge=0)
    """Low priority while it has not come to this, medium from there on."""


class RisingHeartRate(TrendRule[RisingHeartRateSettings]):
    """A heart that beats ever faster is told of before a limit is reached."""

    name = "rising_heart_rate"
    vitals = ("heart_rate",)
    every_ms = {"heart_rate": 5_000}  # noqa: RUF012  # as ClassVar in Rule
    source = (
        "a third within an hour: the customer's requirements; medium from 100/min, "
        "tachycardia of adults"
    )
    Settings = RisingHeartRateSettings
    code = "heart_rate_rising"
    sign = 1

    def shape(self) -> Shape:
        """Return a window of twenty-four points, a value every five seconds."""
        span_ms = round(self.settings.within_min * 60_000)
        return Shape(span_ms, span_ms // 24, every_ms=0, gap_ms=120_000)

    def change(self, window: Window) -> tuple[Change, float]:
        """Return the largest rise, as a share of the rise that it takes."""
        share = self.settings.share
        lowest = min((value for _, value in window.points), default=LOWEST_RATE)
        at_least = share * max(LOWEST_RATE, lowest)
        change = rise(window.points, self._usual.span_ms, at_least)
        return change, change.share / share

    def priority(self, change: Change) -> Priority:
        """Return medium once it is fast as well."""
        is_fast = change.to >= self.settings.medium_from_per_min
        return Priority.MEDIUM if is_fast else Priority.LOW

    def _begins_anew(
        self, state: Trending, observed: Observed, context: RuleContext
    ) -> bool:
        """Whoever wakes up has a faster heart: that is no trend."""
        sleep = context.sleep(observed.at_ms)
        if sleep in ("unknown", state.sleep):
            return False
        was, state.sleep = state.sleep, sleep
        return was != "unknown"
