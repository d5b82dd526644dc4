"""The rate that several curves have in common.

Breathing moves the ECG and the pulse in several ways at once: it makes beats higher,
shifts the line they stand on, and hurries the heart. Which of these shows depends on the
patient. So the spectra of all are added, each by how much of itself lies in one peak:
noise has no peak, and differs from curve to curve. Sources: Karlen et al. 2013,
"Multiparameter respiratory rate estimation from the photoplethysmogram" (IEEE Trans.
Biomed. Eng. 60), for the three modulations; Orphanidou 2017 and Lazaro et al. 2014 for
adding spectra by how peaked they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples

GRID_HZ: Final = 4.0
"""Samples a second of the curves that spectra are taken of."""
STEP_PER_MIN: Final = 0.25
RATES_PER_MIN: Final = np.arange(4.0, 70.25, STEP_PER_MIN)
_LENGTH: Final = round(GRID_HZ * 60 / STEP_PER_MIN)
"""Curves are lengthened to so many samples, so that each step is a rate."""
_FIRST: Final = round(float(RATES_PER_MIN[0]) / STEP_PER_MIN)
NEAR_PER_MIN: Final = 2.1
"""What lies so near the peak belongs to it: the width that a window of 32 s gives."""
NOISE_SHARE: Final = 0.2
"""Even noise has so much of itself near its highest peak."""
ENOUGH: Final = 0.2
"""Evidence that is enough: the sum of squares of what curves have in a peak beyond what
noise has. Beats of nothing but noise reach half of it."""
MEMORY: Final = 0.9
"""How much of what was known a second ago still counts."""


@dataclass(slots=True)
class Common:
    """What curves have had in common until now."""

    spectrum: Samples = field(default_factory=lambda: np.zeros(len(RATES_PER_MIN)))


def spectra(curves: Sequence[Samples], fastest_per_min: float) -> Samples:
    """Return the power of each curve at each rate, 0 from `fastest_per_min` on.

    Power counts times the rate: slow drift is stronger than breath, and falls as the
    rate rises.
    """
    if not curves:
        return np.zeros((0, len(RATES_PER_MIN)))
    levels = _without_line(np.stack(curves))
    window = np.hanning(levels.shape[1])
    waves = np.fft.rfft(levels * window, _LENGTH)
    power = np.abs(waves[:, _FIRST : _FIRST + len(RATES_PER_MIN)]) ** 2
    weighed: Samples = power * np.where(
        fastest_per_min > RATES_PER_MIN, RATES_PER_MIN, 0
    )
    return weighed


def add(common: Common, of_curves: Samples, memory: float = MEMORY) -> None:
    """Take in new spectra; `memory` is how much of what was known still counts."""
    fused = np.zeros(len(RATES_PER_MIN))
    for spectrum in of_curves:
        total = spectrum.sum()
        if total > 0:
            share = _peak_share(spectrum)[1]
            fused += spectrum / total * max(0.0, share - NOISE_SHARE) ** 2
    common.spectrum = memory * common.spectrum + (1 - memory) * fused


def peak(common: Common) -> tuple[float, float]:
    """Return the common rate a minute, and how far it can be trusted, 0 to 1.

    That is the part of everything that lies there, less where all curves are flat.
    """
    evidence = float(common.spectrum.sum())
    if evidence <= 0:
        return 0.0, 0.0
    rate, share = _peak_share(common.spectrum)
    return rate, share * min(1.0, evidence / ENOUGH)


def agreeing(of_curves: Samples, per_min: float) -> int:
    """Return how many curves have their own peak at a rate."""
    peaks = [_peak_share(one)[0] for one in of_curves if one.any()]
    return sum(abs(rate - per_min) < NEAR_PER_MIN for rate in peaks)


def _peak_share(spectrum: Samples) -> tuple[float, float]:
    rate = float(RATES_PER_MIN[int(spectrum.argmax())])
    near = np.abs(RATES_PER_MIN - rate) < NEAR_PER_MIN
    middle = float((spectrum * RATES_PER_MIN)[near].sum() / spectrum[near].sum())
    return middle, float(spectrum[near].sum() / spectrum.sum())


def _without_line(curves: Samples) -> Samples:
    """Return curves without their level and their slope (least squares)."""
    times = np.arange(curves.shape[1]) - (curves.shape[1] - 1) / 2
    levels = curves - curves.mean(axis=1, keepdims=True)
    slopes = (levels * times).sum(axis=1, keepdims=True) / (times**2).sum()
    straight: Samples = levels - slopes * times
    return straight
