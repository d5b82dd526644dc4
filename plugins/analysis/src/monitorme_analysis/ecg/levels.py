"""The usual height of beats in each lead, and which leads deserve trust."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples

_BEATS: Final = 8
_STRETCHES: Final = 6
LEARNING_STRETCHES: Final = 3
CAP: Final = 1.5
"""Height over the usual beyond which more height says nothing more."""
_NO_SIGNAL: Final = 1e-4
"""Energy (mV a sample) below which there is no heartbeat, but a line."""
_LOST_S: Final = 4
_GIVEN_UP_S: Final = 10


@dataclass(slots=True)
class Levels:
    """Energy at the newest beats of each lead, and at the peaks of the newest seconds."""

    usual: Samples = field(default_factory=lambda: np.zeros(0))
    at_beats: Samples = field(default_factory=lambda: np.zeros((0, 0)))
    peaks: Samples = field(default_factory=lambda: np.zeros((0, 0)))
    restless: Samples = field(default_factory=lambda: np.zeros(0))
    live: Samples = field(default_factory=lambda: np.zeros(0))
    without_beat: int = 0
    """Stretches since the last beat."""


def begin(levels: Levels, energy: Samples, stretch: int) -> None:
    """Take the usual height from the first seconds: the median of their peaks."""
    parts = energy.reshape(len(energy), -1, stretch).max(axis=2)
    levels.usual = np.maximum(_median(parts.T), _NO_SIGNAL)
    levels.at_beats = np.repeat(levels.usual[None], _BEATS, axis=0)
    levels.peaks = parts.T[-_STRETCHES:]
    levels.restless = np.full(len(energy), 0.1)
    levels.live = np.ones(len(energy))


def weights_of(levels: Levels, energy: Samples, quiet: float) -> Samples:
    """Return how much each lead counts in a new stretch; they add up to 1."""
    usual = levels.usual
    peaks = np.maximum.reduce(energy, 1)
    rest = _quantile(energy, quiet)
    levels.restless = 0.5 * levels.restless + 0.5 * rest / usual
    now_live = np.minimum(1.0, np.maximum(peaks / usual, 1e-3))
    levels.live = np.maximum(0.5 * levels.live, now_live)
    _relearn(levels, peaks)
    if len(usual) == 1:
        return np.ones(1)
    return _weigh(levels.live, levels.restless)


def around(levels: Levels, window: Samples, quiet: float) -> tuple[Samples, float]:
    """Return the weights of leads around a peak, and the noise that they leave."""
    restless = _quantile(window, quiet) / levels.usual
    if len(restless) == 1:
        return np.ones(1), float(restless[0])
    live = np.minimum(
        1.0, np.maximum(np.maximum.reduce(window, 1) / levels.usual, 1e-3)
    )
    weights = _weigh(live, restless)
    return weights, float(weights @ restless)


def learn(levels: Levels, energy: Samples, *, is_sure: bool) -> None:
    """Take the energy of a beat into the usual height, where it can be trusted."""
    levels.without_beat = 0
    if not is_sure:
        return
    usual = levels.usual
    # A lead that shows nothing of this beat is off or blind to it: it keeps its level.
    trusted = np.where(energy > 0.15 * usual, np.minimum(energy, 3 * usual), usual)
    levels.at_beats = np.concatenate([levels.at_beats[1:], trusted[None]])
    levels.usual = _median(levels.at_beats)


def _quantile(energy: Samples, part: float) -> Samples:
    place = int(part * energy.shape[1])
    return np.asarray(np.partition(energy, place, axis=1)[:, place])


def _weigh(live: Samples, restless: Samples) -> Samples:
    weights = live * live / (restless * restless + 0.0025)
    return np.asarray(weights / np.add.reduce(weights), dtype=np.float64)


def _relearn(levels: Levels, peaks: Samples) -> None:
    """Find the height again where it has changed so much that no beat is found any more.

    Upwards soon; downwards late, so that the noise of a silent heart does not become
    its beats.
    """
    levels.peaks = np.concatenate([levels.peaks[1 - _STRETCHES :], peaks[None]])
    levels.without_beat += 1
    if levels.without_beat <= _LOST_S:
        return
    typical = np.maximum(_median(levels.peaks), _NO_SIGNAL)
    usual = levels.usual
    new = np.where(typical > 1.5 * usual, typical, usual)
    if levels.without_beat > _GIVEN_UP_S:
        new = np.where(typical < 0.7 * usual, np.maximum(0.85 * usual, typical), new)
    if (new != usual).any():
        levels.usual = new
        levels.at_beats = np.repeat(new[None], _BEATS, axis=0)


def _median(rows: Samples) -> Samples:
    ordered = rows.copy()
    ordered.sort(axis=0)
    count = len(rows)
    return np.asarray((ordered[(count - 1) // 2] + ordered[count // 2]) / 2)
