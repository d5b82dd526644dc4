"""The shapes of beats that a heart makes: learned as they come, the oldest forgotten."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples

MOST: Final = 5
SAME: Final = 0.8
"""Correlation from which two beats are of one shape."""
_LEARNING: Final = 0.15
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
    """How many beats each has been."""
    beats: int = 0


def match(
    shapes: Shapes, windows: Samples, weights: Samples
) -> tuple[float, int, Samples]:
    """Return the best correlation, the place of its shape, and the beat as one.

    Args:
        shapes: what is known.
        windows: the beat at several shifts: shift, lead, sample.
        weights: how much each lead counts; they add up to 1.
    """
    centred = windows - windows.mean(axis=2, keepdims=True)
    length = np.sqrt(np.einsum("slk,slk->sl", centred, centred)) + 1e-12
    unit = centred / length[:, :, None]
    middle = len(unit) // 2
    if not shapes.numbers:
        return UNKNOWN, -1, unit[middle]
    shifts, leads, samples = unit.shape
    by_lead = (unit * weights[None, :, None]).reshape(shifts, leads * samples)
    fits = by_lead @ shapes.known.reshape(len(shapes.numbers), -1).T
    best = int(fits.argmax())
    shift, place = divmod(best, len(shapes.numbers))
    return float(fits[shift, place]), place, unit[shift]


def learn(
    shapes: Shapes, unit: Samples, fit: float, place: int, strength: float
) -> int:
    """Take a beat into what is known; returns the number of its shape."""
    shapes.beats += 1
    if place >= 0 and place < len(shapes.numbers) and fit > SAME:
        blended = shapes.known[place] * (1 - _LEARNING) + unit * _LEARNING
        length = np.sqrt((blended * blended).sum(axis=1, keepdims=True)) + 1e-12
        shapes.known[place] = blended / length
        shapes.strengths[place] += _LEARNING * (strength - shapes.strengths[place])
        shapes.seen[place] = shapes.beats
        shapes.counts[place] += 1
        return shapes.numbers[place]
    number = max(shapes.numbers, default=-1) + 1
    if len(shapes.numbers) >= MOST:
        _forget(shapes, shapes.seen.index(min(shapes.seen)))
    known = [shapes.known] if shapes.numbers else []
    shapes.known = np.concatenate([*known, unit[None]], axis=0)
    shapes.numbers.append(number)
    shapes.strengths.append(strength)
    shapes.seen.append(shapes.beats)
    shapes.counts.append(1)
    return number


def _forget(shapes: Shapes, place: int) -> None:
    shapes.known = np.delete(shapes.known, place, axis=0)
    for column in (shapes.numbers, shapes.strengths, shapes.seen, shapes.counts):
        del column[place]
