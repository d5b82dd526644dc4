"""Oxygen saturation that falls: four points in ten minutes, whatever its level."""

from pydantic import Field

from monitorme.contract.payloads import Priority
from monitorme_analysis.rule import RuleSettings
from monitorme_analysis.trends.change import Change, fall
from monitorme_analysis.trends.trending import TrendRule
from monitorme_analysis.trends.window import Shape, Window


class FallingSaturationSettings(RuleSettings):
    """Settings of the falling saturation."""

    points: float = Field(default=4.0, gt=0)
    """A fall of so many percentage points is found."""
    within_min: float = Field(default=10.0, ge=2, le=60)
    """Within so many minutes."""
    medium_below_percent: float = Field(default=95.0, ge=0, le=101)
    """Low priority while it has not come below this, medium from there on."""


class FallingSaturation(TrendRule[FallingSaturationSettings]):
    """A patient whose saturation falls fast is told of before a limit is reached."""

    name = "falling_saturation"
    vitals = ("oxygen_saturation",)
    source = "4 points within 10 min: the customer's requirements"
    Settings = FallingSaturationSettings
    code = "oxygen_saturation_falling"
    sign = -1

    def shape(self) -> Shape:
        """Return a window of twenty points."""
        span_ms = round(self.settings.within_min * 60_000)
        return Shape(span_ms, span_ms // 20, every_ms=1_000, gap_ms=60_000)

    def change(self, window: Window) -> tuple[Change, float]:
        """Return the largest fall, as a share of the points that it takes."""
        points = self.settings.points
        change = fall(window.points, self._usual.span_ms, points)
        return change, -change.by / points

    def priority(self, change: Change) -> Priority:
        """Return medium once it is low as well."""
        is_low = change.to < self.settings.medium_below_percent
        return Priority.MEDIUM if is_low else Priority.LOW
