"""Beats of one lead, found cheaply: enough to see the breath in them.

The detector of `ecg` finds every beat; this one may miss some. It looks at nothing but
how steep the curve is, and costs a part of it, so that every bed can afford the check.
"""

from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.respiration.curves import filled, missing_share
from monitorme_analysis.respiration.modulation import Modulation, qrs_shape

REMEMBERED_S: Final = 36.0
_TAIL_S: Final = 0.5
_EDGE_S: Final = 0.15
_STEP_S: Final = 0.02
_SPREAD_S: Final = 0.08
_REFRACTORY_S: Final = 0.28
_SHARE: Final = 0.45
"""Of the usual steepness of beats."""
_USUAL_OF: Final = 8
_MISSING_AT_MOST: Final = 0.1


@dataclass(slots=True)
class BeatMarks:
    """The newest beats of a lead: when, how high, and on what line; plain numbers."""

    at_s: list[float] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    lines: list[float] = field(default_factory=list)
    steepness: list[float] = field(default_factory=list)
    """Of the last few."""
    tail: Samples = field(default_factory=lambda: np.zeros(0))
    """The newest samples: a beat at the end is seen with the next block."""
    end_s: float = 0.0
    """The time of the end of the tail."""


def mark(marks: BeatMarks, block: Samples, rate_hz: float) -> None:
    """Take in the block that follows what was taken in before."""
    curve = np.concatenate([marks.tail, block])
    begin_s = marks.end_s - len(marks.tail) / rate_hz
    marks.end_s += len(block) / rate_hz
    marks.tail = curve[-int(_TAIL_S * rate_hz) :].copy()
    if missing_share(curve) > _MISSING_AT_MOST:
        return
    curve = filled(curve)
    places, steep = _steep_places(marks, curve, rate_hz, begin_s)
    if places:
        heights, lines = qrs_shape(curve, rate_hz, np.array(places, dtype=np.int64))
        for place, height, line in zip(
            places, heights.tolist(), lines.tolist(), strict=True
        ):
            if height == height and line == line:
                marks.at_s.append(begin_s + place / rate_hz)
                marks.heights.append(height)
                marks.lines.append(line)
        marks.steepness = [*marks.steepness, *steep][-_USUAL_OF:]
    old = sum(at_s < marks.end_s - REMEMBERED_S for at_s in marks.at_s)
    del marks.at_s[:old], marks.heights[:old], marks.lines[:old]


def modulations(marks: BeatMarks) -> tuple[Modulation, ...]:
    """Return the heights, the lines and the intervals of the beats."""
    at_s = np.array(marks.at_s)
    if len(at_s) < 2:
        return ()
    return (
        Modulation(at_s, np.array(marks.heights)),
        Modulation(at_s, np.array(marks.lines)),
        Modulation(at_s[1:], np.diff(at_s)),
    )


def _steep_places(
    marks: BeatMarks, curve: Samples, rate_hz: float, begin_s: float
) -> tuple[list[int], list[float]]:
    """Return where beats are, and how steep each is."""
    step = max(1, round(_STEP_S * rate_hz))
    spread = max(1, round(_SPREAD_S * rate_hz))
    slopes = np.abs(curve[step:] - curve[:-step])
    sums = np.concatenate([[0.0], np.cumsum(slopes)])
    steep = sums[spread:] - sums[:-spread]
    if not len(steep):
        return [], []
    shift = (step + spread) // 2
    usual = median(marks.steepness) if marks.steepness else float(steep.max())
    edge = round(_EDGE_S * rate_hz)
    last_s = marks.at_s[-1] if marks.at_s else -1.0
    above = np.flatnonzero(steep > _SHARE * usual)
    places: list[int] = []
    found: list[float] = []
    while above.size:
        begin = int(above[0])
        reach = begin + round(_REFRACTORY_S * rate_hz)
        top = begin + int(steep[begin:reach].argmax())
        place = top + shift
        above = above[above >= reach]
        at_s = begin_s + place / rate_hz
        if not edge <= place < len(curve) - edge or at_s - last_s < _REFRACTORY_S:
            continue
        places.append(place)
        found.append(float(steep[top]))
        last_s = at_s
    return places, found
