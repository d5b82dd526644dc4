"""Limits suggested from what is usual for a patient; never applied by themselves.

The rules are a monitor vendor's automatic limits (Mindray BeneVision, manual), within
the range that it allows. A saturation keeps its limits: what is usual for a patient may
be too little. Critical limits stay as they are where they lie beyond the suggested ones.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from monitorme.contract.payloads import Category
from monitorme_analysis.limit import Band, VitalLimits

MARGIN: Final = 0.1
"""A critical limit that is not beyond a suggested one is moved so far beyond, of it."""


class Range(NamedTuple):
    """A low and a high limit."""

    low: float
    high: float


_Rule = Callable[[float], Range]

_ADULT: Final[Mapping[str, _Rule]] = {
    "heart_rate": lambda n: Range(max(0.8 * n, 40), min(1.25 * n, 240)),
    "respiratory_rate": lambda n: Range(max(0.5 * n, 6), min(1.5 * n, 30)),
    "blood_pressure.systolic": lambda n: Range(0.68 * n + 10, 0.86 * n + 38),
    "blood_pressure.diastolic": lambda n: Range(0.68 * n + 6, 0.86 * n + 32),
    "blood_pressure.mean": lambda n: Range(0.68 * n + 8, 0.86 * n + 35),
    "body_temperature": lambda n: Range(n - 0.5, n + 0.5),
}
_NEONATE: Final[Mapping[str, _Rule]] = {
    "heart_rate": lambda n: Range(max(n - 30, 90), min(n + 40, 200)),
    "respiratory_rate": lambda n: Range(max(n - 10, 30), min(n + 25, 85)),
    "blood_pressure.systolic": lambda n: Range(max(n - 15, 45), min(n + 15, 105)),
    "body_temperature": lambda n: Range(n - 0.5, n + 0.5),
}


def suggest(
    category: Category,
    usual: Mapping[str, float],
    in_force: Mapping[str, VitalLimits],
) -> dict[str, Band]:
    """Return limits for awake, by vital, from the patient's usual values.

    A vital whose usual value lies outside of what the rule allows is left out: nothing
    that is alarming should become usual.
    """
    rules = _NEONATE if category is Category.NEONATE else _ADULT
    found = {}
    for name, value in usual.items():
        if name not in rules:
            continue
        decimals = 1 if name == "body_temperature" else None
        low, high = (round(limit, decimals) for limit in rules[name](value))
        if low < value < high:
            found[name] = _band(float(low), float(high), in_force.get(name))
    return found


def _band(low: float, high: float, in_force: VitalLimits | None) -> Band:
    awake = in_force.awake if in_force else Band()
    return Band(
        low=low,
        high=high,
        critical_low=_beyond(awake.critical_low, low, -1),
        critical_high=_beyond(awake.critical_high, high, 1),
    )


def _beyond(critical: float | None, warning: float, sign: int) -> float | None:
    """Return a critical limit that lies beyond a warning limit."""
    if critical is None or sign * (critical - warning) > 0:
        return critical
    return round(warning + sign * MARGIN * abs(warning), 1)
