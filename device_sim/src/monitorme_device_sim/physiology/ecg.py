"""Lead II of the electrocardiogram, drawn from the same beats as the heart rate.

The model is that of McSharry, Clifford, Tarassenko and Smith, "A dynamical model for
generating synthetic electrocardiogram signals", IEEE Trans Biomed Eng 50:289 (2003).
A point runs round a circle, once a beat; P, Q, R, S and T push and pull it at fixed
angles: dz/dt = -sum(a_i d_i exp(-d_i^2 / 2 b_i^2)), d_i the angle from wave i. Left to
itself that integrates to a sum of Gaussians in the angle, which is what is drawn here:
one list of samples for each length of beat, worked out once and kept.
"""

from functools import lru_cache
from math import exp, pi, radians, sin, sqrt
from random import Random
from typing import Final, NamedTuple

from monitorme.contract.readings import Lead
from monitorme_device_sim.physiology.heart import GRID_MS, Beat
from monitorme_device_sim.scenarios import Rhythm

LEAD: Final = "II"
RATE_HZ: Final = 1_000 / GRID_MS
SCALE_MV: Final = 0.005
REACH_MS: Final = 1_600
"""No wave of a beat lies further than this from its R wave."""
_WANDER_MV = 0.04
_NOISE_MV = 0.008
_NOISE_SAMPLES = 4_096
_SINE_STEPS = 256


class Wave(NamedTuple):
    """One wave at 60 beats a minute; faster hearts draw it nearer and narrower."""

    angle_deg: float
    height_mv: float
    width_rad: float
    angle_power: float
    """Its angle grows with this power of the rate; P and T with less than QRS."""


_WAVES: Final[dict[Rhythm, tuple[Wave, ...]]] = {
    "sinus": (
        Wave(-70, 0.13, 0.20, 0.25),
        Wave(-15, -0.09, 0.09, 0.5),
        Wave(0, 1.10, 0.09, 0.5),
        Wave(15, -0.22, 0.09, 0.5),
        Wave(100, 0.28, 0.36, 0.25),
    ),
    # Wide, without P, its T against it; the widths are chosen for the look of it.
    "ventricular": (
        Wave(0, 1.30, 0.30, 0.5),
        Wave(55, -0.70, 0.36, 0.5),
    ),
    "asystole": (),
}


class Template(NamedTuple):
    """The samples of one beat, from `first` samples after its R wave."""

    first: int
    samples: tuple[int, ...]


@lru_cache(maxsize=2_048)
def template(rhythm: Rhythm, interval_ms: int, gain: float) -> Template:
    """Return the samples of a beat that lasts `interval_ms`."""
    rate_share = 60_000 / interval_ms / 60
    angle_per_sample = 2 * pi * GRID_MS / interval_ms
    widen = sqrt(rate_share)
    waves = [
        (
            radians(w.angle_deg) * rate_share**w.angle_power,
            w.height_mv,
            w.width_rad * widen,
        )
        for w in _WAVES[rhythm]
    ]
    reach = REACH_MS // GRID_MS
    first = max(-reach, int(min(c - 3.5 * b for c, _, b in waves) / angle_per_sample))
    last = min(reach, int(max(c + 3.5 * b for c, _, b in waves) / angle_per_sample))
    heights = (_height(i * angle_per_sample, waves) for i in range(first, last))
    return Template(first, tuple(round(gain * z / SCALE_MV) for z in heights))


def _height(angle: float, waves: list[tuple[float, float, float]]) -> float:
    return sum(a * exp(-(((angle - c) / b) ** 2) / 2) for c, a, b in waves)


class Electrode:
    """What the electrodes pick up: beats, the chest's movement, and noise."""

    def __init__(self, seed: int, *, gain: float) -> None:
        self._rng = Random(f"{seed}:electrode")
        self._gain = gain

    def block(
        self,
        from_ms: int,
        until_ms: int,
        beats: list[Beat],
        breath: tuple[float, float],
    ) -> Lead:
        """Return the samples of a window.

        Args:
            from_ms: its start; samples lie on multiples of 4 ms.
            until_ms: its end; the next window starts there.
            beats: those that reach into it, up to REACH_MS from either side.
            breath: phase of the breath, in turns, at its start and at its end.
        """
        first, end = -(-from_ms // GRID_MS), -(-until_ms // GRID_MS)
        samples = self._resting(end - first, *breath)
        for beat in beats:
            _draw(samples, beat, first, self._gain)
        return Lead(rate_hz=RATE_HZ, unit="mV", scale=SCALE_MV, samples=samples)

    def _resting(self, count: int, phase: float, end_phase: float) -> list[int]:
        """Return what is picked up between beats."""
        sine, noise = _sine(), _noise()
        step = (end_phase - phase) * _SINE_STEPS / count
        start = phase * _SINE_STEPS
        at = self._rng.randrange(_NOISE_SAMPLES - count)
        mask = _SINE_STEPS - 1
        return [
            sine[int(start + i * step) & mask] + n
            for i, n in enumerate(noise[at : at + count])
        ]


def _draw(samples: list[int], beat: Beat, first: int, gain: float) -> None:
    """Add one beat to the samples of a window that starts with sample `first`."""
    shape = template(beat.rhythm, _rounded(beat.interval_ms), gain)
    start = beat.at_ms // GRID_MS + shape.first - first
    seen = range(max(0, start), min(len(samples), start + len(shape.samples)))
    for i in seen:
        samples[i] += shape.samples[i - start]


def _rounded(interval_ms: int) -> int:
    """Return a like interval, so that few templates serve all beats."""
    return max(200, min(2_400, 20 * round(interval_ms / 20)))


@lru_cache(maxsize=1)
def _sine() -> tuple[int, ...]:
    turns = (i / _SINE_STEPS for i in range(_SINE_STEPS))
    return tuple(round(_WANDER_MV / SCALE_MV * sin(2 * pi * turn)) for turn in turns)


@lru_cache(maxsize=1)
def _noise() -> tuple[int, ...]:
    rng = Random("electrode noise")
    spread = _NOISE_MV / SCALE_MV
    return tuple(round(rng.gauss(0, spread)) for _ in range(_NOISE_SAMPLES))
