"""The turns of a curve that count: up and down by more than noise does.

A turn counts when the curve has gone back from it by a threshold (hysteresis), so that
ripples on a breath, from the heart or from noise, are no breaths of their own. The
threshold follows the curve: a share of its usual large swing. After the idea of Schaefer
and Kratky 2008, "Estimation of breathing rate from respiratory sinus arrhythmia"
(Ann. Biomed. Eng. 36), who keep extrema above a share of the third quartile.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitorme_analysis.respiration.curves import Samples

Places = NDArray[np.int64]

FIRST_SHARE: Final = 0.15
"""Of the curve's spread: what the first look calls a swing."""
MOVEMENT: Final = 2 / 3
"""Half would be the heart's where breaths are rare; more, those of a few deep breaths."""
LARGEST_SHARE: Final = 1.5
"""Of the curve's spread: a larger swing is a jolt, and counts as so much."""


@dataclass(frozen=True, slots=True)
class Turns:
    """The tops of a curve that have a bottom on both sides."""

    tops: Places
    """Where they are, in samples."""
    rises: Samples
    """How far each lies above the bottom before it."""
    falls: Samples
    """How far each lies above the bottom behind it."""
    bottoms: Places
    """The bottom before each, and last the one behind the last."""


NO_TURNS: Final = Turns(
    np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
)


def turns(curve: Samples, share: float) -> Turns:
    """Return the turns that count; `share` is of the usual large swing."""
    places = _extrema(curve)
    heights = curve[places]
    spread = float(np.quantile(curve, 0.9) - np.quantile(curve, 0.1))
    kept = _zigzag(heights, FIRST_SHARE * spread)
    if len(kept) < 3:
        return NO_TURNS
    swings = np.minimum(np.abs(np.diff(heights[kept])), LARGEST_SHARE * spread)
    kept = _zigzag(heights, share * _usual_swing(swings))
    if len(kept) > 1 and heights[kept[0]] > heights[kept[1]]:
        kept = kept[1:]
    if len(kept) % 2 == 0:
        kept = kept[:-1]
    if len(kept) < 3:
        return NO_TURNS
    turned = places[kept]
    tops, bottoms = turned[1::2], turned[::2]
    rises, falls = curve[tops] - curve[bottoms[:-1]], curve[tops] - curve[bottoms[1:]]
    return Turns(tops, rises, falls, bottoms)


def _extrema(curve: Samples) -> Places:
    """Return where the curve turns at all; of a plateau, such as of a clipped breath,
    the middle."""
    steps = np.diff(curve)
    moving = np.flatnonzero(steps)
    if not moving.size:
        return np.zeros(0, dtype=np.int64)
    rising = steps[moving] > 0
    changes = np.flatnonzero(rising[1:] != rising[:-1])
    middles = (moving[changes] + 1 + moving[changes + 1]) // 2
    return np.concatenate([[0], middles, [len(curve) - 1]]).astype(np.int64)


def _zigzag(heights: Samples, threshold: float) -> list[int]:
    """Return which of the extrema remain when lesser swings are ignored."""
    if threshold <= 0:
        return []
    kept: list[int] = []
    values = heights.tolist()
    low = high = 0
    direction = 0
    for index, value in enumerate(values):
        high = index if value > values[high] else high
        low = index if value < values[low] else low
        if direction >= 0 and values[high] - value > threshold:
            kept.append(high)
            direction, low = -1, index
        elif direction <= 0 and value - values[low] > threshold:
            kept.append(low)
            direction, high = 1, index
    return kept


def _usual_swing(swings: Samples) -> float:
    """Return the swing below which two thirds of all movement lie: large, but usual."""
    ordered = np.sort(swings)
    moved = np.cumsum(ordered)
    return float(ordered[int(np.searchsorted(moved, moved[-1] * MOVEMENT))])
