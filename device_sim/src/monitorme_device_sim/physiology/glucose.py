"""Blood glucose: a fasting level, and a rise after each of three meals."""

from math import exp
from random import Random

from monitorme_device_sim.physiology.drift import Drift
from monitorme_device_sim.physiology.profile import HOUR_S, Profile
from monitorme_device_sim.physiology.sleep import DAY_S

MEALS_S = (7.5 * HOUR_S, 12.5 * HOUR_S, 18.0 * HOUR_S)
PEAK_AFTER_S = 3_000.0
"""Glucose peaks about 50 minutes into a meal and is back after some four hours."""


class Glucose:
    """A patient's own glucose, before anything that a scenario does to it."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._fasting = profile.blood_glucose
        self._rise = profile.meal_rise
        rng = Random(f"{seed}:glucose")
        self._drift = Drift(rng, spread=3.0, time_constant_s=2_400)
        self._meals_s = tuple(meal + rng.uniform(-1_200, 1_200) for meal in MEALS_S)

    def step(self, clock_s: float) -> float:
        """Return glucose one second later, mg/dL; `clock_s` counts from a midnight."""
        eaten = sum(_share((clock_s - meal) % DAY_S) for meal in self._meals_s)
        return self._fasting + self._rise * eaten + self._drift.step()


def _share(since_meal_s: float) -> float:
    """Return the share of a meal's rise: 0 at its start, 1 at its peak."""
    past = since_meal_s / PEAK_AFTER_S
    return past**2 * exp(2 * (1 - past))
