"""Day against night of the same patient: whether pressure and heart rate fall asleep.

The dip is how far the mean asleep lies below the mean awake, as a share of the latter. It
is 10 to 20 % in most people; less is called non-dipping, a mean that rises asleep reverse
dipping, and both go with a worse outlook. Sources: O'Brien et al., Lancet 1988 (10 % of
blood pressure); ESH guidelines on ambulatory monitoring 2014 (classes; at least 20 values
awake and 7 asleep, taken each half hour: half of that from an hourly cuff); for the heart
rate, the same 10 % in a study of 3,957 people followed for death (Ben-Dov et al. 2007).
"""

from dataclasses import dataclass
from typing import Final, Literal

HOUR_MS: Final = 3_600_000
DAY_HOURS: Final = 24
DIP_AT_LEAST: Final = 0.1
"""A smaller share is non-dipping."""
DIP_AT_MOST: Final = 0.2
"""A larger share is extreme dipping."""

Dipping = Literal["dipping", "extreme", "non_dipping", "reverse"]


@dataclass(frozen=True, slots=True)
class Hour:
    """Sums of one hour: of values awake, and of values asleep."""

    hour: int
    """Counted since the epoch."""
    awake: float = 0.0
    awake_count: int = 0
    asleep: float = 0.0
    asleep_count: int = 0


@dataclass(frozen=True, slots=True)
class DayAndNight:
    """The means awake and asleep of the newest 24 hours."""

    awake: float
    asleep: float

    @property
    def dip(self) -> float:
        """How far asleep lies below awake, as a share; negative where it lies above."""
        return (self.awake - self.asleep) / self.awake

    @property
    def dipping(self) -> Dipping:
        """The class of the dip."""
        if self.dip < 0:
            return "reverse"
        if self.dip < DIP_AT_LEAST:
            return "non_dipping"
        return "dipping" if self.dip < DIP_AT_MOST else "extreme"


def note(
    hours: tuple[Hour, ...], at_ms: int, value: float, *, asleep: bool
) -> tuple[Hour, ...]:
    """Return the hours with a value; those older than a day before it go."""
    number = at_ms // HOUR_MS
    last = hours[-1] if hours and hours[-1].hour == number else Hour(number)
    if asleep:
        total, count = last.asleep + value, last.asleep_count + 1
        last = Hour(number, last.awake, last.awake_count, total, count)
    else:
        total, count = last.awake + value, last.awake_count + 1
        last = Hour(number, total, count, last.asleep, last.asleep_count)
    kept = tuple(h for h in hours if number - DAY_HOURS < h.hour < number)
    return (*kept, last)


def compare(
    hours: tuple[Hour, ...], *, awake_at_least: int, asleep_at_least: int
) -> DayAndNight | None:
    """Return day and night, or None where too few values make them up."""
    awake_count = sum(hour.awake_count for hour in hours)
    asleep_count = sum(hour.asleep_count for hour in hours)
    if awake_count < awake_at_least or asleep_count < asleep_at_least:
        return None
    awake = sum(hour.awake for hour in hours) / awake_count
    asleep = sum(hour.asleep for hour in hours) / asleep_count
    return DayAndNight(awake, asleep) if awake > 0 else None
