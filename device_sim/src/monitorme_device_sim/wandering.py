"""Values for a vital that physiology does not know: a walk that stays plausible.

So a new entry in the catalogue is enough for a vital to appear at every simulated bed.
"""

from random import Random
from typing import Final

from monitorme.contract.readings import Lead, ReadingValue
from monitorme.contract.vitals import Vital, VitalKind

UNBOUNDED_RANGE: Final = (0.0, 100.0)
"""Where a vital walks whose catalogue entry gives no plausible range."""
WAVE_RATE_HZ: Final = 25.0
_STEP_SHARE = 0.02
_STATE_KEPT = 0.9


class Wandering:
    """A vital that walks at random in the middle half of its plausible range."""

    def __init__(self, name: str, vital: Vital, seed: int) -> None:
        self._vital = vital
        self._rng = Random(f"{seed}:wandering:{name}")
        low, high = vital.plausible or UNBOUNDED_RANGE
        quarter = (high - low) / 4
        self._low, self._high = low + quarter, high - quarter
        self._state = vital.states[0] if vital.states else ""
        parts = tuple(vital.components) or vital.leads or ("wave",)
        middle = (low + high) / 2
        self._places = dict.fromkeys(parts, middle)

    def step(self) -> ReadingValue:
        """Return the next value, of the shape that the vital's kind has."""
        match self._vital.kind:
            case VitalKind.STATE:
                if self._rng.random() > _STATE_KEPT:
                    self._state = self._rng.choice(self._vital.states)
                return self._state
            case VitalKind.WAVEFORM:
                return {part: self._wave(part) for part in self._places}
            case VitalKind.COMPOSITE:
                return {part: self._walk(part) for part in self._places}
            case VitalKind.NUMERIC:
                return self._walk(next(iter(self._places)))

    def _walk(self, part: str) -> float:
        stride = self._rng.gauss(0, _STEP_SHARE) * (self._high - self._low)
        place = max(self._low, min(self._high, self._places[part] + stride))
        self._places[part] = place
        return round(place, self._vital.decimals)

    def _wave(self, part: str) -> Lead:
        """Return a block as long as the vital's cadence, in steps of its resolution."""
        scale = (self._high - self._low) / 1_000
        count = max(1, round(self._vital.cadence_ms * WAVE_RATE_HZ / 1_000))
        samples = []
        for _ in range(count):
            self._walk(part)
            samples.append(round(self._places[part] / scale))
        return Lead(
            rate_hz=WAVE_RATE_HZ, unit=self._vital.unit, scale=scale, samples=samples
        )
