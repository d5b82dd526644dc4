"""Oxygen saturation: what breathing gives and a pause in breathing takes."""

from random import Random

from monitorme_device_sim.physiology.drift import Drift
from monitorme_device_sim.physiology.profile import Profile

ENOUGH_BREATHS = 8.0
"""Below this many breaths a minute the stores of oxygen run down."""
FALL_PER_S = 0.08
"""Percent lost a second for each breath missing: 38 % in a minute of apnoea."""
RISE_PER_S = 1.2
"""Percent regained each second once breathing is enough."""
LARGEST_DEFICIT = 45.0
SLEEP_DIP = 0.6
HEART_RATE_PER_PERCENT = 1.0
"""A fall below 94 % quickens the heart, by this much for each percent (our choice)."""


class Oxygen:
    """A patient's own saturation, before anything that a scenario does to it."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._saturation = profile.oxygen_saturation
        rng = Random(f"{seed}:oxygen")
        self._drift = Drift(rng, spread=0.5, time_constant_s=120)
        self._deficit = 0.0

    def step(self, sleep_depth: float, respiratory_rate: float) -> float:
        """Return the saturation one second later, percent."""
        missing = ENOUGH_BREATHS - respiratory_rate
        change = FALL_PER_S * missing if missing > 0 else -RISE_PER_S
        self._deficit = max(0.0, min(LARGEST_DEFICIT, self._deficit + change))
        own = self._saturation + self._drift.step() - SLEEP_DIP * sleep_depth
        return min(100.0, own) - self._deficit


def heart_rate_rise(saturation: float) -> float:
    """Return by how much a low saturation quickens the heart, per minute."""
    return HEART_RATE_PER_PERCENT * max(0.0, min(30.0, 94.0 - saturation))
