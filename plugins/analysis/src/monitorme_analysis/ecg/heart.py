"""One heart by its waveforms: ECG leads together, and pulses that confirm them.

`Heart` takes waveforms in as they come and says, for every whole second of the ECG, what
is true. It keeps no clock: times are those of the samples.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from monitorme_analysis.ecg import broad, repeating, rhythm, technical, ventricular
from monitorme_analysis.ecg.extremes import ADULT, Extremes
from monitorme_analysis.ecg.fibrillation import leakage
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.ecg.irregular import Irregularity
from monitorme_analysis.ecg.lead_quality import LeadFault
from monitorme_analysis.ecg.rhythm import since
from monitorme_analysis.ecg.sign import Sign
from monitorme_analysis.ecg.stream import Noted, Stream, StreamState
from monitorme_analysis.ecg.tuning import PULSE
from monitorme_analysis.ecg.view import PulseView, View

_FIBRILLATION_S: Final = 3.0
_REPEATING_S: Final = 3.0
_USELESS: Final = (LeadFault.MISSING, LeadFault.FLAT, LeadFault.SATURATED)
_USUAL_MATCH: Final = 0.9
_CLOSE_MS: Final = 1_500
_SELDOM_S: Final = 5
_KEPT_OVER_MS: Final = 60_000
_OFTEN: Final[tuple[Callable[[View], Iterator[Sign]], ...]] = (
    technical.faults,
    technical.pulses,
    rhythm.asystole,
    rhythm.bradycardia,
    rhythm.tachycardia,
    rhythm.pause,
    ventricular.fibrillation,
    ventricular.tachycardia,
    broad.tachycardia,
)
_SELDOM: Final[tuple[Callable[[View], Iterator[Sign]], ...]] = (
    ventricular.ectopy,
    technical.disagreement,
)


@dataclass(slots=True)
class HeartState:
    """All that is known of a heart."""

    ecg: StreamState | None = None
    pulses: dict[str, StreamState] = field(default_factory=dict)
    seconds: int = 0
    """How often the heart was judged."""
    seldom: list[Sign] = field(default_factory=list)
    """What was said last of what only changes slowly."""
    irregularity: Irregularity = field(default_factory=Irregularity)


class Heart:
    """Judges the waveforms of one patient."""

    def __init__(
        self, state: HeartState | None = None, extremes: Extremes = ADULT
    ) -> None:
        self.state = state or HeartState()
        self._extremes = extremes
        ecg = self.state.ecg
        self._ecg = Stream(ecg) if ecg is not None else None
        self._pulses = {
            name: Stream(one, PULSE) for name, one in self.state.pulses.items()
        }

    def begin_ecg(self, rate_hz: float, leads: tuple[str, ...], start_ms: int) -> None:
        """Begin an ECG anew: another rate, other leads, or after a gap.

        Where it follows at once, beats that wait to be decided are decided first, and
        beats are kept: intervals go on.
        """
        before = self._ecg
        self._ecg = Stream.begin(rate_hz, leads, start_ms)
        if before is not None and abs(start_ms - before.until_ms) < _CLOSE_MS:
            before.finish()
            kept_ms = start_ms - _KEPT_OVER_MS
            self._ecg.state.beats = [
                one for one in before.state.beats if kept_ms < one.at_ms < start_ms
            ]
        self.state.ecg = self._ecg.state

    def begin_pulse(self, name: str, rate_hz: float, start_ms: int) -> None:
        """Begin a pulse waveform anew."""
        self._pulses[name] = Stream.begin(rate_hz, (name,), start_ms, PULSE)
        self.state.pulses[name] = self._pulses[name].state

    def take_pulse(self, name: str, samples: Samples) -> None:
        """Take in samples of a pulse waveform that has begun."""
        stream = self._pulses[name]
        for _ in range(stream.take(samples[None])):
            stream.advance()

    def take_ecg(self, samples: Samples) -> Iterator[tuple[int, list[Sign]]]:
        """Take in samples of the ECG; yield what is true, for each whole second."""
        stream = self._ecg
        if stream is None:
            return
        for _ in range(stream.take(samples)):
            stream.advance()
            self._look_for_repeating(stream)
            self._look_for_fibrillation(stream)
            yield stream.state.seconds[-1].until_ms, self.signs()

    def finish(self) -> list[Sign]:
        """Return what is true at the end of a recording."""
        for stream in (self._ecg, *self._pulses.values()):
            if stream is not None:
                stream.finish()
        return self.signs()

    def signs(self) -> list[Sign]:
        """Return what is true now."""
        if self._ecg is None:
            return []
        view, state = self.view(), self.state
        if view.known_ms <= view.start_ms:
            return []
        state.seconds += 1
        if state.seconds % _SELDOM_S == 0:
            state.seldom = [sign for judge in _SELDOM for sign in judge(view)]
            state.irregularity.look(view)
            state.seldom += state.irregularity.signs()
        often = [sign for judge in _OFTEN for sign in judge(view)]
        return _once(often + state.seldom)

    def view(self) -> View:
        """Return what the judgements look at."""
        stream = self._ecg
        if stream is None:
            raise ValueError("no ECG has begun")
        state = stream.state
        return View(
            stream.until_ms,
            stream.known_ms,
            state.start_ms,
            state.beats + stream.likely(),
            stream.maybe,
            state.leads,
            state.seconds,
            {name: _pulse_view(one) for name, one in self._pulses.items()},
            self._extremes,
        )

    def _look_for_fibrillation(self, stream: Stream) -> None:
        """Measure the newest second, unless its beats are the usual ones."""
        state = stream.state
        last = state.seconds[-1]
        if _are_usual(since(state.beats[-4:], last.until_ms - 5_000)):
            return
        waves = stream.wave(_FIBRILLATION_S)
        measured = [
            leakage(wave, stream.working_rate_hz)
            for wave, fault in zip(waves, last.faults, strict=True)
            if fault not in _USELESS
        ]
        if measured:
            state.seconds[-1] = last._replace(leakage=min(measured))

    def _look_for_repeating(self, stream: Stream) -> None:
        """Say of the newest second whether what looks like noise repeats itself."""
        state = stream.state
        restless = state.detector.levels.restless
        if not restless or max(restless) < repeating.RESTLESS:
            return
        last, waves = state.seconds[-1], stream.wave(_REPEATING_S)
        faults, rates = list(last.faults), [0.0]
        for place, fault in enumerate(last.faults):
            if restless[place] < repeating.RESTLESS or fault in _USELESS:
                continue
            rate = repeating.per_min(waves[place], stream.working_rate_hz)
            if rate:
                # It is no noise.
                faults[place] = None
                rates.append(rate)
        state.seconds[-1] = last._replace(
            faults=tuple(faults), repeats_per_min=max(rates)
        )


def _are_usual(beats: Sequence[Noted]) -> bool:
    """Say whether there are beats, all clear and of the usual shape."""
    for _, beat in beats:
        if beat.usual_match <= _USUAL_MATCH or beat.noise >= 0.2:
            return False
    return bool(beats)


def _pulse_view(stream: Stream) -> PulseView:
    state = stream.state
    return PulseView(state.beats + stream.likely(), state.seconds, stream.known_ms)


def _once(signs: list[Sign]) -> list[Sign]:
    """Return signs, of each code the first, without those that others hold back."""
    if not signs:
        return []
    first: dict[str, Sign] = {}
    for sign in signs:
        first.setdefault(sign.code, sign)
    held = {code for sign in first.values() for code in sign.holds_back}
    return [sign for code, sign in first.items() if code not in held]
