"""A score as the sum of its parts, some of which may be unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from monitorme_analysis.scores.bands import Bands

NOT_GIVEN: Final = "not given"
"""Why an input is unknown, where nobody says more."""


class Part(NamedTuple):
    """The points of one input; `low` and `high` differ where it is not known."""

    name: str
    """The input, in words."""
    low: int
    """The fewest points that it can have."""
    high: int
    """The most."""
    why: str = ""
    """Why it is not known; empty where it is."""

    @property
    def points(self) -> int | None:
        """The points; None where they are not known."""
        return self.low if self.low == self.high and not self.why else None


@dataclass(frozen=True, slots=True)
class Score:
    """A score, or the range that it can have while inputs are missing."""

    name: str
    """What people call it."""
    parts: tuple[Part, ...]
    """In the order of the table."""
    low: int = field(init=False, compare=False)
    """The least that it can be."""
    high: int = field(init=False, compare=False)
    """The most that it can be."""
    missing: tuple[Part, ...] = field(init=False, compare=False)
    """The parts that are not known."""

    def __post_init__(self) -> None:
        """Add up; scores are made every half minute, and asked more than once."""
        parts = self.parts
        object.__setattr__(self, "low", sum([part.low for part in parts]))
        object.__setattr__(self, "high", sum([part.high for part in parts]))
        missing = tuple([part for part in parts if part.why])
        object.__setattr__(self, "missing", missing)

    @property
    def total(self) -> int | None:
        """The score; None while it is incomplete."""
        return None if self.missing else self.low

    def text(self) -> str:
        """Return it in words: what it is, or can be, and what is missing."""
        if not self.missing:
            return f"{self.name} {self.low}"
        return f"{self.name} {self.low} to {self.high} ({lacking(self.missing)})"


def lacking(parts: tuple[Part, ...]) -> str:
    """Return what is missing in words, with its reason."""
    return ", ".join(f"{part.name} {part.why}" for part in parts)


def number_part(
    name: str, value: float | None, bands: Bands, absent: Mapping[str, str]
) -> Part:
    """Return the part that a number gives, or all that it can be."""
    if value is None:
        low, high = min(bands.points), max(bands.points)
        return Part(name, low, high, absent.get(name, NOT_GIVEN))
    points = bands.points_of(value)
    return Part(name, points, points)
