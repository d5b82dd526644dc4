"""How far each device's clock is off, and what its readings' times are corrected by."""

from collections import deque
from dataclasses import dataclass, field
from statistics import median_low
from typing import Final

TOLERANCE_MS: Final = 5_000
"""A clock that is off by less is left alone: the network takes its time, too."""
SAMPLES: Final = 31
"""How many readings the offset is the median of."""
SAMPLE_EVERY_MS: Final = 1_000
"""A backlog that comes all at once is not to outnumber what came live."""
FEWEST: Final = 15
"""With fewer samples nothing is corrected."""
STEP_MS: Final = 2_000
"""The correction follows only a clock that has moved this far: a chart stays smooth."""
STEADY_MS: Final = 2_000
"""Samples that differ by more are of a backlog, whose delay shrinks, not of a clock."""


@dataclass(slots=True)
class _Clock:
    behind_ms: deque[int] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    sampled_ms: int = 0
    shift_ms: int = 0


class Clocks:
    """Measures by the newest readings: how much later they come than they say.

    `shift_ms` is what to add to a device's times: positive where its clock is behind.
    """

    def __init__(self) -> None:
        self._clocks: dict[str, _Clock] = {}

    def sample(self, device: str, time_ms: int, received_ms: int) -> bool:
        """Take a device's newest reading; says whether its correction has changed."""
        clock = self._clocks.get(device)
        if clock is None:
            clock = self._clocks[device] = _Clock()
        if 0 <= received_ms - clock.sampled_ms < SAMPLE_EVERY_MS:
            return False
        clock.sampled_ms = received_ms
        clock.behind_ms.append(received_ms - time_ms)
        return self._follow(clock)

    def shift_ms(self, device: str) -> int:
        """Return what to add to a device's times, 0 for a clock that is right."""
        clock = self._clocks.get(device)
        return clock.shift_ms if clock is not None else 0

    def offsets_ms(self) -> dict[str, int]:
        """Return how far each device's clock is ahead (above 0) or behind (below)."""
        return {
            device: -median_low(clock.behind_ms)
            for device, clock in list(self._clocks.items())
            if clock.behind_ms
        }

    def _follow(self, clock: _Clock) -> bool:
        if len(clock.behind_ms) < FEWEST:
            return False
        # The usual case costs no sorting: a clock that is right, as it was.
        if not clock.shift_ms and abs(clock.behind_ms[-1]) <= TOLERANCE_MS:
            return False
        lately = list(clock.behind_ms)[-FEWEST:]
        if max(lately) - min(lately) > STEADY_MS:
            return False
        behind_ms = median_low(lately)
        wanted_ms = behind_ms if abs(behind_ms) > TOLERANCE_MS else 0
        if wanted_ms == clock.shift_ms:
            return False
        if wanted_ms and abs(wanted_ms - clock.shift_ms) < STEP_MS:
            return False
        clock.shift_ms = wanted_ms
        return True
