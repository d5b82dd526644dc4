"""Curves of even samples: smoothing, what is missing in them, a lower rate."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

_HALF_POWER = 0.1325
"""A Gaussian of so many seconds lets half the power of 1 Hz through."""


def smooth(curve: Samples, rate_hz: float, cut_hz: float) -> Samples:
    """Return the curve without what is faster than `cut_hz`, not moved in time."""
    width = _HALF_POWER * rate_hz / cut_hz
    reach = int(3 * width) + 1
    kernel = np.exp(-((np.arange(-reach, reach + 1) / width) ** 2) / 2)
    padded = np.pad(curve, reach, "edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid")


def without_drift(curve: Samples, rate_hz: float, span_s: float) -> Samples:
    """Return the curve minus its mean over `span_s` around each sample."""
    reach = max(1, int(span_s * rate_hz) // 2)
    padded = np.pad(curve, reach, "edge")
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    length = 2 * reach + 1
    drift: Samples = (sums[length:] - sums[:-length]) / length
    return curve - drift


def filled(curve: Samples) -> Samples:
    """Return the curve with a straight line where samples are missing (NaN)."""
    missing = np.isnan(curve)
    if not missing.any():
        return curve
    places = np.arange(len(curve))
    return np.interp(places, places[~missing], curve[~missing])


def missing_share(curve: Samples) -> float:
    """Return which part of the samples is missing."""
    return float(np.isnan(curve).mean()) if curve.size else 1.0


def slower(curve: Samples, by: int) -> Samples:
    """Return one sample, the mean, for each `by` of them; what is over is left out."""
    whole = len(curve) // by * by
    groups = curve[:whole].reshape(-1, by)
    known = ~np.isnan(groups)
    sums = np.where(known, groups, 0).sum(axis=1)
    counts = known.sum(axis=1)
    return np.where(counts, sums / np.maximum(counts, 1), np.nan)
