"""What differs between finding QRS complexes and finding pulses."""

from dataclasses import dataclass
from typing import Final, NamedTuple

_CONTEXT_S: Final = 0.6
"""How far noise is looked for on both sides of a peak."""
_PATIENCE_S: Final = 0.9
"""How long a judged peak waits for what follows it."""


class Lengths(NamedTuple):
    """Durations as working samples."""

    near: int
    context: int
    patience: int
    half_beat: int
    align: int


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """Durations and frequencies of what is looked for; there are the two below."""

    band_hz: tuple[float, float]
    """Where it stands out from what is not looked for."""
    working_rate_hz: int
    """Samples are averaged down to at least this rate, at most twice of it."""
    filter_s: float
    energy_s: float
    """The time over which energy is averaged: about that of the slope looked for."""
    half_beat_s: float
    """Half of the time by which shapes are compared."""
    align_s: float
    """How far from the peak of energy the main deflection may be."""
    near_s: float
    """Peaks nearer than this to each other are one."""
    quiet_part: float
    """The part of the time that is surely quiet: noise is the energy not exceeded in it."""
    rising_only: bool
    """Whether falling slopes say nothing: a pulse rises fast and falls as it likes."""

    def lengths(self, rate_hz: float) -> Lengths:
        """Return the durations that peaks are judged with, at a working rate."""
        return Lengths(
            int(self.near_s * rate_hz),
            int(_CONTEXT_S * rate_hz),
            int(_PATIENCE_S * rate_hz),
            int(self.half_beat_s * rate_hz),
            int(self.align_s * rate_hz),
        )

    @property
    def lowest_rate_hz(self) -> float:
        """The fewest samples a second in which all of the band can be seen (Nyquist).

        With fewer, beats are not merely missed: a healthy heart looks like asystole or
        fibrillation.
        """
        return 2 * self.band_hz[1]


QRS: Final = Tuning(
    band_hz=(5.0, 25.0),
    working_rate_hz=100,
    filter_s=0.30,
    energy_s=0.10,
    half_beat_s=0.11,
    align_s=0.11,
    near_s=0.12,
    quiet_part=0.5,
    rising_only=False,
)
"""QRS complexes, wide ones too, against T waves, drift and muscle."""

PULSE: Final = Tuning(
    band_hz=(0.8, 5.0),
    working_rate_hz=50,
    filter_s=0.8,
    energy_s=0.16,
    half_beat_s=0.24,
    align_s=0.06,
    near_s=0.24,
    quiet_part=0.4,
    rising_only=True,
)
"""The upstroke of a pulse in a pleth or an arterial pressure, against its reflection."""
