"""From raw samples to the energy of QRS complexes, a second at a time.

The detector always works on stretches of the same length, counted from its first sample.
What it computes therefore does not depend on how samples were cut into blocks.
"""

from dataclasses import dataclass
from functools import cache
from math import isnan
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Fir, Samples, band_pass, odd
from monitorme_analysis.ecg.tuning import Tuning

HISTORY_S: Final = 3


@dataclass(slots=True)
class Stretches:
    """What is remembered of the signal."""

    rows: Samples
    """The newest seconds: a row of each lead as it was averaged, then of each what a
    band-pass leaves, then of each how steep that is, its energy; and one of the energy of
    all leads together. Each goes until the newest sample; `FrontEnd` knows what is late."""
    last: Samples
    """The last value of each lead, to hold where one is missing."""
    raw: Samples
    """Raw samples that are less than a stretch."""
    first: int
    """The working sample that is the oldest in energy; negative until seconds enough have
    come."""


class FrontEnd:
    """Turns stretches of raw samples into wave, band-passed wave and energy.

    A filter is late by half of its length: a moment is `delay` columns sooner in the wave
    than in its energy, and `band_delay` columns sooner than there in what a band-pass left.
    """

    def __init__(self, rate_hz: float, leads: int, tuning: Tuning) -> None:
        self.step = max(1, int(rate_hz // tuning.working_rate_hz))
        self.rate_hz = rate_hz / self.step
        self.stretch = max(1, round(self.rate_hz))
        self.raw_stretch = self.stretch * self.step
        self.lengths = tuning.lengths(self.rate_hz)
        self.leads = leads
        self._mean = np.full(self.step, 1 / self.step)
        self._rising_only = tuning.rising_only
        taps = band_pass(
            *tuning.band_hz, self.rate_hz, odd(tuning.filter_s, self.rate_hz)
        )
        box = odd(tuning.energy_s, self.rate_hz)
        # The slope is that over two samples.
        self.band_delay = 1 + (box - 1) // 2
        self.delay = (len(taps) - 1) // 2 + self.band_delay
        self.kept = HISTORY_S * self.stretch
        n, columns, sloped = (
            self.stretch,
            self.kept + self.delay,
            self.stretch + box - 1,
        )
        self._band = Fir(taps, n, leads, columns)
        self._box = Fir(np.ones(box) / box, n, leads, sloped)
        new, bands = slice(columns - n, columns), slice(leads, 2 * leads)
        self._new_wave = slice(0, leads), new
        self._new_band = bands, new
        self._new_energy = slice(2 * leads, 3 * leads), new
        self._later = bands, slice(columns - sloped, columns)
        self._sooner = bands, slice(columns - sloped - 2, columns - 2)
        self._energy = slice(2 * leads, 3 * leads), slice(self.delay, columns)

    def begin(self) -> Stretches:
        """Return what is remembered of a signal of which nothing has come yet."""
        rows = np.zeros((3 * self.leads + 1, self.kept + self.delay))
        nothing = np.zeros((self.leads, 0))
        return Stretches(rows, np.zeros(self.leads), nothing, -self.kept)

    def add(self, state: Stretches, raw: Samples) -> Samples:
        """Take a stretch of raw samples in; returns the new part of the energy."""
        new = raw.reshape(-1, self.step).dot(self._mean)
        if isnan(new.dot(new)):
            raw = _hold(raw, state.last)
            new = raw.reshape(-1, self.step).dot(self._mean)
        state.last = raw[:, -1].copy()
        rows, n = state.rows, self.stretch
        new = new.reshape(-1, n)
        if state.first == -self.kept:
            rows[: self.leads] = new[:, :1]  # as if it had always been so
        state.first += n
        # All rows at once, as one; what that draws in at the end of each is overwritten.
        flat = rows.ravel()
        flat[:-n] = flat[n:]
        rows[self._new_wave] = new
        rows[self._new_band] = self._band(rows)
        slope = rows[self._later] - rows[self._sooner]
        if self._rising_only:
            np.maximum(slope, 0.0, out=slope)
        np.multiply(slope, slope, out=slope)
        energy: Samples = rows[self._new_energy]
        np.sqrt(self._box(slope), out=energy)
        return energy

    def wave(self, state: Stretches) -> Samples:
        """Return the averaged signal as far as there is energy of it."""
        wave: Samples = state.rows[: self.leads, max(0, -state.first) : self.kept]
        return wave

    def energy(self, state: Stretches) -> Samples:
        """Return the energy of each lead."""
        energy: Samples = state.rows[self._energy]
        return energy

    def moment(self, index: int) -> int:
        """Return the raw sample that a working sample is about."""
        return (index - self.delay) * self.step + self.step // 2


@cache
def front_end(rate_hz: float, leads: int, tuning: Tuning) -> FrontEnd:
    """Return the front end of a kind of stream; what it knows is the same for all."""
    return FrontEnd(rate_hz, leads, tuning)


def _hold(raw: Samples, last: Samples) -> Samples:
    """Return samples with the last value before each missing one in its place."""
    missing = np.isnan(raw)
    place = np.where(missing, -1, np.arange(raw.shape[1]))
    place = np.maximum.accumulate(place, axis=1)
    held = np.take_along_axis(raw, np.maximum(place, 0), axis=1)
    return np.where(place < 0, last[:, None], held)
