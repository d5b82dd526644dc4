"""Breathing: its rate, and where in the breath the chest is."""

from random import Random

from monitorme_device_sim.physiology.drift import Drift
from monitorme_device_sim.physiology.profile import Profile
from monitorme_device_sim.physiology.temperature import RESPIRATORY_RATE_PER_CEL

SLEEP_DIP_SHARE = 0.06
"""Rate keeps within 12 to 20 a minute asleep; most of the fall is in volume."""


class Breathing:
    """A patient's own breathing rate, before anything that a scenario does to it."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._rate = profile.respiratory_rate
        rng = Random(f"{seed}:breathing")
        self._drift = Drift(rng, spread=0.9, time_constant_s=60)

    def step(self, sleep_depth: float, fever_cel: float) -> float:
        """Return the rate one second later, per minute; steadier asleep."""
        strayed = self._drift.step() * (1 - 0.5 * sleep_depth)
        asleep = 1 - SLEEP_DIP_SHARE * sleep_depth
        return self._rate * asleep + strayed + RESPIRATORY_RATE_PER_CEL * fever_cel
