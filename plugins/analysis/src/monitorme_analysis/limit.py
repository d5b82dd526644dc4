"""Alarm limits: when a value counts as wrong, how long it has to be, by whom it is.

A value at or beyond a limit violates it. Warning limits make a condition of medium
priority, critical ones of high. The defaults' sources are named at each; MonitorMe is not
a medical device, and a hospital sets its own.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitorme.contract.payloads import Category
from monitorme.errors import ConfigError
from monitorme.site import first_mistake

Sleep = Literal["awake", "asleep", "unknown"]


class _Limits(BaseModel):
    # A limit that is no number could be written down, and never be told.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Band(_Limits):
    """Limits of one number; a side without a limit raises nothing."""

    low: float | None = None
    """At or below this: warning."""
    high: float | None = None
    """At or above this: warning."""
    critical_low: float | None = None
    """At or below this: critical."""
    critical_high: float | None = None
    """At or above this: critical."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        order = [self.critical_low, self.low, self.high, self.critical_high]
        given = [limit for limit in order if limit is not None]
        if given != sorted(given) or len(set(given)) != len(given):
            raise ValueError(
                "limits must rise: critical_low < low < high < critical_high"
            )
        return self


class VitalLimits(_Limits):
    """How one number of one vital is judged."""

    awake: Band
    """Limits while awake."""
    asleep: Band | None = None
    """Limits while asleep; none means the same as awake. Where nothing fresh says
    which it is, the stricter of both applies, limit by limit."""
    on_delay_s: float = Field(default=0.0, ge=0, le=120)
    """How long a violation must last, by the readings' time, before it counts."""
    critical_on_delay_s: float | None = Field(default=None, ge=0, le=120)
    """The same for critical limits; none means that it is no other."""
    off_delay_s: float = Field(default=0.0, ge=0, le=120)
    """How long values must be back before the condition ends."""
    deadband: float = Field(default=0.0, ge=0)
    """How far within the limit a value must come back."""
    source: str = ""
    """Where the limits come from."""

    @model_validator(mode="after")
    def _sets_fit_each_other(self) -> Self:
        try:
            _ = self.stricter
        except ValidationError as error:
            raise ValueError(
                "limits for awake and asleep must not exclude each other"
            ) from error
        return self

    @cached_property
    def stricter(self) -> Band:
        """The limits that alarm first, of awake and asleep."""
        if self.asleep is None:
            return self.awake
        return Band(
            low=_highest(self.awake.low, self.asleep.low),
            high=_lowest(self.awake.high, self.asleep.high),
            critical_low=_highest(self.awake.critical_low, self.asleep.critical_low),
            critical_high=_lowest(self.awake.critical_high, self.asleep.critical_high),
        )

    @cached_property
    def on_delays_ms(self) -> tuple[int, int]:
        """The delays before, of warning and critical limits."""
        critical_s = self.critical_on_delay_s
        on_ms = round(self.on_delay_s * 1000)
        return on_ms, on_ms if critical_s is None else round(critical_s * 1000)

    @cached_property
    def quiet(self) -> tuple[float, float]:
        """Between these, both exclusive, nothing is violated, awake or asleep."""
        band = self.stricter
        lows = [n for n in (band.low, band.critical_low) if n is not None]
        highs = [n for n in (band.high, band.critical_high) if n is not None]
        return max(lows, default=-math.inf), min(highs, default=math.inf)

    def band(self, sleep: Sleep) -> Band:
        """Return the limits for a state of sleep."""
        match sleep:
            case "awake":
                return self.awake
            case "asleep":
                return self.asleep or self.awake
            case "unknown":
                return self.stricter


def _highest(one: float | None, other: float | None) -> float | None:
    given = [n for n in (one, other) if n is not None]
    return max(given) if given else None


def _lowest(one: float | None, other: float | None) -> float | None:
    given = [n for n in (one, other) if n is not None]
    return min(given) if given else None


class LimitsByCategory(_Limits):
    """Limits by category of patient, then vital, or `vital.component`."""

    adult: dict[str, VitalLimits] = Field(default_factory=dict)
    """Adults."""
    paediatric: dict[str, VitalLimits] = Field(default_factory=dict)
    """Children."""
    neonate: dict[str, VitalLimits] = Field(default_factory=dict)
    """Newborns."""

    def of(self, category: Category) -> dict[str, VitalLimits]:
        """Return the limits of a category."""
        match category:
            case Category.ADULT:
                return self.adult
            case Category.PAEDIATRIC:
                return self.paediatric
            case Category.NEONATE:
                return self.neonate


class AgeLimits(_Limits):
    """Limits of children of an age; they go before those of all children."""

    from_years: float = Field(ge=0)
    """From this age on."""
    to_years: float = Field(gt=0)
    """Until before this age."""
    limits: dict[str, VitalLimits]
    """By vital, or `vital.component`."""


class Limits(LimitsByCategory):
    """All limits of a site; of a patient's, the most particular go before the others.

    That is by category, then by age of a child, then by ward, then those that were set
    for the patient.
    """

    ages: dict[str, AgeLimits] = Field(default_factory=dict)
    """Of children whose date of birth is known, by name of the age."""
    wards: dict[str, LimitsByCategory] = Field(default_factory=dict)
    """Of a ward's patients, by id of the ward."""

    def in_force(
        self, category: Category, *, ward: str = "", age_years: float | None = None
    ) -> dict[str, VitalLimits]:
        """Return the limits of a patient for whom none are set."""
        found = dict(self.of(category))
        if category is Category.PAEDIATRIC and age_years is not None:
            for age in self.ages.values():
                if age.from_years <= age_years < age.to_years:
                    found |= age.limits
        of_ward = self.wards.get(ward)
        return found | of_ward.of(category) if of_ward else found

    def with_above(self, above: "Limits") -> "Limits":
        """Return these limits with others before them."""
        wards = {
            ward: _merged(
                self.wards.get(ward, LimitsByCategory()),
                above.wards.get(ward, LimitsByCategory()),
            )
            for ward in [*self.wards, *above.wards]
        }
        by_category = _merged(self, above)
        return Limits(
            adult=by_category.adult,
            paediatric=by_category.paediatric,
            neonate=by_category.neonate,
            ages={**self.ages, **above.ages},
            wards=wards,
        )

    def each(self) -> Iterator[tuple[str, str, VitalLimits]]:
        """Return where each limit stands, its vital, and the limits themselves."""
        for category in Category:
            yield from _each(str(category), self.of(category))
        for name, age in self.ages.items():
            yield from _each(name, age.limits)
        for ward, of_ward in self.wards.items():
            for category in Category:
                yield from _each(f"{ward} {category}", of_ward.of(category))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read limits from a TOML file; raises ConfigError naming the mistake."""
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls.model_validate(tables)
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from error
        except ValidationError as error:
            raise ConfigError(f"{path}: {first_mistake(error)}") from error


def _merged(below: LimitsByCategory, above: LimitsByCategory) -> LimitsByCategory:
    return LimitsByCategory(
        adult={**below.adult, **above.adult},
        paediatric={**below.paediatric, **above.paediatric},
        neonate={**below.neonate, **above.neonate},
    )


def _each(
    where: str, limits: Mapping[str, VitalLimits]
) -> Iterator[tuple[str, str, VitalLimits]]:
    for vital, one in limits.items():
        yield where, vital, one
