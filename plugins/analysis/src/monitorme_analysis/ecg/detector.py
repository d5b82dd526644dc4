"""Beats of one or several leads, found as samples come.

Leads are not chosen one by one: the energy of each is measured in its own usual height,
and counts by how quiet and how alive the lead is just then. Peaks of the sum are judged
with a second of what follows them in view (see `evidence`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import sub
from typing import Final, NamedTuple

import numpy as np

from monitorme_analysis.ecg import evidence, levels, shapes
from monitorme_analysis.ecg.beat import Beat
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.ecg.front_end import Stretches, front_end
from monitorme_analysis.ecg.levels import Levels
from monitorme_analysis.ecg.shapes import Shapes
from monitorme_analysis.ecg.tuning import QRS, Tuning

_FLOOR: Final = 0.11
"""Lower peaks cannot be beats, whatever else speaks for them."""
_CONTEXT_S: Final = 0.6
"""How far noise is looked for on both sides of a peak."""
_PATIENCE_S: Final = 0.9
"""How long a judged peak waits for what follows it."""
_USUAL_S: Final = 0.8
_INTERVALS: Final = 8


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


@dataclass(slots=True)
class DetectorState:
    """All that the detector knows; it can be written down and read back (see `saving`)."""

    stretches: Stretches
    levels: Levels = field(default_factory=Levels)
    shapes: Shapes = field(default_factory=Shapes)
    fused: Samples = field(default_factory=lambda: np.zeros(0))
    """The energy of all leads; as long as their histories."""
    searched: int = 0
    """Until which working sample peaks have been looked for."""
    peaks: list[Peak] = field(default_factory=list)
    """Found, but without their context yet."""
    judged: list[Peak] = field(default_factory=list)
    """Judged, but not decided."""
    beats: list[int] = field(default_factory=list)
    """The newest beats, by working sample of their energy."""
    taken: int = 0
    """Raw samples taken in."""


class _Lengths(NamedTuple):
    """Durations as working samples."""

    near: int
    context: int
    patience: int
    half: int
    align: int


@cache
def _lengths(rate_hz: float, tuning: Tuning) -> _Lengths:
    seconds = (
        tuning.near_s,
        _CONTEXT_S,
        _PATIENCE_S,
        tuning.half_beat_s,
        tuning.align_s,
    )
    return _Lengths(*(int(one * rate_hz) for one in seconds))


class BeatDetector:
    """Finds beats in blocks of samples of a fixed rate and fixed leads.

    Blocks may be of any size: the beats are those of the whole record. A beat is
    reported about two seconds after it happened.
    """

    def __init__(
        self,
        rate_hz: float,
        leads: tuple[str, ...],
        state: DetectorState | None = None,
        *,
        tuning: Tuning = QRS,
    ) -> None:
        self.rate_hz = rate_hz
        self.leads = leads
        self.front = front_end(rate_hz, len(leads), tuning)
        if state is None:
            state = DetectorState(self.front.begin())
        self.state = state
        self._quiet = tuning.quiet_part
        self._lengths = _lengths(self.front.rate_hz, tuning)

    def feed(self, samples: Samples) -> list[Beat]:
        """Take in mV, a row for each lead, NaN where missing; return the new beats."""
        state, size = self.state, self.front.raw_stretch
        stretches = state.stretches
        state.taken += samples.shape[1]
        if stretches.raw.size:
            samples = np.concatenate([stretches.raw, samples], axis=1)
        elif samples.shape[1] == size:
            return self._stretch(samples)
        beats: list[Beat] = []
        count = samples.shape[1]
        whole = count - count % size
        for begin in range(0, whole, size):
            beats += self._stretch(samples[:, begin : begin + size])
        stretches.raw = samples[:, whole:].copy()
        return beats

    def finish(self) -> list[Beat]:
        """Return the beats that were still waiting for what follows; there is no more."""
        state = self.state
        end = state.taken
        last = state.stretches.raw[:, -1:]
        if not last.size:
            last = state.stretches.last[:, None]
        beats = self.feed(np.repeat(last, 4 * self.front.raw_stretch, axis=1))
        # The signal standing still is the end's doing; what that looks like is no beat.
        edge = end - round(0.06 * self.rate_hz)
        return [beat for beat in beats if beat.sample < edge]

    def _stretch(self, raw: Samples) -> list[Beat]:
        state = self.state
        energy = self.front.add(state.stretches, raw)
        if not state.levels.usual:
            known = state.stretches.energy
            if known.shape[1] < levels.LEARNING_STRETCHES * self.front.stretch:
                return []
            levels.begin(state.levels, known, self.front.stretch)
            self._fuse(known)
        else:
            self._fuse(energy)
        self._search()
        return self._decide()

    def _fuse(self, energy: Samples) -> None:
        state = self.state
        weights = levels.weights_of(state.levels, energy, self._quiet)
        new = levels.fused(state.levels, energy, weights)
        kept = len(new) - state.stretches.energy.shape[1]
        old = state.fused[kept:] if kept else state.fused[:0]
        state.fused = np.concatenate([old, new])

    def _search(self) -> None:
        """Note the peaks of what is new, the higher of two that are near each other."""
        state = self.state
        first = state.stretches.first
        begin = max(state.searched - first, 1)
        end = len(state.fused) - 1
        part = state.fused[begin - 1 : end + 1]
        middle = part[1:-1]
        rises = part[1:] > part[:-1]
        # It rose to a top, and does not rise from it.
        tops = rises[:-1] > rises[1:]
        tops &= middle > _FLOOR
        state.searched = first + end
        peaks, near = state.peaks, self._lengths.near
        for place in tops.nonzero()[0].tolist():
            index, height = place + begin + first, middle.item(place)
            if not peaks or index - peaks[-1].index >= near:
                peaks.append(Peak(index, height))
            elif height > peaks[-1].height:
                peaks[-1] = Peak(index, height)

    def _decide(self) -> list[Beat]:
        state = self.state
        known = state.searched - self._lengths.context
        beats: list[Beat] = []
        while state.peaks and state.peaks[0].index <= known:
            peak = state.peaks.pop(0)
            self._judge(peak)
            state.judged.append(peak)
            beats += self._settle(peak.index)
        return beats + self._settle(known)

    def _judge(self, peak: Peak) -> None:
        """Look at a peak with what is around it."""
        state = self.state
        stretches, usual = state.stretches, state.levels.usual
        at = peak.index - stretches.first
        wave, energies = stretches.wave, stretches.energy
        context = self._lengths.context
        window = energies[:, max(0, at - context) : at + context]
        weights, peak.noise = levels.around(state.levels, window, self._quiet)
        peak.energy = energies[:, at].tolist()
        heights = [
            weight * min(energy / one, levels.CAP)
            for weight, energy, one in zip(weights, peak.energy, usual, strict=True)
        ]
        peak.strength = sum(heights)
        peak.lead = heights.index(max(heights))
        peak.width_ms = self._width_ms(at, peak.height)
        main = self._main_deflection(at, weights)
        peak.main = main + stretches.first
        stepness, match, usual_strength = 0.0, shapes.UNKNOWN, 1.0
        reach = self._lengths.half + shapes.SHIFTS
        if main >= reach and main + reach < wave.shape[1]:
            near = wave[:, main - reach : main + reach + 1]
            like = shapes.match(state.shapes, near, weights)
            match, peak.like, peak.unit = like.match, like.number, like.unit
            peak.usual_match = like.usual
            if match < shapes.SAME:  # a beat that is known is no step
                stepness = shapes.stepness(
                    near[:, shapes.SHIFTS : -shapes.SHIFTS], weights
                )
            if like.place >= 0:
                usual_strength = state.shapes.strengths[like.place]
        peak.match = match
        peak.odds = evidence.of_peak(
            peak.strength, match, peak.noise, usual_strength, stepness
        )

    def _main_deflection(self, at: int, weights: Sequence[float]) -> int:
        """Return where the band-passed leads deflect most, near a peak of energy."""
        state = self.state
        align = self._lengths.align
        begin = max(0, at - align)
        near = state.stretches.band[:, begin : at + align + 1]
        if len(near) == 1:
            low, high = int(near.argmin()), int(near.argmax())
            is_down = -near.item(low) > near.item(high)
            return begin + (low if is_down else high)
        scale = [w / one for w, one in zip(weights, state.levels.usual, strict=True)]
        return begin + int(np.array(scale).dot(np.abs(near)).argmax())

    def _width_ms(self, at: int, height: float) -> float:
        reach = 2 * self._lengths.half
        near = self.state.fused[max(0, at - reach) : at + reach + 1]
        wide = int(np.count_nonzero(near > 0.5 * height))
        return wide / self.front.rate_hz * 1000

    def _settle(self, known: int) -> list[Beat]:
        """Decide the peaks that have waited long enough."""
        state, rate = self.state, self.front.rate_hz
        beats: list[Beat] = []
        while state.judged and known - state.judged[0].index >= self._lengths.patience:
            usual_s = self._usual_interval() / rate
            peak = state.judged[0]
            last = state.beats[-1] if state.beats else peak.index - usual_s * rate
            is_beat = evidence.begins_path(
                [(one.index / rate, one.odds) for one in state.judged],
                last / rate,
                known / rate,
                usual_s,
                self._newest_interval() / rate,
            )
            state.judged.pop(0)
            if is_beat:
                beats.append(self._accept(peak))
        return beats

    def _usual_interval(self) -> float:
        beats = self.state.beats
        if len(beats) < 4:
            return _USUAL_S * self.front.rate_hz
        intervals: list[int] = sorted(map(sub, beats[1:], beats))
        count = len(intervals)
        return (intervals[(count - 1) // 2] + intervals[count // 2]) / 2

    def _newest_interval(self) -> float:
        beats = self.state.beats
        if len(beats) < 2:
            return _USUAL_S * self.front.rate_hz
        return beats[-1] - beats[-2]

    def _accept(self, peak: Peak) -> Beat:
        state = self.state
        state.beats = [*state.beats[-_INTERVALS:], peak.index]
        sure = peak.noise < 0.35 or peak.match > 0.9
        levels.learn(state.levels, peak.energy, is_sure=sure)
        shape = -1
        if peak.unit is not None and (peak.match > shapes.SAME or peak.noise < 0.25):
            shape = shapes.learn(
                state.shapes,
                peak.unit,
                peak.match,
                peak.like,
                strength=peak.strength,
                width_ms=peak.width_ms,
            )
        return self.as_beat(peak, shape)

    def as_beat(self, peak: Peak, shape: int) -> Beat:
        """Return a peak as the beat that it is, or would be."""
        # By place: names would cost as much again as the beat itself.
        return Beat(
            max(0, self.front.moment(peak.main)),
            self.leads[peak.lead],
            peak.strength,
            peak.noise,
            peak.match,
            shape,
            peak.usual_match,
            peak.width_ms,
        )
