"""Who lies in the bed: the values to which a body returns when nothing is wrong."""

from dataclasses import dataclass
from random import Random
from typing import Self

HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Profile:
    """An adult's values, awake and at rest, in the catalogue's units."""

    heart_rate: float = 74.0
    respiratory_rate: float = 15.0
    oxygen_saturation: float = 97.5
    body_temperature: float = 37.0
    systolic: float = 122.0
    diastolic: float = 77.0
    blood_glucose: float = 98.0
    """Fasting."""
    meal_rise: float = 40.0
    """By how much a meal raises blood glucose at its peak."""
    bedtime_s: float = 22.5 * HOUR_S
    """Time of day, in seconds after midnight."""
    rising_s: float = 6.5 * HOUR_S
    """Time of day, in seconds after midnight."""
    ecg_gain: float = 1.0
    """Height of the ECG against an average one."""

    @classmethod
    def drawn(cls, seed: int) -> Self:
        """Draw a person whose vitals stay within usual adult limits, day and night."""
        rng = Random(f"{seed}:profile")
        systolic = rng.uniform(114, 136)
        return cls(
            heart_rate=rng.uniform(66, 86),
            respiratory_rate=rng.uniform(13, 18),
            oxygen_saturation=rng.uniform(96.4, 98.6),
            body_temperature=rng.uniform(36.9, 37.2),
            systolic=systolic,
            diastolic=systolic * rng.uniform(0.59, 0.64),
            blood_glucose=rng.uniform(88, 106),
            meal_rise=rng.uniform(25, 45),
            bedtime_s=rng.uniform(21.5, 23.5) * HOUR_S,
            rising_s=rng.uniform(6.0, 7.0) * HOUR_S,
            ecg_gain=rng.choice((0.8, 0.9, 1.0, 1.1, 1.2)),
        )
