"""The usual height of beats in each lead, and which leads deserve trust.

Leads are few: plain numbers cost less here than arrays of one or two.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples

_BEATS: Final = 8
_STRETCHES: Final = 6
LEARNING_STRETCHES: Final = 3
CAP: Final = 1.5
"""Height over the usual beyond which more height says nothing more."""
_TOP: Final = CAP - 1e-9
_NO_SIGNAL: Final = 1e-4
"""Energy (mV a sample) below which there is no heartbeat, but a line."""
_LOST_S: Final = 4
_GIVEN_UP_S: Final = 10


@dataclass(slots=True)
class Levels:
    """Energy at the newest beats of each lead, and at the peaks of the newest seconds."""

    usual: list[float] = field(default_factory=list)
    at_beats: list[list[float]] = field(default_factory=list)
    peaks: list[list[float]] = field(default_factory=list)
    restless: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    without_beat: int = 0
    """Stretches since the last beat."""


def begin(levels: Levels, energy: Samples, stretch: int) -> None:
    """Take the usual height from the first seconds: the median of their peaks."""
    parts = energy.reshape(len(energy), -1, stretch).max(axis=2)
    levels.peaks = [row[-_STRETCHES:] for row in parts.tolist()]
    levels.usual = [max(_median(row), _NO_SIGNAL) for row in levels.peaks]
    levels.at_beats = [[usual] * _BEATS for usual in levels.usual]
    levels.restless = [0.1] * len(energy)
    levels.live = [1.0] * len(energy)


def weights_of(levels: Levels, energy: Samples, quiet: float) -> list[float]:
    """Return how much each lead counts in a new stretch; they add up to 1."""
    rest, peaks = _quantiles(energy, quiet)
    restless, live = levels.restless, levels.live
    for place, usual in enumerate(levels.usual):
        restless[place] = 0.5 * restless[place] + 0.5 * (rest[place] / usual)
        live[place] = max(0.5 * live[place], _live(peaks[place], usual))
    _relearn(levels, peaks)
    return _weigh(live, restless)


def fuse(
    levels: Levels, energy: Samples, weights: Sequence[float], out: Samples
) -> None:
    """Write the energy of all leads together, each in its usual height."""
    if len(energy) == 1:
        np.divide(energy[0], levels.usual[0], out=out)
        np.minimum(out, CAP, out=out)
        return
    heights = energy / np.array(levels.usual)[:, None]
    np.minimum(heights, CAP, out=heights)
    # Weights add up to 1 but for their last bits, which must not tell two tops apart.
    np.minimum(np.array(weights).dot(heights), _TOP, out=out)


def strength(
    levels: Levels, energy: Sequence[float], weights: Sequence[float]
) -> tuple[float, int]:
    """Return the height of a peak over the usual, and the lead that counts most."""
    if len(energy) == 1:
        return min(energy[0] / levels.usual[0], CAP), 0
    heights = [
        weight * min(one / usual, CAP)
        for weight, one, usual in zip(weights, energy, levels.usual, strict=True)
    ]
    return sum(heights), heights.index(max(heights))


def around(levels: Levels, window: Samples, quiet: float) -> tuple[list[float], float]:
    """Return the weights of leads around a peak, and the noise that they leave."""
    usual = levels.usual
    if len(usual) == 1:
        ordered = window[0].copy()
        ordered.sort()
        rest_of_one: float = ordered.item(int(quiet * len(ordered)))
        return [1.0], rest_of_one / usual[0]
    rest, peaks = _quantiles(window, quiet)
    restless = [value / one for value, one in zip(rest, usual, strict=True)]
    live = [_live(peak, one) for peak, one in zip(peaks, usual, strict=True)]
    weights = _weigh(live, restless)
    return weights, sum(w * r for w, r in zip(weights, restless, strict=True))


def learn(levels: Levels, energy: Sequence[float], *, is_sure: bool) -> None:
    """Take the energy of a beat into the usual height, where it can be trusted."""
    levels.without_beat = 0
    if not is_sure:
        return
    for place, height in enumerate(energy):
        usual = levels.usual[place]
        # A lead that shows nothing of this beat is off or blind to it: no change.
        trusted = min(height, 3 * usual) if height > 0.15 * usual else usual
        at_beats = levels.at_beats[place]
        at_beats.append(trusted)
        del at_beats[0]
        levels.usual[place] = _median(at_beats)


def _quantiles(energy: Samples, part: float) -> tuple[list[float], list[float]]:
    """Return what each lead does not exceed in a part of the time, and at all."""
    ordered = energy.copy()
    ordered.sort()
    place = int(part * energy.shape[1])
    return ordered[:, place].tolist(), ordered[:, -1].tolist()


def _live(peak: float, usual: float) -> float:
    return min(1.0, max(peak / usual, 1e-3))


def _weigh(live: Sequence[float], restless: Sequence[float]) -> list[float]:
    if len(live) == 1:
        return [1.0]
    raw = [a * a / (r * r + 0.0025) for a, r in zip(live, restless, strict=True)]
    total = sum(raw)
    return [one / total for one in raw]


def _relearn(levels: Levels, peaks: Sequence[float]) -> None:
    """Find the height again where it has changed so much that no beat is found any more.

    Upwards soon; downwards late, so that the noise of a silent heart does not become
    its beats.
    """
    levels.without_beat += 1
    is_lost = levels.without_beat > _LOST_S
    for place, peak in enumerate(peaks):
        newest = levels.peaks[place]
        newest.append(peak)
        if len(newest) > _STRETCHES:
            del newest[0]
        if is_lost:
            _relearn_lead(levels, place, max(_median(newest), _NO_SIGNAL))


def _relearn_lead(levels: Levels, place: int, typical: float) -> None:
    usual = levels.usual[place]
    if typical > 1.5 * usual:
        new = typical
    elif levels.without_beat > _GIVEN_UP_S and typical < 0.7 * usual:
        new = max(0.85 * usual, typical)
    else:
        return
    levels.usual[place] = new
    levels.at_beats[place] = [new] * _BEATS


def _median(numbers: Sequence[float]) -> float:
    ordered = sorted(numbers)
    count = len(ordered)
    return (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
