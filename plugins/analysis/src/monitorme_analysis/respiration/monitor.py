"""Respiration from the waveforms of a bed, a second at a time.

Every second looks at the 32 seconds before it. Where the device measures breathing
itself (impedance), its breaths are counted. The ECG and the pulse give a second opinion
that is independent of it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from monitorme_analysis.respiration.breaths import NONE, Breathing, breathing
from monitorme_analysis.respiration.curves import (
    Samples,
    filled,
    missing_share,
    slower,
    smooth,
)
from monitorme_analysis.respiration.heartbeats import Heartbeats
from monitorme_analysis.respiration.modulation import Modulation, Pulses, of_pulse
from monitorme_analysis.respiration.spectrum import Common, add, peak, spectra

Kind = Literal["ecg", "pulse", "impedance"]

WINDOW_S: Final = 32
"""Two breaths of the slowest, and short enough to follow a change."""
SLOW_PER_MIN: Final = 9.0
"""Slower breaths are too few in such a window: they are counted in a longer one."""
SLOW_WINDOW_S: Final = 60
LATENCY_S: Final = 2
"""The detector of beats names a beat so long after it."""
MISSING_AT_MOST: Final = 0.2
_IMPEDANCE_HZ: Final = 12.5
_PULSE_HZ: Final = 50.0
_CUT_HZ: Final = (0.5, 1.2)
_CUT_OF_HEART: Final = 0.55
"""Of the heart rate: what is faster is not breath."""
_FASTEST_UNKNOWN: Final = 45.0
"""Breaths a minute that beats can show, where their rate is not known."""
_HEART_IN_CHEST: Final = 0.08
"""A rate so near that of the heart is the heart, seen through the chest."""


@dataclass(frozen=True, slots=True)
class Second:
    """What the 32 s before a time say; a rate of 0 with quality 0 is nothing."""

    at_s: int
    impedance: Breathing
    ecg: Breathing
    pulse: Breathing
    heart: Breathing
    """ECG and pulse together."""


class RespirationMonitor:
    """Estimates respiration from signals of one rate, fed in blocks of any size."""

    def __init__(self, rate_hz: float, kinds: Mapping[str, Kind]) -> None:
        self._rate_hz = rate_hz
        self._names = tuple(kinds)
        self._kinds = dict(kinds)
        leads = tuple(name for name in kinds if kinds[name] == "ecg")
        self._leads = [self._names.index(name) for name in leads]
        self._beats = Heartbeats(rate_hz, leads) if leads else None
        self._waiting: Samples = np.zeros((len(self._names), 0))
        self._taken = 0
        self._seconds = 0
        self._history: Samples = np.zeros((len(self._names), 0))
        self._common = {"ecg": Common(), "pulse": Common(), "heart": Common()}

    def feed(self, block: Samples) -> Iterator[Second]:
        """Take in samples, a row for each signal, NaN where missing; yield seconds."""
        self._waiting = np.concatenate([self._waiting, block], axis=1)
        while True:
            end = round((self._seconds + 1) * self._rate_hz)
            size = end - self._taken
            if self._waiting.shape[1] < size:
                return
            one, self._waiting = self._waiting[:, :size], self._waiting[:, size:]
            self._taken = end
            self._seconds += 1
            second = self._second(one)
            if second is not None:
                yield second

    def _second(self, one: Samples) -> Second | None:
        keep = round(SLOW_WINDOW_S * self._rate_hz)
        self._history = np.concatenate([self._history, one], axis=1)[:, -keep:]
        if self._beats is not None:
            self._beats.feed(one[self._leads])
        if self._seconds < WINDOW_S:
            return None
        end_s = float(self._seconds)
        pulses = self._pulses(end_s)
        heart = self._heart_per_min(end_s, pulses)
        fastest = heart / 2 if heart else _FASTEST_UNKNOWN
        ecg = spectra(self._curves_of_ecg(end_s), fastest)
        pulse = spectra(
            _curves((one for each in pulses for one in each), end_s), fastest
        )
        add(self._common["ecg"], ecg)
        add(self._common["pulse"], pulse)
        add(self._common["heart"], np.concatenate([ecg, pulse]))
        return Second(
            at_s=self._seconds,
            impedance=self._impedance(heart),
            ecg=Breathing(*peak(self._common["ecg"])),
            pulse=Breathing(*peak(self._common["pulse"])),
            heart=Breathing(*peak(self._common["heart"])),
        )

    def _heart_per_min(self, end_s: float, pulses: list[Pulses]) -> float | None:
        found = None
        if self._beats is not None:
            found = self._beats.per_min(end_s - WINDOW_S, end_s)
        if found is None and pulses:
            found = float(60 / np.median(pulses[0].intervals.values))
        return found

    def _curves_of_ecg(self, end_s: float) -> list[Samples]:
        if self._beats is None:
            return []
        end_s -= LATENCY_S
        return _curves(self._beats.modulations(end_s - WINDOW_S, end_s), end_s)

    def _pulses(self, end_s: float) -> list[Pulses]:
        waves = self._usable("pulse", _PULSE_HZ)
        found = (of_pulse(wave, rate, end_s - WINDOW_S) for wave, rate in waves)
        return [one for one in found if one is not None]

    def _impedance(self, heart_per_min: float | None) -> Breathing:
        best = NONE
        low, high = _CUT_HZ
        heart_hz = (heart_per_min or 90.0) / 60
        cut_hz = min(max(_CUT_OF_HEART * heart_hz, low), high)
        for wave, rate_hz in self._usable("impedance", _IMPEDANCE_HZ):
            found = _breathing(smooth(wave, rate_hz, cut_hz), rate_hz)
            if heart_per_min and _is_near(found.per_min, heart_per_min):
                found = Breathing(found.per_min, found.quality * 0.2)
            best = max(best, found, key=lambda one: one.quality)
        return best

    def _usable(self, kind: Kind, near_hz: float) -> Iterator[tuple[Samples, float]]:
        """Yield the windows of a kind that have enough samples, at a lower rate."""
        by = max(1, round(self._rate_hz / near_hz))
        size = round(
            (SLOW_WINDOW_S if kind == "impedance" else WINDOW_S) * self._rate_hz
        )
        newest = round(WINDOW_S * self._rate_hz)
        for name, history in zip(self._names, self._history, strict=True):
            if self._kinds[name] != kind:
                continue
            if missing_share(history[-newest:]) <= MISSING_AT_MOST:
                yield filled(slower(history[-size:], by)), self._rate_hz / by


def _breathing(curve: Samples, rate_hz: float) -> Breathing:
    """Return the breaths of the window, or of a longer one where they are slow."""
    found = breathing(curve[-round(WINDOW_S * rate_hz) :], rate_hz)
    return found if found.per_min >= SLOW_PER_MIN else breathing(curve, rate_hz)


def _curves(modulations: Iterable[Modulation], end_s: float) -> list[Samples]:
    curves = (one.curve(end_s - WINDOW_S, end_s) for one in modulations)
    return [curve for curve in curves if curve is not None]


def _is_near(per_min: float, heart_per_min: float) -> bool:
    return abs(per_min - heart_per_min) < _HEART_IN_CHEST * heart_per_min
