"""Scenarios: what happens to a patient and to the devices, as data (scenarios.toml).

A scenario is a list of steps in time. What a step aims a body value at is reached
linearly over the step (or over its `ramp_s`) and stays until a later step aims it
elsewhere or recovers it. What it says of rhythm, devices and clock holds
for that step alone.
"""

import re
import tomllib
from collections.abc import Container, Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitorme.contract.vitals import Catalogue
from monitorme.errors import ConfigError

Parameter = Literal[
    "heart_rate",
    "respiratory_rate",
    "oxygen_saturation",
    "body_temperature",
    "systolic",
    "diastolic",
    "blood_glucose",
    "sleep_depth",
]
"""A body value that a scenario can aim, in the catalogue's unit; sleep_depth 0 to 1."""

Rhythm = Literal["sinus", "ventricular", "asystole"]

_Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_Seconds = Annotated[float, Field(ge=0, le=7 * 86_400, allow_inf_nan=False)]
_Target = Annotated[float, Field(ge=0, le=1_000, allow_inf_nan=False)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Entry):
    """A stretch of time of a scenario."""

    lasts_s: _Seconds = Field(gt=0)
    """How long it lasts."""
    to: dict[Parameter, _Target] = Field(default_factory=dict)
    """Body values to reach, each in the catalogue's unit."""
    ramp_s: _Seconds | None = None
    """Time to reach them, and to recover in; the whole step unless given."""
    recover: tuple[Parameter, ...] | Literal["all"] = ()
    """Body values that return to the patient's own."""
    rhythm: Rhythm = "sinus"
    """What the heart does."""
    invalid: dict[_Word, _Word] = Field(default_factory=dict)
    """Vitals that the device sends as invalid, each with its reason."""
    silent: tuple[_Word, ...] | Literal["all"] = ()
    """Vitals of which the device sends nothing."""
    measure: tuple[_Word, ...] = ()
    """Vitals measured once more at the step's start, as staff do when worried."""
    clock_offset_s: float = Field(default=0.0, ge=-1e9, le=1e9)
    """How far the device's clock is ahead."""

    @model_validator(mode="after")
    def _aims_once(self) -> Self:
        both = set(self.to) & set(self.recover if self.recover != "all" else self.to)
        if both:
            raise ValueError(f"{sorted(both)[0]} is both aimed and recovering")
        if self.ramp_s is not None and self.ramp_s > self.lasts_s:
            raise ValueError("ramp_s is longer than lasts_s")
        return self

    def recovering(self) -> frozenset[Parameter]:
        """Return the body values that this step recovers."""
        if self.recover == "all":
            return frozenset(get_args(Parameter))
        return frozenset(self.recover)

    def vitals(self) -> Iterator[str]:
        """Yield the vitals that the step names."""
        yield from self.invalid
        yield from self.measure
        if self.silent != "all":
            yield from self.silent


class Scenario(_Entry):
    """What happens to a patient and to the devices, in time."""

    title: str = Field(min_length=1)
    """What it shows, in a sentence."""
    repeat: bool = False
    """Whether it begins again after the last step; otherwise that step goes on."""
    steps: tuple[Step, ...] = ()
    """What happens, in order; nothing for a stable patient."""

    @model_validator(mode="after")
    def _repeats_from_where_it_began(self) -> Self:
        aimed: set[Parameter] = set()
        for step in self.steps:
            aimed = (aimed | step.to.keys()) - step.recovering()
        if self.repeat and not self.steps:
            raise ValueError("a scenario that repeats has steps")
        if self.repeat and aimed:
            names = ", ".join(sorted(aimed))
            raise ValueError(f"a scenario that repeats recovers all it aims: {names}")
        return self

    @property
    def lasts_s(self) -> float:
        """Return how long its steps last together."""
        return sum(step.lasts_s for step in self.steps)


STABLE = Scenario(title="Nothing happens")


def names() -> tuple[str, ...]:
    """Return the names of the scenarios that come with MonitorMe."""
    return tuple(load())


def load(
    path: Path | None = None, *, vitals: Container[str] | None = None
) -> dict[str, Scenario]:
    """Read scenarios by name: those at `path`, or those that come with MonitorMe.

    Raises:
        ConfigError: the file cannot be read, or says what no scenario can; names file,
            place and mistake. A vital that is not in `vitals` (the default catalogue's,
            for a file of one's own) is such a mistake.
    """
    if path is None:
        packaged = resources.files("monitorme_device_sim") / "scenarios.toml"
        return _parse(packaged.read_text(encoding="utf-8"), "scenarios.toml", vitals)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read scenarios from {path}: {error}") from error
    return _parse(text, str(path), Catalogue.load() if vitals is None else vitals)


def _parse(
    text: str, source: str, vitals: Container[str] | None
) -> dict[str, Scenario]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}") from error
    scenarios = {name: _scenario(name, tables[name], source) for name in tables}
    if vitals is not None:
        _know_their_vitals(scenarios, vitals, source)
    return scenarios


def _scenario(name: str, table: object, source: str) -> Scenario:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ConfigError(f"{source}: scenario name {name!r} must be a-z, 0-9 and _")
    try:
        return Scenario.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (name, *first["loc"]))
        raise ConfigError(f"{source}: {where}: {first['msg']}") from error


def _know_their_vitals(
    scenarios: dict[str, Scenario], vitals: Container[str], source: str
) -> None:
    for name, scenario in scenarios.items():
        for number, step in enumerate(scenario.steps):
            for vital in step.vitals():
                if vital not in vitals:
                    raise ConfigError(
                        f"{source}: {name}.steps.{number}: "
                        f"the catalogue has no vital {vital!r}"
                    )
