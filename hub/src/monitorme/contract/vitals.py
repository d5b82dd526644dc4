"""The catalogue of vital signs: what each vital is, as data (config/vitals.toml)."""

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from monitorme.errors import ConfigError


class VitalKind(StrEnum):
    """The shape of a vital's value."""

    NUMERIC = "numeric"
    WAVEFORM = "waveform"
    STATE = "state"
    COMPOSITE = "composite"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Component(_Entry):
    """One part of a composite value, such as the systolic pressure."""

    label: str
    """Short name for screens."""
    loinc: str | None = None
    """LOINC code."""
    mdc: int | None = None
    """ISO/IEEE 11073-10101 code."""


class Vital(_Entry):
    """What MonitorMe knows about one vital sign."""

    label: str
    """Short name for screens."""
    name: str
    """Name in running text."""
    kind: VitalKind
    """Shape of the value."""
    unit: str = ""
    """UCUM code of the value, of each component, or of a waveform's samples."""
    cadence_ms: int = Field(gt=0)
    """How often a device sends it."""
    stale_after_ms: int = Field(gt=0)
    """Age, by arrival, at which it no longer counts as known."""
    episodic: bool = False
    """True where each sample is a measurement by itself."""
    decimals: int = Field(default=0, ge=0, le=6)
    """Digits after the point on screens."""
    plausible: tuple[float, float] | None = None
    """A value outside is kept, but never shown, judged or averaged as a number."""
    loinc: str | None = None
    """LOINC code."""
    mdc: int | None = None
    """ISO/IEEE 11073-10101 code."""
    components: dict[str, Component] = Field(default_factory=dict)
    """Parts of a composite value."""
    states: tuple[str, ...] = ()
    """Values of a state."""
    leads: tuple[str, ...] = ()
    """Usual leads of a waveform."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if bool(self.components) != (self.kind is VitalKind.COMPOSITE):
            raise ValueError("a composite vital, and no other, lists its components")
        if bool(self.states) != (self.kind is VitalKind.STATE):
            raise ValueError("a state vital, and no other, lists its states")
        if self.stale_after_ms < self.cadence_ms:
            raise ValueError("stale_after_ms must not be less than cadence_ms")
        if self.plausible and not self.plausible[0] < self.plausible[1]:
            raise ValueError("plausible must be [low, high]")
        return self

    def is_plausible(self, number: float) -> bool:
        """Say whether a number of this vital is physically possible."""
        return self.plausible is None or (
            self.plausible[0] <= number <= self.plausible[1]
        )


class Catalogue(dict[str, Vital]):
    """The vitals of a site by name, in the order of its file; nobody changes one.

    It is looked into for every reading, which is why it is a plain dict.
    """

    @classmethod
    def parse(cls, text: str, *, source: str = "the vitals catalogue") -> Self:
        """Read a catalogue; raises ConfigError naming `source`, table and mistake."""
        try:
            tables = tomllib.loads(text)
            _names_are_valid(tables)
            return cls({name: Vital.model_validate(t) for name, t in tables.items()})
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{source}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the table"
            raise ConfigError(f"{source}: {where}: {first['msg']}") from error

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read the catalogue at `path`, or the one that comes with MonitorMe."""
        if path is None:
            packaged = resources.files("monitorme") / "defaults" / "vitals.toml"
            return cls.parse(packaged.read_text(encoding="utf-8"))
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        return cls.parse(text, source=str(path))


def _names_are_valid(tables: Mapping[str, object]) -> None:
    for name in tables:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
            raise ConfigError(f"vital name {name!r} must be a-z, 0-9 and _")
