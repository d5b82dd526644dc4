"""At which rates a heart is in danger by its rate alone, by whose heart it is."""

from collections.abc import Mapping
from math import inf
from typing import Final, NamedTuple

from monitorme.contract.payloads import Category
from monitorme_analysis.limit import VitalLimits


class Extremes(NamedTuple):
    """Beats a minute: what is below `slow` or above `fast` is extreme."""

    slow: float
    fast: float


ADULT: Final = Extremes(40.0, 140.0)
"""The alarms of the PhysioNet/CinC Challenge 2015, whose patients were grown up."""


def extremes_of(category: Category, limits: Mapping[str, VitalLimits]) -> Extremes:
    """Return what is extreme for a patient.

    Of children no such definition is published, and 140 is what a newborn's heart does
    at rest: theirs are the critical limits of their age that are in force.
    """
    known = limits.get("heart_rate")
    if category is Category.ADULT or known is None:
        return ADULT
    low, high = known.awake.critical_low, known.awake.critical_high
    return Extremes(ADULT.slow if low is None else low, inf if high is None else high)
