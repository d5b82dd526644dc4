"""Which other unit a number may be in: 98.6 where degrees Celsius are due."""

from dataclasses import dataclass
from typing import Final

from monitorme.contract.vitals import Vital

FAR: Final = 0.5
"""A plausible value is doubted only where it is so much, of itself, off the last one."""
NEAR: Final = 0.3
"""In the other unit it must be so near, of itself, to the last one."""


@dataclass(frozen=True, slots=True)
class OtherUnit:
    """A unit that devices are set to by mistake: catalogue's = factor * it + offset."""

    name: str
    factor: float
    offset: float = 0.0

    def convert(self, number: float) -> float:
        """Return a number of this unit in the catalogue's."""
        return self.factor * number + self.offset


OTHER_UNITS: Final[dict[str, tuple[OtherUnit, ...]]] = {
    "Cel": (
        OtherUnit("degrees Fahrenheit", 5 / 9, -160 / 9),
        OtherUnit("kelvin", 1.0, -273.15),
    ),
    # The molar mass of glucose is 180.16 g/mol.
    "mg/dL": (OtherUnit("mmol/L", 18.016),),
    "mm[Hg]": (OtherUnit("kPa", 7.50062),),
    "%": (OtherUnit("a fraction of 1", 100.0),),
}
"""By UCUM code of the catalogue's unit."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A number looks right in another unit."""

    unit: str
    converted: float
    """What it would be, in the catalogue's unit."""


def suspect(number: float, entry: Vital, last: float | None) -> Suspicion | None:
    """Return the unit that a number seems to be in, where it is not the catalogue's.

    An impossible number is suspected where another unit makes it possible. A possible
    one only where it is far from the last value, and near it in the other unit.
    """
    for other in OTHER_UNITS.get(entry.unit, ()):
        converted = other.convert(number)
        if not entry.is_plausible(converted):
            continue
        if not entry.is_plausible(number) or (
            last and is_far(number, last) and _is_near(converted, last)
        ):
            return Suspicion(other.name, converted)
    return None


def is_far(number: float, last: float) -> bool:
    """Say whether a plausible number is so far off the last one that it is doubted."""
    return abs(number - last) > FAR * abs(last)


def _is_near(number: float, last: float) -> bool:
    return abs(number - last) <= NEAR * abs(last)
