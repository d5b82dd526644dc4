"""The shapes of beats that a heart makes: learned as they come, the oldest forgotten."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples

MOST: Final = 5
SAME: Final = 0.8
"""Correlation from which two beats are of one shape."""
_LEARNING: Final = 0.15
_MEMORY: Final = 200
"""Beats of one shape after which the past counts half."""
_FREQUENT: Final = 0.15
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
    usual: int = 0
    """The place of the narrowest shape that is frequent."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a beat compares with what is known."""

    match: float
    """Its best correlation."""
    place: int
    """The place of the shape that it is most like; -1 where none is known."""
    usual: float
    """Its correlation with the usual shape: the narrowest that is frequent."""
    unit: Samples
    """The beat as a shape."""


def match(shapes: Shapes, windows: Samples, weights: Samples) -> Likeness:
    """Compare a beat with what is known.

    Args:
        shapes: what is known.
        windows: the beat at several shifts: shift, lead, sample.
        weights: how much each lead counts; they add up to 1.
    """
    shifts, _, samples = windows.shape
    sums = np.add.reduce(windows, axis=2)
    power = np.add.reduce(windows * windows, axis=2) - sums * sums / samples
    length = np.sqrt(np.maximum(power, 0.0)) + 1e-12
    if not shapes.numbers:
        middle = shifts // 2
        unit = _unit(windows[middle], sums[middle], length[middle])
        return Likeness(UNKNOWN, -1, 1.0, unit)
    # Known shapes have no mean, so that those of the windows need not be taken away.
    by_lead = (windows * (weights / length)[:, :, None]).reshape(shifts, -1)
    fits = by_lead @ shapes.known.reshape(len(shapes.numbers), -1).T
    shift, place = divmod(int(fits.argmax()), len(shapes.numbers))
    usual = float(fits[:, shapes.usual].max())
    unit = _unit(windows[shift], sums[shift], length[shift])
    return Likeness(float(fits[shift, place]), place, usual, unit)


def _unit(window: Samples, sums: Samples, length: Samples) -> Samples:
    mean = sums / window.shape[1]
    return np.asarray((window - mean[:, None]) / length[:, None])


def learn(
    shapes: Shapes,
    unit: Samples,
    fit: float,
    place: int,
    *,
    strength: float,
    width_ms: float,
) -> int:
    """Take a beat into what is known; returns the number of its shape."""
    shapes.beats += 1
    number = _learn(shapes, unit, fit, place, strength, width_ms)
    shapes.usual = _usual(shapes)
    return number


def _learn(
    shapes: Shapes,
    unit: Samples,
    fit: float,
    place: int,
    strength: float,
    width_ms: float,
) -> int:
    if place >= 0 and place < len(shapes.numbers) and fit > SAME:
        blended = shapes.known[place] * (1 - _LEARNING) + unit * _LEARNING
        length = np.sqrt((blended * blended).sum(axis=1, keepdims=True)) + 1e-12
        shapes.known[place] = blended / length
        shapes.strengths[place] += _LEARNING * (strength - shapes.strengths[place])
        shapes.widths_ms[place] += _LEARNING * (width_ms - shapes.widths_ms[place])
        shapes.seen[place] = shapes.beats
        shapes.counts[place] += 1
        if shapes.counts[place] > _MEMORY:
            shapes.counts = [(count + 1) // 2 for count in shapes.counts]
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


def stepness(window: Samples, weights: Samples) -> float:
    """Return which part of a deflection stays; a step keeps all, a beat little."""
    begin = window[:, 0] + window[:, 1] + window[:, 2]
    end = window[:, -1] + window[:, -2] + window[:, -3]
    stays = np.abs(end - begin) / 3
    size = np.maximum.reduce(window, 1) - np.minimum.reduce(window, 1) + 1e-9
    return float(weights @ (stays / size))
