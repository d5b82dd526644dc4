"""The Bedside Paediatric Early Warning System score, as far as devices and staff tell.

Source: Parshuram, Hutchison and Middaugh 2009, "Development and initial validation of the
Bedside Paediatric Early Warning System score" (Crit. Care 13:R135), table 1 and the seven
items of the final score, 0 to 26; from 8 on 82 % of the children who went to intensive
care were found. Children under 18 on a ward; those in neonatal units were not studied.

Two items are never known here, capillary refill (0 or 4) and the effort of breathing (0
to 4), and of oxygen only whether it is given, not how much (2 or 4). So the score is
always a range, and what counts is the least that it can be. "> 150" for a heart rate at 4
to 12 years, and "< 50" over 12, are taken as "or equal", as in every other cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monitorme_analysis.scores.bands import Bands
from monitorme_analysis.scores.news2 import (
    HEART_RATE,
    OXYGEN,
    RESPIRATORY_RATE,
    SATURATION,
    SYSTOLIC,
    News2Inputs,
)
from monitorme_analysis.scores.score import NOT_GIVEN, Part, Score, number_part

ADULT_YEARS: Final = 18
WORRYING: Final = 8
"""From here on the study's children were likely to go to intensive care."""

_POINTS: Final = (4, 2, 1, 0, 1, 2, 4)
_SATURATION = Bands((90, 94), (2, 1, 0))


@dataclass(frozen=True, slots=True)
class _Age:
    below_years: float
    heart_rate: Bands
    systolic: Bands
    respiratory_rate: Bands


def _row(*lows_and_highs: int) -> Bands:
    """Return a row from its printed borders: at or below three, at or above three."""
    lows, highs = lows_and_highs[:3], lows_and_highs[3:]
    return Bands((*lows, *(high - 1 for high in highs)), _POINTS)


_AGES: Final = (
    _Age(
        0.25,
        _row(80, 90, 110, 150, 180, 190),
        _row(45, 50, 60, 80, 100, 130),
        _row(15, 19, 29, 61, 81, 91),
    ),
    _Age(
        1,
        _row(70, 80, 100, 150, 170, 180),
        _row(60, 70, 80, 100, 120, 150),
        _row(15, 19, 24, 51, 71, 81),
    ),
    _Age(
        4,
        _row(60, 70, 90, 120, 150, 170),
        _row(65, 75, 90, 110, 125, 160),
        _row(12, 15, 19, 41, 61, 71),
    ),
    _Age(
        12,
        _row(50, 60, 70, 110, 130, 150),
        _row(70, 80, 90, 120, 140, 170),
        _row(10, 14, 19, 31, 41, 51),
    ),
    _Age(
        ADULT_YEARS,
        _row(40, 50, 60, 100, 120, 140),
        _row(75, 85, 100, 130, 150, 190),
        _row(9, 10, 11, 17, 23, 30),
    ),
)


def bedside_pews(
    age_years: float, inputs: News2Inputs, absent: Mapping[str, str] | None = None
) -> Score:
    """Return the range of the score; raises ValueError for an age of 18 or more.

    `absent` says, by part, why an input is not known.
    """
    age = next((one for one in _AGES if age_years < one.below_years), None)
    if age is None or age_years < 0:
        raise ValueError(f"Bedside PEWS is for children, not for {age_years:g} years")
    why = absent or {}
    parts = (
        number_part(HEART_RATE, inputs.heart_rate, age.heart_rate, why),
        number_part(SYSTOLIC, inputs.systolic_mmhg, age.systolic, why),
        Part("capillary refill", 0, 4, "not measured"),
        number_part(
            RESPIRATORY_RATE, inputs.respiratory_rate, age.respiratory_rate, why
        ),
        Part("respiratory effort", 0, 4, "not measured"),
        number_part(SATURATION, inputs.saturation_percent, _SATURATION, why),
        _oxygen(inputs.oxygen, why),
    )
    return Score("Bedside PEWS", parts)


def _oxygen(oxygen: bool | None, why: Mapping[str, str]) -> Part:
    if oxygen is None:
        return Part(OXYGEN, 0, 4, why.get(OXYGEN, NOT_GIVEN))
    if oxygen:
        return Part("amount of oxygen", 2, 4, "not measured")
    return Part(OXYGEN, 0, 0)
