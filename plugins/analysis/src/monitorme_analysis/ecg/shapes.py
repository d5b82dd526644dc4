"""The shapes of beats that a heart makes: learned as they come, the oldest forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from math import sqrt
from typing import Final, NamedTuple

import numpy as np

from monitorme_analysis.ecg.filters import Samples

MOST: Final = 5
SAME: Final = 0.8
"""Correlation from which two beats are of one shape."""
_LEARNING: Final = 0.15
SHIFTS: Final = 2
"""Samples by which a beat is shifted to find what it is like."""
_ALIGNED: Final = 0.9
"""Likeness from which it is not shifted."""
_MEMORY: Final = 200
"""Beats of one shape after which the past counts half."""
_FREQUENT: Final = 0.15
_RECOUNTED: Final = 4
UNKNOWN: Final = 0.55
"""The match of a beat while nothing is known to compare it with."""


@dataclass(slots=True)
class Shapes:
    """Known shapes, each of zero mean and unit length in each lead."""

    known: Samples = field(default_factory=lambda: np.zeros((0, 0, 0)))
    numbers: list[int] = field(default_factory=list)
    strengths: list[float] = field(default_factory=list)
    """The usual strength of a beat of each shape."""
    seen: list[int] = field(default_factory=list)
    """When each was last seen, counted in beats."""
    counts: list[int] = field(default_factory=list)
    """How many beats each has been, the older counting less."""
    widths_ms: list[float] = field(default_factory=list)
    """The usual width of each."""
    beats: int = 0
    next_number: int = 0
    usual: int = 0
    """The place of the narrowest shape that is frequent."""


class Likeness(NamedTuple):
    """How a beat compares with what is known."""

    match: float
    """Its best correlation."""
    place: int
    """The place of the shape that it is most like, for now; -1 where none is known."""
    number: int
    """The number of that shape, which it keeps."""
    usual: float
    """Its correlation with the usual shape: the narrowest that is frequent."""
    unit: Samples
    """The beat as a shape."""


def match(shapes: Shapes, near: Samples, weights: Sequence[float]) -> Likeness:
    """Compare a beat with what is known.

    Args:
        shapes: what is known.
        near: the samples around it, a row for each lead, with SHIFTS more at both ends.
        weights: how much each lead counts; they add up to 1.
    """
    best = _compared(shapes, near, weights, SHIFTS)
    if best.match >= _ALIGNED or not shapes.numbers:
        return best
    for shift in (SHIFTS - 1, SHIFTS + 1, SHIFTS - 2, SHIFTS + 2):
        other = _compared(shapes, near, weights, shift)
        usual = max(best.usual, other.usual)
        if other.match > best.match:
            best = other
        if best.usual != usual:
            best = best._replace(usual=usual)
    return best


def _compared(
    shapes: Shapes, near: Samples, weights: Sequence[float], shift: int
) -> Likeness:
    samples = near.shape[1] - 2 * SHIFTS
    unit = near[:, shift : shift + samples].copy()
    ones = _ones(samples)
    for place in range(len(unit)):
        row = unit[place]
        row -= row.dot(ones) / samples
        row /= sqrt(row.dot(row)) + 1e-12
    if not shapes.numbers:
        return Likeness(UNKNOWN, -1, -1, 1.0, unit)
    fits = _fits(shapes.known, unit, weights)
    match = max(fits)
    best = fits.index(match)
    return Likeness(match, best, shapes.numbers[best], fits[shapes.usual], unit)


@cache
def _ones(count: int) -> Samples:
    """Return ones: a product with them is a sum, at half of the cost."""
    return np.ones(count)


def _fits(known: Samples, unit: Samples, weights: Sequence[float]) -> list[float]:
    """Return the correlation of a beat with each shape, over all leads."""
    products = known[:, 0].dot(unit[0])
    if len(weights) == 1:
        return products.tolist()  # type: ignore[no-any-return]
    fits: list[float] = (weights[0] * products).tolist()
    for place in range(1, len(weights)):
        products = known[:, place].dot(unit[place]).tolist()
        weight = weights[place]
        fits = [fit + weight * one for fit, one in zip(fits, products, strict=True)]
    return fits


def learn(
    shapes: Shapes,
    unit: Samples,
    fit: float,
    like: int,
    *,
    strength: float,
    width_ms: float,
) -> int:
    """Take a beat into what is known; returns the number of its shape."""
    shapes.beats += 1
    number = _learn(shapes, unit, fit, like, strength, width_ms)
    is_new = shapes.numbers[-1] == number and shapes.counts[-1] == 1
    if is_new or shapes.beats % _RECOUNTED == 0:
        shapes.usual = _usual(shapes)
    return number


def _learn(
    shapes: Shapes,
    unit: Samples,
    fit: float,
    like: int,
    strength: float,
    width_ms: float,
) -> int:
    if fit > SAME and like in shapes.numbers:
        place = shapes.numbers.index(like)
        known = shapes.known[place]
        known += _LEARNING * (unit - known)
        for lead in range(len(known)):
            row = known[lead]
            row /= sqrt(row.dot(row)) + 1e-12
        shapes.strengths[place] += _LEARNING * (strength - shapes.strengths[place])
        shapes.widths_ms[place] += _LEARNING * (width_ms - shapes.widths_ms[place])
        shapes.seen[place] = shapes.beats
        shapes.counts[place] += 1
        if shapes.counts[place] > _MEMORY:
            shapes.counts = [(count + 1) // 2 for count in shapes.counts]
        return shapes.numbers[place]
    number = shapes.next_number
    shapes.next_number += 1
    if len(shapes.numbers) >= MOST:
        _forget(shapes, shapes.seen.index(min(shapes.seen)))
    known = [shapes.known] if shapes.numbers else []
    shapes.known = np.concatenate([*known, unit[None]], axis=0)
    shapes.numbers.append(number)
    shapes.strengths.append(strength)
    shapes.seen.append(shapes.beats)
    shapes.counts.append(1)
    shapes.widths_ms.append(width_ms)
    return number


def _forget(shapes: Shapes, place: int) -> None:
    shapes.known = np.delete(shapes.known, place, axis=0)
    del shapes.numbers[place], shapes.strengths[place], shapes.seen[place]
    del shapes.counts[place], shapes.widths_ms[place]


def _usual(shapes: Shapes) -> int:
    enough = _FREQUENT * sum(shapes.counts)
    width = [
        width_ms if count >= enough else 1e9
        for width_ms, count in zip(shapes.widths_ms, shapes.counts, strict=True)
    ]
    return width.index(min(width))


def stepness(window: Samples, weights: Sequence[float]) -> float:
    """Return which part of a deflection stays; a step keeps all, a beat little."""
    begin = window[:, 0] + window[:, 1] + window[:, 2]
    end = window[:, -1] + window[:, -2] + window[:, -3]
    stays = np.abs(end - begin) / 3
    size = np.maximum.reduce(window, 1) - np.minimum.reduce(window, 1) + 1e-9
    return float(np.dot(weights, stays / size))
