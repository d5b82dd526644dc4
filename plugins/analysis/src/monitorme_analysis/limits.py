"""Alarm limits: when a value counts as wrong, how long it has to be, by whom it is.

A value at or beyond a limit violates it. Warning limits make a condition of medium
priority, critical ones of high. The defaults' sources are named at each; MonitorMe is not
a medical device, and a hospital sets its own.
"""

import json
import math
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitorme.contract.payloads import Category
from monitorme.errors import ConfigError
from monitorme.site import first_mistake

Sleep = Literal["awake", "asleep", "unknown"]


class _Limits(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True
    )


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


class Limits(_Limits):
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

    def switched_off(self) -> Iterator[str]:
        """Say which limits can never be reached, as a sentence each."""
        for category in Category:
            for vital, limits in self.of(category).items():
                for high in (limits.awake.high, limits.awake.critical_high):
                    if vital == "oxygen_saturation" and high is not None and high > 100:
                        yield f"{category} {vital}: a high limit of {high:g} % is off"
                if limits.awake == Band():
                    yield f"{category} {vital}: without limits, it never alarms"

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


def default_limits() -> Limits:
    """Return the limits that come with MonitorMe."""
    return Limits(adult=_ADULT, paediatric=_PAEDIATRIC, neonate=_NEONATE)


_DELAYS = "delay before: Draeger M540 validation delays"
_CONTINUOUS = {"off_delay_s": 5.0}

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
        on_delay_s=6,
        deadband=1,
        source="alarm below 90 (Edan M3A, Contec), so at or below 89; desaturation: "
        "Mindray; " + _DELAYS,
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
        on_delay_s=6,
        deadband=1,
        source="alarm below 85 (Contec), so at or below 84; critical: Mindray; "
        + _DELAYS,
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


def render_limits(limits: Limits | None = None) -> str:
    """Return limits as a TOML file, each with its source."""
    lines = [
        "# Alarm limits by category of patient and vital, or vital.component.",
        "# A value at or beyond a limit violates it: warning limits make an alarm of",
        "# medium priority, critical ones of high. Not a medical device: a hospital",
        "# sets its own. Written by `monitorme config`.",
    ]
    shown = limits or default_limits()
    for category in Category:
        for vital, one in shown.of(category).items():
            lines += ["", f"# {one.source}", f"[{category}.{json.dumps(vital)}]"]
            lines += _pairs(one)
    return "\n".join(lines) + "\n"


def _pairs(one: VitalLimits) -> Iterator[str]:
    for name, value in one.model_dump(exclude={"source"}, exclude_none=True).items():
        if isinstance(value, dict):
            inner = ", ".join(f"{key} = {number}" for key, number in value.items())
            yield f"{name} = {{ {inner} }}"
        else:
            yield f"{name} = {value}"
