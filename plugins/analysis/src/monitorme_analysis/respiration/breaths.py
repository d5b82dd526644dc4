"""Breaths in a curve that rises and falls with each, and how plain they are."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from monitorme_analysis.respiration.curves import Samples
from monitorme_analysis.respiration.swings import Turns, turns

SHARE: Final = 0.4
"""Of the usual swing: what counts as a breath."""
SLOWEST_PER_MIN: Final = 4.0
"""Slower breathing is not told from none within a window."""
FASTEST_PER_MIN: Final = 70.0
"""Faster breathing is not told from the heart; newborns reach it."""


@dataclass(frozen=True, slots=True)
class Breathing:
    """The rate of breaths in a window, and how plain they are."""

    per_min: float
    quality: float


NONE: Final = Breathing(0.0, 0.0)


def breathing(curve: Samples, rate_hz: float) -> Breathing:
    """Return the rate of the breaths in a curve, over its whole length."""
    found = turns(curve, SHARE)
    if len(found.tops) < 2:
        return NONE
    per_min = _per_min(found.tops / rate_hz, len(curve) / rate_hz)
    if not SLOWEST_PER_MIN <= per_min <= FASTEST_PER_MIN:
        return NONE
    return Breathing(per_min, _quality(curve, found))


def _per_min(tops_s: Samples, length_s: float) -> float:
    """Return how many breaths there are in a minute of the window.

    Each moment counts with the rate of the interval that it lies in. Before the first
    breath and behind the last one, an interval is as long as the usual one; but a pause
    that goes on slows the rate.
    """
    intervals = np.diff(tops_s)
    usual = float(np.median(intervals))
    open_s = (float(tops_s[0]), length_s - float(tops_s[-1]))
    # A breath that has not ended yet is not a top yet: half an interval is no pause.
    breaths = sum(gap_s / max(usual, gap_s - 0.5 * usual) for gap_s in open_s)
    return 60 * (len(intervals) + breaths) / length_s


def _quality(curve: Samples, found: Turns) -> float:
    """Return how alike the breaths are in length and height, and how much they explain.

    The criteria are those of Charlton et al. 2021, "An impedance pneumography signal
    quality index" (Biomed. Signal Process. Control 65): even lengths, few outliers, a
    large part of the window in breaths, and breaths that look like their mean.
    """
    intervals = np.diff(found.bottoms)
    usual = float(np.median(intervals))
    even = np.abs(intervals - usual) < 0.35 * usual
    heights = np.minimum(found.rises, found.falls)
    tall = heights > 0.5 * np.median(heights)
    covered = float(intervals[even & tall].sum()) / len(curve)
    alike = _likeness(curve, found)
    return float(np.clip(covered, 0, 1) * np.clip((alike - 0.3) / 0.6, 0, 1))


def _likeness(curve: Samples, found: Turns) -> float:
    """Return the mean correlation of breaths, stretched to one length, with their mean."""
    grid = np.linspace(0, 1, 24)
    starts, ends = found.bottoms[:-1, None], found.bottoms[1:, None]
    places = (starts + (ends - starts) * grid).ravel()
    shapes = np.interp(places, np.arange(len(curve)), curve).reshape(-1, len(grid))
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    shapes /= np.sqrt((shapes**2).sum(axis=1, keepdims=True)) + 1e-12
    mean = shapes.mean(axis=0)
    return float((shapes @ mean).mean() / (np.sqrt((mean**2).sum()) + 1e-12))
