"""Linear-phase filters for the beat detector, as numbers."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]


def low_pass(cutoff_hz: float, rate_hz: float, length: int) -> Samples:
    """Return a Hamming-windowed sinc of unit gain at rest."""
    position = np.arange(length) - (length - 1) / 2
    taps = np.sinc(2 * cutoff_hz / rate_hz * position) * np.hamming(length)
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def band_pass(low_hz: float, high_hz: float, rate_hz: float, length: int) -> Samples:
    """Return the difference of two low-passes: no gain at rest."""
    return low_pass(high_hz, rate_hz, length) - low_pass(low_hz, rate_hz, length)


def odd(seconds: float, rate_hz: float) -> int:
    """Return the odd number of samples nearest to a duration, at least 3."""
    return max(3, 2 * int(seconds * rate_hz / 2) + 1)
