"""Beats of one or several leads, found as samples come.

Leads are not chosen one by one: the energy of each is measured in its own usual height,
and counts by how quiet and how alive the lead is just then. Peaks of the sum are judged
with a second of what follows them in view (see `evidence`).
"""

from dataclasses import dataclass, field
from operator import sub
from typing import Final

import numpy as np

from monitorme_analysis.ecg import evidence, levels, shapes
from monitorme_analysis.ecg.beat import Beat
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.ecg.front_end import Stretches, front_end
from monitorme_analysis.ecg.levels import Levels
from monitorme_analysis.ecg.peak import Peak, judge
from monitorme_analysis.ecg.shapes import Shapes
from monitorme_analysis.ecg.tuning import QRS, Tuning

_FLOOR: Final = 0.11
"""Lower peaks cannot be beats, whatever else speaks for them."""
_USUAL_S: Final = 0.8
_INTERVALS: Final = 8


@dataclass(slots=True)
class DetectorState:
    """All that the detector knows; it can be written down and read back (see `saving`)."""

    stretches: Stretches
    levels: Levels = field(default_factory=Levels)
    shapes: Shapes = field(default_factory=Shapes)
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
        state, front = self.state, self.front
        stretches = state.stretches
        energy = front.add(stretches, raw)
        if not state.levels.usual:
            if stretches.first < 0:
                return []
            energy = front.energy(stretches)
            levels.begin(state.levels, energy, front.stretch)
        weights = levels.weights_of(state.levels, energy, self._quiet)
        fused = stretches.rows[-1, -energy.shape[1] :]
        levels.fuse(state.levels, energy, weights, fused)
        self._search()
        return self._decide()

    def _search(self) -> None:
        """Note the peaks of what is new, the higher of two that are near each other."""
        state, front = self.state, self.front
        first = state.stretches.first
        begin = max(state.searched - first, 1)
        part = state.stretches.rows[-1, front.delay + begin - 1 :]
        middle = part[1:-1]
        rises = part[1:] > part[:-1]
        # It rose to a top, and does not rise from it.
        tops = rises[:-1] > rises[1:]
        tops &= middle > _FLOOR
        state.searched = first + front.kept - 1
        peaks, near = state.peaks, front.lengths.near
        for place in tops.nonzero()[0].tolist():
            index, height = place + begin + first, middle.item(place)
            if not peaks or index - peaks[-1].index >= near:
                peaks.append(Peak(index, height))
            elif height > peaks[-1].height:
                peaks[-1] = Peak(index, height)

    def _decide(self) -> list[Beat]:
        state = self.state
        known = state.searched - self.front.lengths.context
        beats: list[Beat] = []
        while state.peaks and state.peaks[0].index <= known:
            peak = state.peaks.pop(0)
            judge(
                peak,
                state.stretches,
                self.front,
                state.levels,
                state.shapes,
                self._quiet,
            )
            state.judged.append(peak)
            beats += self._settle(peak.index)
        return beats + self._settle(known)

    def _settle(self, known: int) -> list[Beat]:
        """Decide the peaks that have waited long enough."""
        state, rate = self.state, self.front.rate_hz
        beats: list[Beat] = []
        while (
            state.judged
            and known - state.judged[0].index >= self.front.lengths.patience
        ):
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
