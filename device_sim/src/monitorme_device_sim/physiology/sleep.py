"""Sleep: how deep at a time of day, with the short wakings of every night."""

from math import cos, pi
from random import Random

from monitorme_device_sim.physiology.profile import HOUR_S, Profile

DAY_S = 24 * HOUR_S
FALLING_ASLEEP_S = 1_200.0
WAKING_UP_S = 600.0
CYCLE_S = 5_400.0
ASLEEP_ABOVE = 0.5


class Sleep:
    """How deeply a patient sleeps, between 0 (awake) and 1."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._bedtime_s = profile.bedtime_s
        self._length_s = (profile.rising_s - profile.bedtime_s) % DAY_S
        self._seed = seed
        self._night = -(10**6)
        self._wakings: list[tuple[float, float]] = []

    def depth(self, clock_s: float) -> float:
        """Return the depth at `clock_s`, seconds after the first day's midnight."""
        night, into_s = divmod(clock_s - self._bedtime_s, DAY_S)
        if into_s >= self._length_s:
            return 0.0
        if self._is_waking(int(night), into_s):
            return 0.3
        until_s = self._length_s - into_s
        return min(_eased(into_s / FALLING_ASLEEP_S), _eased(until_s / WAKING_UP_S))

    def _is_waking(self, night: int, into_s: float) -> bool:
        if night != self._night:
            self._night, self._wakings = night, self._draw_wakings(night)
        return any(start <= into_s < end for start, end in self._wakings)

    def _draw_wakings(self, night: int) -> list[tuple[float, float]]:
        """Draw a waking of a few minutes at the end of most sleep cycles."""
        rng = Random(f"{self._seed}:sleep:{night}")
        cycles = int(self._length_s // CYCLE_S)
        starts = (cycle * CYCLE_S + rng.uniform(0, 900) for cycle in range(1, cycles))
        return [(s, s + rng.uniform(120, 480)) for s in starts if rng.random() < 0.7]


def _eased(share: float) -> float:
    """Turn a share of the way into a smooth step."""
    return 0.5 - 0.5 * cos(pi * max(0.0, min(1.0, share)))
