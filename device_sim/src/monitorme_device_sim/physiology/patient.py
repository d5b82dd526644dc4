"""A patient with eight devices: a body, and what each vital's device reads from it."""

from collections.abc import Callable, Iterator
from heapq import heapify, heapreplace
from heapq import merge as merge_in_order
from itertools import chain

from monitorme.contract.readings import Lead, ReadingValue
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme_device_sim.course import Course
from monitorme_device_sim.physiology import ecg
from monitorme_device_sim.physiology.body import Body, BodyState
from monitorme_device_sim.physiology.heart import GRID_MS, Heart
from monitorme_device_sim.physiology.profile import HOUR_S, Profile
from monitorme_device_sim.scenarios import STABLE, Scenario
from monitorme_device_sim.source import Sample
from monitorme_device_sim.wandering import Wandering

NOON_S = 12.0 * HOUR_S
SPREAD_MS = 2_000
"""Every vital's first sample comes within this time."""
WARM_UP_S = 10
"""The heart beats for so long before the start, so that a rate is known at once."""
NEEDS_A_PULSE = frozenset({"oxygen_saturation", "blood_pressure"})

Measure = Callable[[int, BodyState], ReadingValue]
"""What a device reads from the body at a time (at_ms, the body then)."""


class Patient:
    """A source: a simulated patient under a scenario, at the catalogue's cadences."""

    def __init__(
        self,
        profile: Profile,
        seed: int,
        start_time_of_day_s: float = NOON_S,
        catalogue: Catalogue | None = None,
        *,
        scenario: Scenario = STABLE,
        delay_s: float = 0.0,
        phase: float = 0.0,
    ) -> None:
        """Prepare a patient; the same arguments give the same samples, always.

        Args:
            profile: who it is.
            seed: where chance starts.
            start_time_of_day_s: seconds after midnight at the source's start.
            catalogue: the vitals to give; one that physiology does not know wanders.
            scenario: what happens.
            delay_s: when it begins to happen.
            phase: 0 to 1; spreads patients, so that not all send at the same moment.
        """
        self._profile = profile
        self._seed = seed
        self._start_time_of_day_s = start_time_of_day_s
        self._catalogue = Catalogue.load() if catalogue is None else catalogue
        self._scenario = scenario
        self._delay_s = delay_s
        self._phase = phase % 1.0

    @property
    def vitals(self) -> tuple[str, ...]:
        """The vitals of the catalogue."""
        return tuple(self._catalogue)

    def samples(self) -> Iterator[Sample]:
        """Yield samples for ever, in order of time; anew at each call.

        The time of a block is that of its first sample.
        """
        course = Course(self._scenario, delay_s=self._delay_s)
        body = Body(
            self._profile,
            self._seed,
            start_time_of_day_s=self._start_time_of_day_s,
            course=course,
            from_s=-WARM_UP_S,
        )
        monitor = _Monitor(self._profile, self._seed, body, self._catalogue)
        for at_ms, vital in self._due(course):
            sample = monitor.read(vital, at_ms)
            if sample is not None:
                yield sample

    def _due(self, course: Course) -> Iterator[tuple[int, str]]:
        """Yield (at_ms, vital) in order: the cadences, and the extra measurements."""
        measurable = {
            name
            for name, vital in self._catalogue.items()
            if vital.kind is not VitalKind.WAVEFORM
        }
        extra = (due for due in course.measurements() if due[1] in measurable)
        return merge_in_order(self._cadences(), extra)

    def _cadences(self) -> Iterator[tuple[int, str]]:
        """Yield (at_ms, vital) in order, each vital exactly at its cadence."""
        due = [(self._first_ms(n), v) for n, v in enumerate(self._catalogue)]
        cadence_ms = {name: vital.cadence_ms for name, vital in self._catalogue.items()}
        heapify(due)
        while due:
            at_ms, vital = due[0]
            yield at_ms, vital
            heapreplace(due, (at_ms + cadence_ms[vital], vital))

    def _first_ms(self, number: int) -> int:
        """Return when a vital comes first: spread by vital and by phase."""
        turn = (number / len(self._catalogue) + self._phase) % 1.0
        cadence_ms = tuple(self._catalogue.values())[number].cadence_ms
        return GRID_MS * int(turn * min(SPREAD_MS, cadence_ms) / GRID_MS)


class _Monitor:
    """The devices at one bed: reads the body, rounds, and says when it cannot."""

    def __init__(
        self, profile: Profile, seed: int, body: Body, catalogue: Catalogue
    ) -> None:
        self._body = body
        self._catalogue = catalogue
        self._heart = Heart(body, seed, from_ms=-1_000 * WARM_UP_S)
        self._electrode = ecg.Electrode(seed, gain=profile.ecg_gain)
        known = self._known()
        unknown = {
            name: _measure_of(Wandering(name, vital, seed))
            for name, vital in catalogue.items()
            if name not in known
        }
        self._measures = dict(chain(known.items(), unknown.items()))

    def read(self, name: str, at_ms: int) -> Sample | None:
        """Return what the device sends, or None while it is silent."""
        state = self._body.at(at_ms)
        moment = state.moment
        value = self._measures[name](at_ms, state)
        if moment.is_silent(name):
            return None
        reason = moment.fault(name)
        if reason is None and name in NEEDS_A_PULSE and not state.has_pulse:
            reason = "no_signal"
        offset_ms = moment.clock_offset_ms
        if reason is not None:
            return Sample(at_ms, name, None, "invalid", reason, offset_ms)
        rounded = _rounded(value, self._catalogue[name])
        return Sample(at_ms, name, rounded, clock_offset_ms=offset_ms)

    def _known(self) -> dict[str, Measure]:
        """Return the vitals that physiology knows."""
        return {
            "heart_rate": lambda at_ms, _: self._heart.rate(at_ms),
            "ecg": lambda at_ms, state: {ecg.LEAD: self._wave(at_ms, state)},
            "respiratory_rate": lambda _, state: state.respiratory_rate,
            "oxygen_saturation": lambda _, state: state.oxygen_saturation,
            "blood_glucose": lambda _, state: state.blood_glucose,
            "sleep_state": lambda _, state: "asleep" if state.asleep else "awake",
            "body_temperature": lambda _, state: state.body_temperature,
            "blood_pressure": lambda _, state: {
                "systolic": state.pressure.systolic,
                "diastolic": state.pressure.diastolic,
                "mean": state.pressure.mean,
            },
        }

    def _wave(self, at_ms: int, state: BodyState) -> Lead:
        until_ms = at_ms + self._catalogue["ecg"].cadence_ms
        beats = self._heart.beats(at_ms - ecg.REACH_MS, until_ms + ecg.REACH_MS)
        breath = state.breath_phase(at_ms), state.breath_phase(until_ms)
        return self._electrode.block(at_ms, until_ms, beats, breath)


def _measure_of(wandering: Wandering) -> Measure:
    return lambda _at_ms, _state: wandering.step()


def _rounded(value: ReadingValue, vital: Vital) -> ReadingValue:
    """Return a value with the catalogue's decimals; a block as it is."""
    if isinstance(value, dict):
        return {
            name: round(part, vital.decimals) if isinstance(part, float) else part
            for name, part in value.items()
        }
    return round(value, vital.decimals) if isinstance(value, float) else value
