"""A simulated patient is plausible, couples its organs, keeps time, and repeats."""

import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise, takewhile
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitorme.contract.payloads import Reading as ReadingModel
from monitorme.contract.readings import Lead, Reading, check_kind, decode_reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_device_sim.course import Course
from monitorme_device_sim.physiology.body import Body
from monitorme_device_sim.physiology.ecg import RATE_HZ, SCALE_MV
from monitorme_device_sim.physiology.heart import Heart, RateCount
from monitorme_device_sim.physiology.patient import Patient
from monitorme_device_sim.physiology.profile import HOUR_S, Profile
from monitorme_device_sim.scenarios import STABLE, Scenario, Step
from monitorme_device_sim.source import Sample, Source

CATALOGUE = Catalogue.load()
STABLE_LIMITS = {
    "heart_rate": (50, 120),
    "oxygen_saturation": (90, 101),
    "respiratory_rate": (8, 30),
    "systolic": (90, 160),
    "diastolic": (50, 90),
    "mean": (60, 110),
    "body_temperature": (36, 39),
    "blood_glucose": (70, 180),
}
"""Usual limits of an adult's monitor; at or beyond one of them would alarm."""


def within(source: Source, seconds: float) -> Iterator[Sample]:
    return takewhile(lambda sample: sample.at_ms < 1_000 * seconds, source.samples())


def of(samples: Iterator[Sample], vital: str) -> list[Sample]:
    return [sample for sample in samples if sample.vital == vital]


def aimed(**to: float) -> Scenario:
    """Return a scenario that aims body values at once and keeps them."""
    step = Step.model_validate({"lasts_s": 60, "ramp_s": 0, "to": to})
    return Scenario(title="aimed", steps=(step,))


def ecg_of(source: Source, seconds: int) -> list[int]:
    """Return the samples of lead II, block after block."""
    trace: list[int] = []
    for sample in of(within(source, seconds), "ecg"):
        assert isinstance(sample.value, dict)
        lead = sample.value["II"]
        assert isinstance(lead, Lead)
        trace += lead.samples
    return trace


def r_peaks(trace: list[int]) -> list[int]:
    """Return where R waves peak: local maxima over 0.5 mV."""
    high = 0.5 / SCALE_MV
    return [
        i
        for i in range(5, len(trace) - 5)
        if trace[i] > high and trace[i] == max(trace[i - 5 : i + 6])
        if trace[i] != trace[i - 1]
    ]


def sparse() -> Catalogue:
    """Return the catalogue at slower cadences, for days that pass quickly."""
    slower = {
        name: vital.model_copy(
            update={"cadence_ms": min(max(vital.cadence_ms, 5_000), 600_000)}
        )
        for name, vital in CATALOGUE.items()
        if name != "ecg"
    }
    return Catalogue(slower)


def numbers(samples: Iterator[Sample]) -> Iterator[tuple[int, str, float]]:
    """Yield (at_ms, name, number) of each number and each component."""
    for sample in samples:
        value = sample.value
        parts = value.items() if isinstance(value, dict) else [(sample.vital, value)]
        for name, part in parts:
            if isinstance(part, float):
                yield sample.at_ms, name, part


@pytest.fixture(scope="module")
def day() -> list[Sample]:
    """A stable patient, for a day that begins at noon."""
    patient = Patient(Profile.drawn(7), 7, 12 * HOUR_S, sparse())
    return list(within(patient, 24 * HOUR_S))


def test_a_patient_gives_every_vital_of_the_catalogue() -> None:
    assert Patient(Profile(), 1).vitals == tuple(CATALOGUE)


def test_every_vital_comes_within_the_first_two_seconds() -> None:
    for phase in (0.0, 0.35, 0.99):
        first = {s.vital for s in within(Patient(Profile(), 1, phase=phase), 2)}
        assert first == set(CATALOGUE)


def test_cadences_are_exact() -> None:
    times = defaultdict(list)
    for sample in within(Patient(Profile(), 1, phase=0.3), 3_700):
        times[sample.vital].append(sample.at_ms)
    for vital, at_ms in times.items():
        gaps = {after - before for before, after in pairwise(at_ms)}
        assert gaps == {CATALOGUE[vital].cadence_ms}


def test_samples_come_in_order_of_time() -> None:
    times = [sample.at_ms for sample in within(Patient(Profile(), 1), 300)]
    assert times == sorted(times)


def test_phases_spread_beds() -> None:
    phases = [n / 10 for n in range(10)]
    firsts = {next(Patient(Profile(), 1, phase=p).samples()).at_ms for p in phases}
    ecg = {
        of(within(Patient(Profile(), 1, phase=p), 2), "ecg")[0].at_ms for p in phases
    }
    assert len(ecg) == 10
    assert len(firsts) > 1


@settings(max_examples=10, deadline=None)
@given(st.integers(min_value=0), st.floats(0, 86_400), st.floats(0, 1))
def test_a_seed_repeats_a_patient_exactly(
    seed: int, clock_s: float, phase: float
) -> None:
    def run() -> list[Sample]:
        patient = Patient(Profile.drawn(seed), seed, clock_s, phase=phase)
        return list(within(patient, 20))

    assert run() == run()


def test_samples_can_be_taken_twice_from_one_patient() -> None:
    patient = Patient(Profile(), 3)
    assert list(within(patient, 10)) == list(within(patient, 10))


def test_another_seed_is_another_patient() -> None:
    first, second = (list(within(Patient(Profile(), n), 10)) for n in (1, 2))
    assert first != second


def test_every_value_is_a_reading_of_its_kind_and_plausible() -> None:
    for sample in within(Patient(Profile(), 1), 400):
        vital = CATALOGUE[sample.vital]
        check_kind(sample.value, vital)
        reading = Reading("d-1", "b", 1, sample.at_ms, sample.value, sample.quality)
        decoded = decode_reading(reading.to_json())
        assert ReadingModel.model_validate_json(reading.to_json())
        assert judge(decoded, vital, sample.at_ms).value is not None


def test_numbers_have_the_catalogues_decimals(day: list[Sample]) -> None:
    for sample in day:
        if isinstance(sample.value, float):
            decimals = CATALOGUE[sample.vital].decimals
            assert sample.value == round(sample.value, decimals)


def test_the_ecg_is_lead_ii_in_blocks_of_a_second_at_250_hz() -> None:
    for sample in of(within(Patient(Profile(), 1), 10), "ecg"):
        assert isinstance(sample.value, dict)
        lead = sample.value["II"]
        assert isinstance(lead, Lead)
        assert (lead.rate_hz, lead.unit, lead.scale, lead.offset) == (
            RATE_HZ,
            "mV",
            SCALE_MV,
            0.0,
        )
        assert len(lead.samples) == 250


@pytest.mark.parametrize("rate", [40, 72, 110, 150, 200])
def test_rr_intervals_of_the_ecg_are_the_heart_rate(rate: int) -> None:
    patient = Patient(Profile(), 5, scenario=aimed(heart_rate=rate))
    peaks = r_peaks(ecg_of(patient, 60))
    intervals_s = [(b - a) / RATE_HZ for a, b in pairwise(peaks)]
    shown = [n for _, name, n in numbers(within(patient, 60)) if name == "heart_rate"]
    assert 60 / fmean(intervals_s) == pytest.approx(rate, rel=0.03)
    assert 60 / fmean(intervals_s) == pytest.approx(fmean(shown[20:]), abs=0.6)


def test_each_shown_rate_is_that_of_the_last_r_waves() -> None:
    patient = Patient(Profile(), 5)
    start_ms = of(within(patient, 2), "ecg")[0].at_ms
    peaks_ms = [start_ms + 4 * peak for peak in r_peaks(ecg_of(patient, 60))]
    for sample in of(within(patient, 60), "heart_rate"):
        past = [peak for peak in peaks_ms if peak <= sample.at_ms][-5:]
        if len(past) == 5 and sample.at_ms - past[-1] < 600:
            counted = 60_000 * 4 / (past[-1] - past[0])
            assert sample.value == pytest.approx(counted, abs=1.5)


def test_breathing_in_quickens_the_heart() -> None:
    """Intervals are shorter in the first half of a breath than in the second."""
    body = Body(
        Profile(), 5, start_time_of_day_s=12 * HOUR_S, course=Course(STABLE), from_s=0
    )
    heart = Heart(body, 5, from_ms=0)
    intervals: dict[bool, list[int]] = {True: [], False: []}
    for second in range(120):
        for beat in heart.beats(1_000 * second, 1_000 * (second + 1)):
            phase = body.at(beat.at_ms).breath_phase(beat.at_ms) % 1
            intervals[phase < 0.5].append(beat.interval_ms)
    assert fmean(intervals[True]) < 0.97 * fmean(intervals[False])


def test_the_ecg_has_no_seam_between_blocks() -> None:
    """A block goes on where the last one ended: steps there are like all others."""
    quiet = aimed(heart_rate=45)
    trace = ecg_of(Patient(Profile(), 9, scenario=quiet), 60)
    seams = [abs(trace[i] - trace[i - 1]) for i in range(250, len(trace), 250)]
    steps = [abs(b - a) for a, b in pairwise(trace)]
    assert fmean(seams) < 3 * fmean(steps)


def test_an_ecg_block_costs_well_under_a_millisecond() -> None:
    patients = [Patient(Profile.drawn(n), n) for n in range(3)]
    for patient in patients:
        list(within(patient, 20))  # templates are drawn once for all patients
    start = time.process_time()
    beds_s = sum(60 for patient in patients for _ in [list(within(patient, 60))])
    cost_ms = 1_000 * (time.process_time() - start) / beds_s
    print(f"a bed's second, all vitals: {cost_ms:.3f} ms")
    assert cost_ms < 1.0


def test_a_fever_quickens_heart_and_breath() -> None:
    def mean_of(scenario: Scenario, vital: str) -> float:
        patient = Patient(Profile(), 4, scenario=scenario)
        return fmean(n for _, name, n in numbers(within(patient, 120)) if name == vital)

    fever = aimed(body_temperature=39.0)  # two degrees above this patient's own
    rise = mean_of(fever, "heart_rate") - mean_of(STABLE, "heart_rate")
    assert rise == pytest.approx(16, abs=2)
    breaths = mean_of(fever, "respiratory_rate") - mean_of(STABLE, "respiratory_rate")
    assert breaths > 2


def test_a_pause_in_breathing_lowers_saturation_and_quickens_the_heart() -> None:
    patient = Patient(Profile(), 4, scenario=aimed(respiratory_rate=0))
    samples = list(within(patient, 60))
    saturation = [s.value for s in samples if s.vital == "oxygen_saturation"]
    rate = [s.value for s in samples if s.vital == "heart_rate"]
    assert isinstance(saturation[-1], float)
    assert saturation[-1] < 75
    assert isinstance(rate[-1], float)
    assert isinstance(rate[0], float)
    assert rate[-1] > rate[0] + 10


def test_a_low_saturation_alone_leaves_breathing_as_it_is() -> None:
    patient = Patient(Profile(), 4, scenario=aimed(oxygen_saturation=85))
    for _, name, number in numbers(within(patient, 60)):
        if name == "respiratory_rate":
            assert 8 < number < 30


def test_sleep_dips_are_those_of_a_healthy_adult(day: list[Sample]) -> None:
    at_night, by_day = defaultdict(list), defaultdict(list)
    for at_ms, name, number in numbers(iter(day)):
        hour = (12 + at_ms / 3_600_000) % 24
        if 1 <= hour < 5:
            at_night[name].append(number)
        elif 10 <= hour < 20:
            by_day[name].append(number)
    day_mean = {name: fmean(values) for name, values in by_day.items()}
    dip = {name: 1 - fmean(at_night[name]) / day_mean[name] for name in at_night}
    assert 0.05 < dip["heart_rate"] < 0.12
    assert 0.08 < dip["systolic"] < 0.20
    assert dip["systolic"] < dip["diastolic"] < 0.20
    fall_cel = day_mean["body_temperature"] - fmean(at_night["body_temperature"])
    assert 0.4 < fall_cel < 1.1


def test_a_patient_sleeps_at_night_wakes_now_and_then_and_not_by_day(
    day: list[Sample],
) -> None:
    states = [s for s in day if s.vital == "sleep_state"]
    asleep_h = [(12 + s.at_ms / 3_600_000) % 24 for s in states if s.value == "asleep"]
    assert 6 * 30 < len(asleep_h) < 9.5 * 30
    assert all(hour > 21 or hour < 7.5 for hour in asleep_h)
    changes = sum(a.value != b.value for a, b in pairwise(states))
    assert changes > 2


def test_glucose_rises_after_meals(day: list[Sample]) -> None:
    level = {
        round(12 + at_ms / 3_600_000, 1) % 24: number
        for at_ms, name, number in numbers(iter(day))
        if name == "blood_glucose"
    }
    after_lunch = max(value for hour, value in level.items() if 13 <= hour < 14.5)
    fasting = fmean(value for hour, value in level.items() if 3 <= hour < 6)
    assert after_lunch > fasting + 15


def test_a_stable_patient_stays_within_limits_all_day(day: list[Sample]) -> None:
    for at_ms, name, number in numbers(iter(day)):
        low, high = STABLE_LIMITS[name]
        assert low < number < high, f"{name} {number} after {at_ms} ms"
    assert all(sample.quality == "good" for sample in day)


def test_a_rate_needs_two_beats_and_is_zero_in_a_pause() -> None:
    count = RateCount()
    assert count.rate(0) is None
    count.beat(0)
    assert count.rate(500) is None
    count.beat(1_000)
    assert count.rate(1_000) == 60
    assert count.rate(3_000) == 40  # the beat that does not come counts too
    assert count.rate(4_001) == 0
    count.beat(9_000)
    assert count.rate(9_000) == 0
    count.beat(9_500)
    assert count.rate(9_500) == 120


def test_a_ninth_vital_appears_by_the_catalogue_alone() -> None:
    ninth = Catalogue.parse("""
        [carbon_dioxide]
        label = "CO2"
        name = "carbon dioxide"
        kind = "numeric"
        unit = "mm[Hg]"
        cadence_ms = 1000
        stale_after_ms = 3000
        decimals = 1
        plausible = [0.0, 100.0]
        [posture]
        label = "Pos"
        name = "posture"
        kind = "state"
        cadence_ms = 1000
        stale_after_ms = 3000
        states = ["lying", "sitting", "standing"]
        [cardiac_output]
        label = "CO"
        name = "cardiac output"
        kind = "composite"
        cadence_ms = 1000
        stale_after_ms = 3000
        components = { output = { label = "CO" }, index = { label = "CI" } }
        [pleth]
        label = "Pleth"
        name = "plethysmogram"
        kind = "waveform"
        unit = "1"
        cadence_ms = 1000
        stale_after_ms = 3000
        plausible = [-1.0, 1.0]
        """)
    both = Catalogue(dict(CATALOGUE) | dict(ninth))
    seen = defaultdict(list)
    for sample in within(Patient(Profile(), 1, catalogue=both), 120):
        check_kind(sample.value, both[sample.vital])
        seen[sample.vital].append(sample.value)
    assert set(seen) == set(both)
    gas = [value for value in seen["carbon_dioxide"] if isinstance(value, float)]
    assert all(0 < value < 100 for value in gas)
    assert len(set(gas)) > 10
    assert set(seen["posture"]) <= {"lying", "sitting", "standing"}
    assert len(set(map(str, seen["posture"]))) > 1
