"""The alarm limits that come with MonitorMe, each with its source.

MonitorMe is not a medical device: they are defaults, and a hospital sets its own.
"""

from monitorme_analysis.age_limits import age_limits
from monitorme_analysis.limit import (
    Band,
    Limits,
    LimitsByCategory,
    VitalLimits,
)
from monitorme_analysis.limits_file import render

__all__ = [
    "Band",
    "Limits",
    "LimitsByCategory",
    "VitalLimits",
    "default_limits",
    "render_limits",
]


def default_limits() -> Limits:
    """Return the limits that come with MonitorMe."""
    return Limits(
        adult=_ADULT, paediatric=_PAEDIATRIC, neonate=_NEONATE, ages=age_limits()
    )


def render_limits(limits: Limits | None = None) -> str:
    """Return limits as a TOML file, each with its source."""
    return render(limits or default_limits())


_DELAYS = "delay before: Draeger M540 validation delays"
_SATURATION_DELAYS = _DELAYS + "; of critical limits: ours"
_CONTINUOUS = {"off_delay_s": 5.0}
_SATURATION = {"on_delay_s": 10.0, "critical_on_delay_s": 6.0}
"""The M540's lower delay is 10 s, its upper one 6 s; the critical limit is a
desaturation, which Philips tells without a delay: ours takes two readings 5 s apart."""

_ADULT = {
    "heart_rate": VitalLimits(
        awake=Band(low=50, high=120, critical_low=40, critical_high=150),
        asleep=Band(low=45, high=120, critical_low=40, critical_high=150),
        on_delay_s=6,
        deadband=2,
        source="low, high: Edan M3A, Contec CMS8000; critical high: GE V100; critical "
        "low: NEWS2 score 3; asleep: 10 % below awake; " + _DELAYS,
        **_CONTINUOUS,
    ),
    "respiratory_rate": VitalLimits(
        awake=Band(low=8, high=30, critical_low=4, critical_high=35),
        on_delay_s=14,
        deadband=1,
        source="low, high: common monitor defaults; critical: OpenICE; " + _DELAYS,
        **_CONTINUOUS,
    ),
    "oxygen_saturation": VitalLimits(
        awake=Band(low=89, critical_low=80),
        **_SATURATION,
        deadband=1,
        source="alarm below 90 (Edan M3A, Contec), so at or below 89; desaturation: "
        "Mindray; " + _SATURATION_DELAYS,
        **_CONTINUOUS,
    ),
    "body_temperature": VitalLimits(
        awake=Band(low=35.5, high=39.0, critical_low=32.0, critical_high=40.0),
        source="high: common monitor defaults; critical high: 104 F of the customer's "
        "requirements; critical low: OpenICE",
    ),
    "blood_pressure.systolic": VitalLimits(
        awake=Band(low=90, high=160, critical_low=80, critical_high=200),
        source="low, high: Mindray TM80; critical: GE V100",
    ),
    "blood_pressure.diastolic": VitalLimits(
        awake=Band(low=45, high=100, critical_low=30, critical_high=120),
        source="low, high: Infirmary Integrated; critical: GE V100",
    ),
    "blood_glucose": VitalLimits(
        awake=Band(low=70, high=250, critical_low=54, critical_high=400),
        source="low and critical low: ADA levels 1 and 2 of hypoglycaemia; high: ours",
    ),
}

_PAEDIATRIC = {
    **_ADULT,
    "heart_rate": VitalLimits(
        awake=Band(low=75, high=160, critical_low=60, critical_high=190),
        asleep=Band(low=65, high=160, critical_low=60, critical_high=190),
        on_delay_s=6,
        deadband=2,
        source="low, high: Edan M3A, Contec CMS8000; critical: ours; " + _DELAYS,
        **_CONTINUOUS,
    ),
}

_NEONATE = {
    "heart_rate": VitalLimits(
        awake=Band(low=100, high=200, critical_low=80, critical_high=220),
        on_delay_s=6,
        deadband=2,
        source="low, high: Edan M3A, Contec CMS8000; critical: ours; " + _DELAYS,
        **_CONTINUOUS,
    ),
    "respiratory_rate": VitalLimits(
        awake=Band(low=30, high=100, critical_low=20, critical_high=120),
        on_delay_s=14,
        deadband=1,
        source="low, high: common monitor defaults; critical: ours; " + _DELAYS,
        **_CONTINUOUS,
    ),
    "oxygen_saturation": VitalLimits(
        awake=Band(low=84, critical_low=80),
        **_SATURATION,
        deadband=1,
        source="alarm below 85 (Contec), so at or below 84; critical: Mindray; "
        + _SATURATION_DELAYS,
        **_CONTINUOUS,
    ),
    "body_temperature": VitalLimits(
        awake=Band(low=36.0, high=38.5, critical_low=35.0, critical_high=40.0),
        source="ours, within common monitor defaults of 36 to 39",
    ),
    "blood_pressure.systolic": VitalLimits(
        awake=Band(low=40, high=100, critical_low=35, critical_high=110),
        source="low, high: GE V100; critical: ours",
    ),
}
