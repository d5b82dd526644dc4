"""From raw samples to the energy of QRS complexes, a second at a time.

The detector always works on stretches of the same length, counted from its first sample.
What it computes therefore does not depend on how samples were cut into blocks.
"""

from dataclasses import dataclass, field
from functools import cache
from math import isnan
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples, band_pass, odd
from monitorme_analysis.ecg.tuning import Tuning

HISTORY_S: Final = 3


@dataclass(slots=True)
class Stretches:
    """What is remembered of the signal: the newest seconds, a row for each lead."""

    first: int = 0
    """The working sample at which the histories begin."""
    raw: Samples = field(default_factory=lambda: np.zeros((0, 0)))
    """Raw samples that are less than a stretch."""
    last: Samples = field(default_factory=lambda: np.zeros(0))
    """The last value of each lead, to hold where one is missing."""
    tail: Samples | None = None
    """The end of the averaged signal, to go on filtering from."""
    wave: Samples = field(default_factory=lambda: np.zeros((0, 0)))
    band: Samples = field(default_factory=lambda: np.zeros((0, 0)))
    energy: Samples = field(default_factory=lambda: np.zeros((0, 0)))


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
        self._taps = _taps(tuning, self.rate_hz)
        box = odd(tuning.energy_s, self.rate_hz)
        self._box = np.ones(box) / box
        # The slope takes two samples more.
        self._carry = len(self._taps) + 1 + box
        self._half_box = (box - 1) // 2
        self.delay = (len(self._taps) - 1) // 2 + 1 + self._half_box
        self._kept = HISTORY_S * self.stretch

    def begin(self, state: Stretches) -> None:
        """Make a state empty, with a row for each lead."""
        state.raw = np.zeros((self._leads, 0))
        state.last = np.zeros(self._leads)
        state.wave = np.zeros((self._leads, 0))
        state.band, state.energy = state.wave, state.wave

    def add(self, state: Stretches, raw: Samples) -> Samples:
        """Take a stretch of raw samples in; returns the new part of the energy."""
        held = _hold(raw, state.last)
        state.last = held[:, -1].copy()
        new = held.reshape(-1, self.step).dot(self._mean).reshape(self._leads, -1)
        if state.tail is None:
            state.tail = np.repeat(new[:, :1], self._carry, axis=1)
        wave = np.concatenate([state.tail, new], axis=1)
        state.tail = wave[:, -self._carry :]
        band = _filtered(wave, self._taps)
        slope = band[:, 2:] - band[:, :-2]
        if self._rising_only:
            np.maximum(slope, 0.0, out=slope)
        np.multiply(slope, slope, out=slope)
        n = self.stretch
        energy = np.sqrt(_filtered(slope, self._box)[:, -n:])
        self._append(
            state,
            wave[:, -n - self.delay : -self.delay],
            band[:, -n - 1 - self._half_box : -1 - self._half_box],
            energy,
        )
        return energy

    def moment(self, index: int) -> int:
        """Return the raw sample that a working sample is about."""
        return (index - self.delay) * self.step + self.step // 2

    def _append(
        self, state: Stretches, wave: Samples, band: Samples, energy: Samples
    ) -> None:
        cut = max(0, state.energy.shape[1] + self.stretch - self._kept)
        state.wave = np.concatenate([state.wave[:, cut:], wave], axis=1)
        state.band = np.concatenate([state.band[:, cut:], band], axis=1)
        state.energy = np.concatenate([state.energy[:, cut:], energy], axis=1)
        state.first += cut


@cache
def front_end(rate_hz: float, leads: int, tuning: Tuning) -> FrontEnd:
    """Return the front end of a kind of stream; what it knows is the same for all."""
    return FrontEnd(rate_hz, leads, tuning)


@cache
def _taps(tuning: Tuning, rate_hz: float) -> Samples:
    return band_pass(*tuning.band_hz, rate_hz, odd(tuning.filter_s, rate_hz))


def _filtered(rows: Samples, taps: Samples) -> Samples:
    # The taps are the same from both ends, so that to correlate is to convolve.
    if len(rows) == 1:
        return np.correlate(rows[0], taps, "valid")[None, :]
    return np.stack([np.correlate(row, taps, "valid") for row in rows])


def _hold(raw: Samples, last: Samples) -> Samples:
    """Return samples with the last value before each missing one in its place."""
    whole = np.ascontiguousarray(raw)
    flat = whole.ravel()
    if not isnan(float(flat.dot(flat))):
        return whole
    missing = np.isnan(raw)
    place = np.where(missing, -1, np.arange(raw.shape[1]))
    place = np.maximum.accumulate(place, axis=1)
    held = np.take_along_axis(raw, np.maximum(place, 0), axis=1)
    return np.where(place < 0, last[:, None], held)
