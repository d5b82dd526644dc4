"""Whether a signal is one rough wave without beats, as in ventricular fibrillation.

The measure is the leakage of a narrow band-stop filter at the signal's own mean
frequency: S. Kuo and R. Dillman, "Computer detection of ventricular fibrillation",
Computers in Cardiology 1978. A sine leaks nothing; QRS complexes between flat lines leak
nearly all. Kuo and Dillman take fibrillation to leak less than 0.406 where it is coarse.
"""

from math import pi
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples, without_baseline

COARSE: Final = 0.406
_LOWEST_HZ: Final = 1.8
_HIGHEST_HZ: Final = 9.0
_LEAST_MV: Final = 0.08


def leakage(wave: Samples, rate_hz: float) -> float:
    """Return how much one lead leaks, 0 to 1; 1 where it is no such wave at all.

    Args:
        wave: some seconds of one lead, in mV.
        rate_hz: its rate.
    """
    flat = without_baseline(wave, rate_hz)
    size = float(np.abs(flat).sum())
    slope = float(np.abs(np.diff(flat)).sum())
    if not slope or flat.max() - flat.min() < _LEAST_MV:
        return 1.0
    # Half of the mean period: where a wave is its own opposite.
    half = pi * size / slope
    frequency_hz = rate_hz / (2 * half)
    if not _LOWEST_HZ <= frequency_hz <= _HIGHEST_HZ:
        return 1.0
    shift = max(1, round(half))
    now, before = flat[shift:], flat[:-shift]
    total = float((np.abs(now) + np.abs(before)).sum())
    return float(np.abs(now + before).sum()) / total if total else 1.0
