"""The rules of trends, as analysis installs them."""

from typing import Any, Final

from monitorme_analysis.rule import Rule
from monitorme_analysis.trends.day_and_night import DayAndNightRule
from monitorme_analysis.trends.heart_rate import RisingHeartRate
from monitorme_analysis.trends.nearing import NearingLimit
from monitorme_analysis.trends.saturation import FallingSaturation
from monitorme_analysis.trends.systolic import SystolicAgainstLast
from monitorme_analysis.trends.temperature import ClimbingTemperature

RULES: Final[tuple[type[Rule[Any, Any]], ...]] = (
    FallingSaturation,
    RisingHeartRate,
    ClimbingTemperature,
    SystolicAgainstLast,
    DayAndNightRule,
    NearingLimit,
)
