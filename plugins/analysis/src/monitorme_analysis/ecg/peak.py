"""A peak of energy that may be a beat, and what speaks for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from monitorme_analysis.ecg import evidence, levels, shapes
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.ecg.front_end import FrontEnd, Stretches
from monitorme_analysis.ecg.levels import Levels
from monitorme_analysis.ecg.shapes import Shapes

_INNER: Final = slice(shapes.SHIFTS, -shapes.SHIFTS)


@dataclass(slots=True)
class Peak:
    """A peak of energy that may be a beat."""

    index: int
    """The working sample of the peak of energy."""
    height: float
    main: int = 0
    """The working sample of its main deflection."""
    odds: float = 0.0
    strength: float = 0.0
    noise: float = 0.0
    match: float = 0.0
    like: int = -1
    """The number of the shape that it is most like."""
    usual_match: float = 1.0
    width_ms: float = 0.0
    lead: int = 0
    energy: list[float] = field(default_factory=list)
    unit: Samples | None = None


def judge(
    peak: Peak,
    stretches: Stretches,
    front: FrontEnd,
    known: Levels,
    known_shapes: Shapes,
    quiet: float,
) -> None:
    """Look at a peak with what is around it."""
    rows, leads, lengths = stretches.rows, front.leads, front.lengths
    at = peak.index - stretches.first
    place = at + front.delay
    begin = max(front.delay, place - lengths.context)
    energies = rows[2 * leads : 3 * leads, begin : place + lengths.context]
    weights, peak.noise = levels.around(known, energies, quiet)
    peak.energy = energies[:, place - begin].tolist()
    peak.strength, peak.lead = levels.strength(known, peak.energy, weights)
    reach = 2 * lengths.half_beat
    near = rows[-1, max(front.delay, place - reach) : place + reach + 1]
    wide = (near > 0.5 * peak.height).tobytes().count(True)
    peak.width_ms = wide / front.rate_hz * 1000
    main = _main_deflection(rows, front, at, known, weights)
    peak.main = main + stretches.first
    stepness, usual_strength = 0.0, 1.0
    peak.match = shapes.UNKNOWN
    reach = lengths.half_beat + shapes.SHIFTS
    if main >= reach and main + reach < front.kept:
        wave = rows[:leads, main - reach : main + reach + 1]
        like = shapes.match(known_shapes, wave, weights)
        peak.match, peak.like, peak.unit = like.match, like.number, like.unit
        peak.usual_match = like.usual
        if like.match < shapes.SAME:  # a beat that is known is no step
            stepness = shapes.stepness(wave[:, _INNER], weights)
        if like.place >= 0:
            usual_strength = known_shapes.strengths[like.place]
    peak.odds = evidence.of_peak(
        peak.strength, peak.match, peak.noise, usual_strength, stepness
    )


def _main_deflection(
    rows: Samples, front: FrontEnd, at: int, known: Levels, weights: Sequence[float]
) -> int:
    """Return where the band-passed leads deflect most, near a peak of energy."""
    leads, align = front.leads, front.lengths.align
    begin = max(0, at - align)
    late = front.delay - front.band_delay
    near = np.abs(rows[leads : 2 * leads, begin + late : at + late + align + 1])
    if leads == 1:
        return begin + int(near.argmax())
    scale = [w / one for w, one in zip(weights, known.usual, strict=True)]
    return begin + int(np.array(scale).dot(near).argmax())
