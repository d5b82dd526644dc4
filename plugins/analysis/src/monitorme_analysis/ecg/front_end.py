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
    """What is remembered of the signal: the newest seconds, a row for each lead."""

    history: Samples
    """Wave, band-passed wave and energy, each with a row for each lead."""
    last: Samples
    """The last value of each lead, to hold where one is missing."""
    raw: Samples
    """Raw samples that are less than a stretch."""
    tail: Samples | None = None
    """The end of the averaged signal, to go on filtering from."""
    first: int = 0
    """The working sample at which the history begins."""

    @property
    def wave(self) -> Samples:
        """The averaged signal."""
        wave: Samples = self.history[0]
        return wave

    @property
    def band(self) -> Samples:
        """What a band-pass leaves of it."""
        band: Samples = self.history[1]
        return band

    @property
    def energy(self) -> Samples:
        """How steep that is."""
        energy: Samples = self.history[2]
        return energy


class FrontEnd:
    """Turns stretches of raw samples into wave, band-passed wave and energy.

    All three are aligned: element i of each is about the same moment.
    """

    def __init__(self, rate_hz: float, leads: int, tuning: Tuning) -> None:
        self.step = max(1, int(rate_hz // tuning.working_rate_hz))
        self.rate_hz = rate_hz / self.step
        self.stretch = max(1, round(self.rate_hz))
        self.raw_stretch = self.stretch * self.step
        self._leads = leads
        self._mean = np.full(self.step, 1 / self.step)
        self._rising_only = tuning.rising_only
        taps = band_pass(
            *tuning.band_hz, self.rate_hz, odd(tuning.filter_s, self.rate_hz)
        )
        box = odd(tuning.energy_s, self.rate_hz)
        # The slope takes two samples more.
        self._band = Fir(taps, self.stretch + box + 1)
        self._box = Fir(np.ones(box) / box, self.stretch)
        self._carry = len(taps) + box
        self._half_box = (box - 1) // 2
        self.delay = (len(taps) - 1) // 2 + 1 + self._half_box
        self._kept = HISTORY_S * self.stretch

    def begin(self) -> Stretches:
        """Return what is remembered of a signal of which nothing has come yet."""
        nothing = np.zeros((self._leads, 0))
        return Stretches(np.array([nothing] * 3), np.zeros(self._leads), nothing)

    def add(self, state: Stretches, raw: Samples) -> Samples:
        """Take a stretch of raw samples in; returns the new part of the energy."""
        new = self._averaged(raw)
        flat = new.ravel()
        if isnan(flat.dot(flat)):
            raw = _hold(raw, state.last)
            new = self._averaged(raw)
        state.last = raw[:, -1].copy()
        if state.tail is None:
            state.tail = np.repeat(new[:, :1], self._carry, axis=1)
        wave = np.concatenate([state.tail, new], axis=1)
        state.tail = wave[:, -self._carry :]
        band = self._band(wave)
        slope = band[:, 2:] - band[:, :-2]
        if self._rising_only:
            np.maximum(slope, 0.0, out=slope)
        np.multiply(slope, slope, out=slope)
        return self._remember(state, wave, band, self._box(slope))

    def moment(self, index: int) -> int:
        """Return the raw sample that a working sample is about."""
        return (index - self.delay) * self.step + self.step // 2

    def _averaged(self, raw: Samples) -> Samples:
        means: Samples = raw.reshape(-1, self.step).dot(self._mean)
        return means.reshape(self._leads, -1)

    def _remember(
        self, state: Stretches, wave: Samples, band: Samples, squared: Samples
    ) -> Samples:
        """Take a stretch into the history; returns its energy."""
        old, n = state.history, self.stretch
        cut = max(0, old.shape[2] + n - self._kept)
        new = np.empty((3, self._leads, old.shape[2] + n - cut))
        new[:, :, :-n] = old[:, :, cut:]
        new[0, :, -n:] = wave[:, -n - self.delay : -self.delay]
        new[1, :, -n:] = band[:, -n - 1 - self._half_box : -1 - self._half_box]
        state.history = new
        state.first += cut
        energy: Samples = new[2, :, -n:]
        np.sqrt(squared, out=energy)
        return energy


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
