"""Blood pressure: dips asleep, rises a little with the heart."""

from dataclasses import dataclass
from random import Random

from monitorme_device_sim.physiology.drift import Drift
from monitorme_device_sim.physiology.profile import Profile

SYSTOLIC_DIP_SHARE = 0.13
DIASTOLIC_DIP_SHARE = 0.17
"""Sleep-to-awake ratios of 0.87 and 0.83 are usual (dippers)."""
PER_HEART_BEAT = 0.15
"""Our choice: systolic rise, mm[Hg], for each beat a minute above the patient's own."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """One measurement, mm[Hg]."""

    systolic: float
    diastolic: float

    @property
    def mean(self) -> float:
        """Return the mean arterial pressure: a third of the way up from diastolic."""
        return self.diastolic + (self.systolic - self.diastolic) / 3


class Vessels:
    """A patient's own pressure, before anything that a scenario does to it."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile = profile
        rng = Random(f"{seed}:pressure")
        self._drift = Drift(rng, spread=3.0, time_constant_s=900)

    def step(self, sleep_depth: float, heart_rate: float) -> Pressure:
        """Return the pressure one second later."""
        own = self._profile
        driven = PER_HEART_BEAT * max(0.0, min(60.0, heart_rate - own.heart_rate))
        strayed = self._drift.step()
        systolic = own.systolic * (1 - SYSTOLIC_DIP_SHARE * sleep_depth)
        diastolic = own.diastolic * (1 - DIASTOLIC_DIP_SHARE * sleep_depth)
        return Pressure(systolic + driven + strayed, diastolic + 0.5 * strayed)
