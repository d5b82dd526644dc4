"""Temperature that climbs: a degree within four hours."""

from pydantic import Field

from monitorme.contract.payloads import Priority
from monitorme_analysis.rule import RuleSettings
from monitorme_analysis.trends.change import Change, rise
from monitorme_analysis.trends.trending import TrendRule
from monitorme_analysis.trends.window import Shape, Window


class ClimbingTemperatureSettings(RuleSettings):
    """Settings of the climbing temperature."""

    degrees: float = Field(default=1.0, gt=0, le=5)
    """A rise by so many degrees Celsius is found."""
    within_min: float = Field(default=240.0, ge=30, le=1_440)
    """Within so many minutes."""
    medium_from_cel: float = Field(default=38.0, ge=20, le=45)
    """Low priority while it has not come to this, medium from there on."""


class ClimbingTemperature(TrendRule[ClimbingTemperatureSettings]):
    """A fever that begins is told of before a limit is reached."""

    name = "climbing_temperature"
    vitals = ("body_temperature",)
    source = (
        "a rise of 1 Cel or more within 4 h, to 38 or more: febrile reaction as "
        "haemovigilance defines it (CDC NHSN; ISBT); below 38, low priority: ours"
    )
    Settings = ClimbingTemperatureSettings
    code = "body_temperature_climbing"
    sign = 1

    def shape(self) -> Shape:
        """Return a window of at most forty-eight points."""
        span_ms = round(self.settings.within_min * 60_000)
        return Shape(span_ms, 0, every_ms=span_ms // 48, gap_ms=1_800_000)

    def change(self, window: Window) -> tuple[Change, float]:
        """Return the largest rise, as a share of the degrees that it takes."""
        degrees = self.settings.degrees
        change = rise(window.points, self._usual.span_ms, degrees)
        return change, change.by / degrees

    def priority(self, change: Change) -> Priority:
        """Return medium once it is a fever as well."""
        is_fever = change.to >= self.settings.medium_from_cel
        return Priority.MEDIUM if is_fever else Priority.LOW
