"""Body temperature: lower asleep, slow to follow."""

from random import Random

from monitorme_device_sim.physiology.drift import Drift, Lag
from monitorme_device_sim.physiology.profile import Profile

SLEEP_DIP_CEL = 0.65
"""The set point falls by 0.6 to 1.1 Cel asleep; the lower end is used here."""
HEART_RATE_PER_CEL = 8.0
"""Liebermeister's rule: each degree of fever raises an adult's pulse by 8 a minute."""
RESPIRATORY_RATE_PER_CEL = 2.0
"""Our choice: breathing quickens with fever too, by less than the pulse."""


class Temperature:
    """A patient's own temperature, before anything that a scenario does to it."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._set_point = profile.body_temperature
        self._dip = Lag(time_constant_s=1_800)
        rng = Random(f"{seed}:temperature")
        self._drift = Drift(rng, spread=0.04, time_constant_s=1_800)

    def step(self, sleep_depth: float) -> float:
        """Return the temperature one second later."""
        dip = self._dip.step(SLEEP_DIP_CEL * sleep_depth)
        return self._set_point - dip + self._drift.step()


def fever_cel(profile: Profile, temperature: float) -> float:
    """Return how far a temperature is above the patient's own."""
    return max(0.0, temperature - profile.body_temperature)
