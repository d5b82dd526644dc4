"""Limits of children by age: what is usual at an age, and how far beyond it is alarming.

Usual ranges of rates and pressures, and the systolic pressure that counts as low: the
vital signs reference of Pediatric Advanced Life Support (American Heart Association,
2015), checked against the chart that pedscases.com makes of it; its ages of 12 to 15 years
stand here for all up to 18. A range is not a limit: up to 54 % of the heart rates of
children in hospital lie outside of one (Bonafide, 2013), so that the margins, ours, are
wide:

- heart rate: warning at the lower bound, awake or asleep, and 10 % above the upper bound
  awake; critical at 80 % of the lower bound asleep and 125 % of the upper awake;
- respiratory rate: warning 25 % beyond, critical 50 % beyond;
- systolic pressure: warning where it counts as low and 15 % above the upper bound;
  critical 10 mmHg below and 30 % above.
"""

from typing import Final, NamedTuple

from monitorme.contract.payloads import Category
from monitorme_analysis.limit import AgeLimits, Band, VitalLimits

_SOURCE: Final = (
    "usual range: PALS reference (AHA 2015, as pedscases.com has it); margins: ours"
)
_DELAYS: Final = "delay before: Draeger M540 validation delays"


class _Age(NamedTuple):
    name: str
    from_years: float
    to_years: float
    awake: tuple[int, int]
    asleep_low: int
    breaths: tuple[int, int]
    systolic: tuple[int, int]
    """The pressure at or below which it counts as low, and the upper bound."""


_AGES: Final = (
    _Age("infant", 0.0, 1.0, (100, 190), 90, (30, 53), (70, 104)),
    _Age("toddler", 1.0, 3.0, (98, 140), 80, (22, 37), (74, 106)),
    _Age("preschool", 3.0, 6.0, (80, 120), 65, (20, 28), (80, 112)),
    _Age("school", 6.0, 10.0, (75, 118), 58, (18, 25), (86, 115)),
    _Age("preteen", 10.0, 12.0, (75, 118), 58, (18, 25), (90, 120)),
    _Age("adolescent", 12.0, 18.0, (60, 100), 50, (12, 20), (90, 131)),
)
"""Low systolic pressure: 70 mmHg below a year, 70 + 2 a year of age to 10, then 90; of
ages that span years, that of their middle."""


_NEONATE_YEARS: Final = 28 / 365.2425
"""A neonate is one for 28 days (WHO)."""
_ADULT_YEARS: Final = _AGES[-1].to_years


def category_of(age_years: float) -> Category:
    """Return the kind of patient that somebody of an age is, where nobody said."""
    if age_years < _NEONATE_YEARS:
        return Category.NEONATE
    return Category.PAEDIATRIC if age_years < _ADULT_YEARS else Category.ADULT


def age_limits() -> dict[str, AgeLimits]:
    """Return the limits of children by name of the age."""
    return {
        age.name: AgeLimits(
            from_years=age.from_years,
            to_years=age.to_years,
            limits={
                "heart_rate": _heart_rate(age),
                "respiratory_rate": _breaths(age),
                "blood_pressure.systolic": _systolic(age),
            },
        )
        for age in _AGES
    }


def _heart_rate(age: _Age) -> VitalLimits:
    high, critical_high = 1.10 * age.awake[1], 1.25 * age.awake[1]
    critical_low = 0.8 * age.asleep_low
    return VitalLimits(
        awake=_band(age.awake[0], high, critical_low, critical_high),
        asleep=_band(age.asleep_low, high, critical_low, critical_high),
        on_delay_s=6,
        off_delay_s=5,
        deadband=2,
        source=f"{_SOURCE}; {_DELAYS}",
    )


def _breaths(age: _Age) -> VitalLimits:
    low, high = age.breaths
    return VitalLimits(
        awake=_band(0.75 * low, 1.25 * high, 0.5 * low, 1.5 * high),
        on_delay_s=14,
        off_delay_s=5,
        deadband=1,
        source=f"{_SOURCE}; {_DELAYS}",
    )


def _systolic(age: _Age) -> VitalLimits:
    low, high = age.systolic
    return VitalLimits(
        awake=_band(low, 1.15 * high, low - 10, 1.3 * high), source=_SOURCE
    )


def _band(low: float, high: float, critical_low: float, critical_high: float) -> Band:
    return Band(
        low=round(low),
        high=round(high),
        critical_low=round(critical_low),
        critical_high=round(critical_high),
    )
