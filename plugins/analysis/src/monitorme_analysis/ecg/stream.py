"""A waveform as it comes, in whole seconds: beats by the clock, and faults of leads."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from monitorme_analysis.ecg.beat import Beat
from monitorme_analysis.ecg.detector import BeatDetector, DetectorState
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.ecg.lead_quality import Extremes, LeadFault, faults
from monitorme_analysis.ecg.tuning import QRS, Tuning

KEPT_MS: Final = 75_000
KEPT_SECONDS: Final = 30
_MAYBE_ODDS: Final = -1.0
_MAYBE_HEIGHT: Final = 0.35


class Noted(NamedTuple):
    """A beat by the clock."""

    at_ms: int
    beat: Beat


class Second(NamedTuple):
    """A second of a waveform."""

    until_ms: int
    faults: tuple[LeadFault | None, ...]
    leakage: float
    """How little the quietest good lead looks like one wave (see `fibrillation`)."""
    repeats_per_min: float = 0.0
    """How often a restless lead repeats itself (see `repeating`); 0 where none does."""


@dataclass(slots=True)
class StreamState:
    """All that is known of a waveform."""

    rate_hz: float
    leads: tuple[str, ...]
    start_ms: int
    detector: DetectorState
    extremes: Extremes = field(default_factory=Extremes)
    beats: list[Noted] = field(default_factory=list)
    seconds: list[Second] = field(default_factory=list)
    processed: int = 0
    """Raw samples of the whole seconds that were taken in."""
    waiting: Samples = field(default_factory=lambda: np.zeros((0, 0)))


class Stream:
    """Takes a waveform in; one of ECG leads together, or one of a pulse."""

    def __init__(self, state: StreamState, tuning: Tuning = QRS) -> None:
        self.state = state
        self._tuning = tuning
        self._detector = BeatDetector(
            state.rate_hz, state.leads, state.detector, tuning=tuning
        )
        self.size = self._detector.front.raw_stretch

    @classmethod
    def begin(
        cls,
        rate_hz: float,
        leads: tuple[str, ...],
        start_ms: int,
        tuning: Tuning = QRS,
    ) -> "Stream":
        """Return a stream of which nothing has come yet."""
        detector = BeatDetector(rate_hz, leads, tuning=tuning).state
        state = StreamState(rate_hz, leads, start_ms, detector)
        state.waiting = np.zeros((len(leads), 0))
        return cls(state, tuning)

    @property
    def until_ms(self) -> int:
        """Until when the waveform has been looked at."""
        return self._at_ms(self.state.processed)

    @property
    def known_ms(self) -> int:
        """Until when peaks would have been seen."""
        detector = self._detector
        state = detector.state
        last = detector.front.moment(state.searched + 1)
        return self._at_ms(min(self.state.processed, last))

    def take(self, samples: Samples) -> int:
        """Keep samples, a row for each lead; returns how many whole seconds wait."""
        state = self.state
        waiting = state.waiting
        if waiting.size:
            samples = np.concatenate([waiting, samples], axis=1)
        state.waiting = samples
        return int(samples.shape[1]) // self.size

    def advance(self) -> Samples:
        """Look at the next whole second; returns its samples."""
        state = self.state
        raw = state.waiting[:, : self.size]
        state.waiting = state.waiting[:, self.size :].copy()
        state.processed += self.size
        until_ms = self.until_ms
        self._note(self._detector.feed(raw), until_ms)
        found = faults(raw, state.detector.levels.restless, state.extremes)
        state.seconds.append(Second(until_ms, found, 1.0))
        if len(state.seconds) > KEPT_SECONDS:
            del state.seconds[0]
        return raw

    def finish(self) -> None:
        """Decide what still waits; nothing more comes."""
        if self.state.waiting.shape[1]:
            self._note(self._detector.feed(self.state.waiting), self.until_ms)
            self.state.processed += self.state.waiting.shape[1]
            self.state.waiting = self.state.waiting[:, :0]
        self._note(self._detector.finish(), self.until_ms)

    def maybe(self) -> list[int]:
        """Return the times of what may turn out to be beats, undecided as yet."""
        state, front = self._detector.state, self._detector.front
        found = [one.main for one in state.judged if one.odds > _MAYBE_ODDS]
        found += [one.index for one in state.peaks if one.height > _MAYBE_HEIGHT]
        return [self._at_ms(front.moment(index)) for index in found]

    def likely(self) -> list[Noted]:
        """Return what is judged to be a beat, but not decided yet."""
        detector = self._detector
        found = []
        for one in detector.state.judged:
            if one.odds > 0:
                beat = detector.as_beat(one, -1)
                found.append(Noted(self._at_ms(beat.sample), beat))
        return found

    def wave(self, seconds: float) -> Samples:
        """Return the newest of the averaged signal, a row for each lead."""
        front, stretches = self._detector.front, self._detector.state.stretches
        return front.wave(stretches)[:, -round(seconds * front.rate_hz) :]

    @property
    def working_rate_hz(self) -> float:
        """The rate of `wave`."""
        return self._detector.front.rate_hz

    def _note(self, found: list[Beat], until_ms: int) -> None:
        beats = self.state.beats
        for beat in found:
            beats.append(Noted(self._at_ms(beat.sample), beat))
        while beats and beats[0].at_ms < until_ms - KEPT_MS:
            del beats[0]

    def _at_ms(self, sample: int) -> int:
        return self.state.start_ms + round(sample / self.state.rate_hz * 1000)
