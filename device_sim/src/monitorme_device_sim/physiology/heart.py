"""The heart: when it beats, and the rate that a monitor counts from its beats.

Beats lie on the ECG's own grid, so that the intervals between R waves are exactly those
that the rate is counted from.
"""

from collections import deque
from itertools import pairwise
from math import pi, sin
from random import Random
from typing import NamedTuple, Protocol

from monitorme_device_sim.scenarios import Rhythm

GRID_MS = 4
"""Period of the ECG, 250 Hz."""
NO_BEAT_AFTER_MS = 3_000
"""Without a beat for longer, the rate is 0: what monitors take for asystole."""
COUNTED_INTERVALS = 4
SINUS_ARRHYTHMIA_PER_MIN = 3.0
"""How far breathing in quickens a heart of 60 a minute."""
MAYER_PER_MIN = 1.2
SLOWEST, FASTEST = 10.0, 300.0
LOOK_AGAIN_MS = 200
"""How often a heart that stands still looks whether it is driven again."""
MAYER_PERIOD_MS = 10_000
"""The 0.1 Hz wave that blood pressure control leaves in the heart rate."""


class Driven(Protocol):
    """What the heart is told by the rest of the body."""

    @property
    def heart_rate(self) -> float:
        """Return the mean rate, per minute."""
        ...

    @property
    def rhythm(self) -> Rhythm:
        """Return what drives it."""
        ...

    def breath_phase(self, at_ms: float) -> float:
        """Return where in the breath the chest is, in turns; 0 breathes in."""
        ...


class BodyAt(Protocol):
    """The rest of the body at a time."""

    def at(self, at_ms: float) -> Driven:
        """Return what drives the heart then."""
        ...


class RateCount:
    """The heart rate as a monitor counts it: the mean of the last few intervals."""

    def __init__(self) -> None:
        self._beats: deque[int] = deque(maxlen=COUNTED_INTERVALS + 1)
        self._stood_still = False

    def beat(self, at_ms: int) -> None:
        """Count a beat; beats come in order."""
        if self._beats and at_ms - self._beats[-1] > NO_BEAT_AFTER_MS:
            self._beats.clear()
            self._stood_still = True
        self._beats.append(at_ms)

    def rate(self, at_ms: int) -> float | None:
        """Return beats a minute; 0 in a long pause, None before two beats."""
        if not self._beats:
            return None
        waiting_ms = at_ms - self._beats[-1]
        if waiting_ms > NO_BEAT_AFTER_MS:
            return 0.0
        intervals = [b - a for a, b in pairwise(self._beats)]
        if not intervals:
            return 0.0 if self._stood_still else None
        if waiting_ms > sum(intervals) / len(intervals):
            intervals.append(waiting_ms)
        return 60_000 * len(intervals) / sum(intervals)


class Beat(NamedTuple):
    """One beat: its R wave, the interval that follows, and what drove it."""

    at_ms: int
    interval_ms: int
    rhythm: Rhythm


class Heart:
    """Beats in time, driven by a body."""

    def __init__(self, body: BodyAt, seed: int, *, from_ms: int) -> None:
        self._body = body
        self._rng = Random(f"{seed}:heart")
        self._next_ms = from_ms - from_ms % GRID_MS
        self._beats: deque[Beat] = deque(maxlen=64)
        self._uncounted: deque[int] = deque(maxlen=64)
        self._count = RateCount()

    def beats(self, from_ms: int, until_ms: int) -> list[Beat]:
        """Return the beats of a window; windows move forward, and may overlap."""
        self._beat_until(until_ms)
        return [beat for beat in self._beats if from_ms <= beat.at_ms < until_ms]

    def rate(self, at_ms: int) -> float:
        """Return the rate that a monitor counts; call in order of time."""
        self._beat_until(at_ms + 1)
        while self._uncounted and self._uncounted[0] <= at_ms:
            self._count.beat(self._uncounted.popleft())
        return self._count.rate(at_ms) or 0.0

    def _beat_until(self, until_ms: int) -> None:
        while self._next_ms < until_ms:
            now_ms = self._next_ms
            driven = self._body.at(now_ms)
            if driven.rhythm == "asystole" or driven.heart_rate < 1:
                self._next_ms = now_ms + LOOK_AGAIN_MS
                continue
            interval_ms = self._interval_ms(now_ms, driven)
            self._beats.append(Beat(now_ms, interval_ms, driven.rhythm))
            self._uncounted.append(now_ms)
            self._next_ms = now_ms + interval_ms

    def _interval_ms(self, now_ms: int, driven: Driven) -> int:
        """Return the time to the next beat, on the grid."""
        rate = driven.heart_rate + self._rng.gauss(0, 0.4)
        if driven.rhythm == "sinus":
            calm = max(0.1, min(1.0, 1 - (rate - 60) / 80))
            breath = sin(2 * pi * driven.breath_phase(now_ms))
            mayer = sin(2 * pi * now_ms / MAYER_PERIOD_MS)
            rate += calm * (SINUS_ARRHYTHMIA_PER_MIN * breath + MAYER_PER_MIN * mayer)
        return GRID_MS * round(60_000 / max(SLOWEST, min(FASTEST, rate)) / GRID_MS)
