"""Each scenario does what it says, and a wrong one is refused with its place."""

from itertools import pairwise, takewhile
from pathlib import Path
from statistics import fmean, pstdev

import pytest

from monitorme.contract.readings import Lead
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ConfigError
from monitorme_device_sim import scenarios
from monitorme_device_sim.beds import load_beds
from monitorme_device_sim.course import Course
from monitorme_device_sim.physiology.patient import Patient
from monitorme_device_sim.physiology.profile import Profile
from monitorme_device_sim.scenarios import Scenario
from monitorme_device_sim.source import Sample
from monitorme_device_sim.ward import EVENTFUL, demo_ward, quiet_ward

KNOWN = scenarios.load()
NAMES = tuple(KNOWN)


def run(name: str, seconds: float, delay_s: float = 10.0) -> list[Sample]:
    """Return a patient's samples; the scenario begins at `delay_s`."""
    patient = Patient(Profile(), 11, scenario=KNOWN[name], delay_s=delay_s)
    return list(takewhile(lambda s: s.at_ms < 1_000 * seconds, patient.samples()))


def between(
    samples: list[Sample], vital: str, from_s: float, until_s: float
) -> list[Sample]:
    return [
        sample
        for sample in samples
        if sample.vital == vital and 1_000 * from_s <= sample.at_ms < 1_000 * until_s
    ]


def numbers(
    samples: list[Sample], vital: str, from_s: float, until_s: float
) -> list[float]:
    chosen = between(samples, vital, from_s, until_s)
    return [s.value for s in chosen if isinstance(s.value, float)]


def trace(samples: list[Sample], from_s: float, until_s: float) -> list[int]:
    joined: list[int] = []
    for sample in between(samples, "ecg", from_s, until_s):
        assert isinstance(sample.value, dict)
        lead = sample.value["II"]
        assert isinstance(lead, Lead)
        joined += lead.samples
    return joined


def test_all_the_scenarios_are_there() -> None:
    asked = {
        "stable",
        "desaturation",
        "sepsis",
        "bradycardia_to_asystole",
        "tachycardia",
        "fever",
        "lead_off",
        "probe_off",
        "device_silent",
        "wrong_clock",
    }
    assert asked <= set(scenarios.names())


@pytest.mark.parametrize("name", [n for n in NAMES if KNOWN[n].steps])
def test_before_a_scenario_begins_the_patient_is_the_stable_one(name: str) -> None:
    assert run(name, 8) == run("stable", 8)


@pytest.mark.parametrize("name", [n for n in NAMES if KNOWN[n].steps])
def test_a_scenario_recovers_and_comes_again(name: str) -> None:
    """In its last second a patient is well; a second later it begins anew."""
    course = Course(KNOWN[name])
    lasts_s = KNOWN[name].lasts_s
    end = course.at(lasts_s - 0.001)
    assert all(pull.weight < 0.01 for pull in end.pulls.values())
    assert (end.rhythm, end.clock_offset_ms) == ("sinus", 0)
    assert not any(
        end.is_silent(vital) or end.fault(vital) for vital in Catalogue.load()
    )
    for at_s in (0.5, 3.0, lasts_s / 2):
        assert course.at(at_s) == course.at(at_s + lasts_s)


def test_desaturation_falls_to_84_in_ten_seconds_and_comes_back() -> None:
    samples = run("desaturation", 100)
    assert min(numbers(samples, "oxygen_saturation", 0, 10)) > 94
    assert set(numbers(samples, "oxygen_saturation", 21, 39)) == {84.0}
    assert min(numbers(samples, "oxygen_saturation", 50, 100)) > 94
    heart = fmean(numbers(samples, "heart_rate", 25, 39))
    assert heart > fmean(numbers(samples, "heart_rate", 0, 10)) + 5


def test_tachycardia_races_and_calms_down() -> None:
    samples = run("tachycardia", 100)
    assert min(numbers(samples, "heart_rate", 20, 39)) > 140
    assert max(numbers(samples, "heart_rate", 60, 100)) < 90


def test_ventricular_tachycardia_is_broad_and_fast() -> None:
    samples = run("ventricular_tachycardia", 60)
    assert min(numbers(samples, "heart_rate", 15, 29)) > 150
    broad, narrow = trace(samples, 15, 29), trace(samples, 0, 9)
    half_mv = 100

    def share_over_half_mv(samples: list[int]) -> float:
        return sum(sample > half_mv for sample in samples) / len(samples)

    assert share_over_half_mv(broad) > 3 * share_over_half_mv(narrow)


def test_asystole_is_a_flat_ecg_a_rate_of_zero_and_no_pulse() -> None:
    samples = run("bradycardia_to_asystole", 120)
    slow = numbers(samples, "heart_rate", 26, 30)
    assert max(slow) < 40
    assert max(trace(samples, 32, 44)) - min(trace(samples, 32, 44)) < 40  # 0.2 mV
    assert set(numbers(samples, "heart_rate", 34, 44)) == {0.0}
    pulseless = between(samples, "oxygen_saturation", 31, 44)
    assert {(s.value, s.reason) for s in pulseless} == {(None, "no_signal")}
    assert min(numbers(samples, "heart_rate", 70, 120)) > 60
    assert pstdev(trace(samples, 70, 100)) > 15


def test_a_fever_is_measured_and_the_heart_follows() -> None:
    samples = run("fever", 100)
    taken = [s.value for s in between(samples, "body_temperature", 2, 100)]
    assert len(taken) == 2
    assert isinstance(taken[0], float)
    assert isinstance(taken[1], float)
    assert taken[0] == pytest.approx(39.6, abs=0.1)
    assert taken[1] < 37.5
    calm = fmean(numbers(samples, "heart_rate", 0, 10))
    assert fmean(numbers(samples, "heart_rate", 24, 40)) > calm + 15


def test_sepsis_moves_many_vitals_and_treatment_brings_them_back() -> None:
    samples = run("sepsis", 200)
    assert min(numbers(samples, "heart_rate", 55, 85)) > 125
    assert min(numbers(samples, "respiratory_rate", 55, 85)) > 30
    assert set(numbers(samples, "oxygen_saturation", 55, 85)) == {89.0}
    assert max(numbers(samples, "body_temperature", 28, 85)) > 39
    (worst,) = between(samples, "blood_pressure", 45, 85)
    assert isinstance(worst.value, dict)
    assert worst.value["systolic"] == 82
    assert max(numbers(samples, "heart_rate", 150, 200)) < 90
    assert max(numbers(samples, "respiratory_rate", 150, 200)) < 20


def test_lead_off_makes_what_electrodes_measure_invalid_and_nothing_else() -> None:
    samples = run("lead_off", 60)
    for sample in samples:
        off = 10_000 <= sample.at_ms < 35_000
        by_electrode = sample.vital in ("ecg", "heart_rate", "respiratory_rate")
        expected = ("invalid", "lead_off") if off and by_electrode else ("good", None)
        assert (sample.quality, sample.reason) == expected
        assert (sample.value is None) == (sample.quality == "invalid")


def test_probe_off_makes_saturation_invalid_and_nothing_else() -> None:
    for sample in run("probe_off", 60):
        off = 10_000 <= sample.at_ms < 35_000 and sample.vital == "oxygen_saturation"
        expected = ("invalid", "probe_off") if off else ("good", None)
        assert (sample.quality, sample.reason) == expected


def test_a_silent_device_sends_nothing_and_returns_as_if_it_had() -> None:
    silent, stable = run("device_silent", 60), run("stable", 60)
    assert not any(10_000 <= sample.at_ms < 35_000 for sample in silent)
    heard = [s for s in stable if not 10_000 <= s.at_ms < 35_000]
    assert silent == heard


def test_a_wrong_clock_changes_no_value_and_no_order() -> None:
    wrong, stable = run("wrong_clock", 60), run("stable", 60)
    for ours, theirs in zip(wrong, stable, strict=True):
        expected = 600_000 if 10_000 <= ours.at_ms < 50_000 else 0
        assert ours.clock_offset_ms == expected
        assert (ours.at_ms, ours.vital, ours.value) == (
            theirs.at_ms,
            theirs.vital,
            theirs.value,
        )


def test_extra_measurements_shift_no_cadence() -> None:
    regular = {s.at_ms for s in run("stable", 700) if s.vital == "body_temperature"}
    fever = {s.at_ms for s in run("fever", 700) if s.vital == "body_temperature"}
    assert regular < fever


def test_what_a_scenario_aims_stays_until_it_recovers(tmp_path: Path) -> None:
    path = tmp_path / "cold.toml"
    table = """
        [cold]
        title = "Cools, and stays cool"
        [[cold.steps]]
        lasts_s = 10
        to = { body_temperature = 34.0 }
        [[cold.steps]]
        lasts_s = 5
        """
    path.write_text(table, encoding="utf-8")
    course = Course(scenarios.load(path)["cold"])
    weights = [course.at(at_s).pulls["body_temperature"].weight for at_s in (5, 12, 99)]
    assert weights == [0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not toml at all", "mine.toml"),
        ("[UPPER]\ntitle = 'x'", "'UPPER' must be a-z"),
        ("[x]", "x.title"),
        ("x = 3", "mine.toml: x"),
        ("[x]\ntitle='x'\nrepeat=true", "has steps"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=0", "x.steps.0.lasts_s"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=nan", "x.steps.0.lasts_s"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=1\nto={pulse=3}", "x.steps.0.to.pulse"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=1\nramp_s=2", "ramp_s is longer"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=1\nspeed=2", "x.steps.0.speed"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=1\nrhythm='waltz'", "rhythm"),
        ("[x]\ntitle='x'\n[[x.steps]]\nlasts_s=1\nsilent=['egc']", "no vital 'egc'"),
        (
            "[x]\ntitle='x'\nrepeat=true\n[[x.steps]]\nlasts_s=1\nto={heart_rate=3}",
            "recovers all it aims: heart_rate",
        ),
        (
            "[x]\ntitle='x'\n[[x.steps]]\nlasts_s=1\nto={heart_rate=3}\nrecover='all'",
            "both aimed and recovering",
        ),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_place(
    text: str, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml") as refusal:
        scenarios.load(path)
    assert complaint in str(refusal.value)


def test_a_missing_file_of_scenarios_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read scenarios from .*none\.toml"):
        scenarios.load(tmp_path / "none.toml")


def test_a_ward_is_the_same_again_for_the_same_seed() -> None:
    assert demo_ward(3, 20) == demo_ward(3, 20)
    assert demo_ward(3, 20) != demo_ward(4, 20)


def test_about_a_third_of_a_ward_has_something_happen_to_it() -> None:
    ward = demo_ward(1, 20)
    eventful = [bed.scenario_name for bed in ward if bed.scenario_name != "stable"]
    assert len(ward) == 20
    assert 6 <= len(eventful) <= 8
    assert len(set(eventful)) == len(eventful)
    assert set(EVENTFUL) <= set(KNOWN)
    assert {bed.scenario_name for bed in quiet_ward(1, 9)} == {"stable"}


def test_in_the_first_minute_of_a_ward_trouble_comes_and_goes() -> None:
    """A low saturation and a fast heart are there within 25 s and gone within 60 s."""
    by_name = {bed.scenario_name: bed for bed in demo_ward(1, 20)}
    for name, vital, is_bad in (
        ("desaturation", "oxygen_saturation", lambda n: n < 90),
        ("tachycardia", "heart_rate", lambda n: n > 120),
    ):
        source = by_name[name].patient()
        samples = list(takewhile(lambda s: s.at_ms < 70_000, source.samples()))
        assert any(is_bad(n) for n in numbers(samples, vital, 0, 25))
        assert not any(is_bad(n) for n in numbers(samples, vital, 60, 70))


def test_a_course_is_continuous_within_a_scenario() -> None:
    """No body value jumps between two looks, but where a ramp of no length says so."""
    for scenario in KNOWN.values():
        course = Course(scenario)
        looks = [course.at(tenth / 10) for tenth in range(int(10 * scenario.lasts_s))]
        for before, after in pairwise(looks):
            for name, pull in after.pulls.items():
                was = before.pulls.get(name)
                assert abs(pull.weight - (was.weight if was else 0.0)) <= 0.11


def test_a_scenario_without_steps_does_nothing() -> None:
    assert Course(Scenario(title="nothing")).at(1e6).pulls == {}


def test_processes_that_share_the_beds_have_different_ones(tmp_path: Path) -> None:
    whole, first, second = (
        load_beds(count, 3, 1, Catalogue.load(), tmp_path / name, None, first=number)
        for name, count, number in (("all", 5, 1), ("a", 2, 1), ("b", 3, 3))
    )
    places = [str(bed.devices[0].spec.bed) for bed in whole]
    assert [str(bed.devices[0].spec.bed) for bed in [*first, *second]] == places
    assert len(set(places)) == 5
    patients = [ward.profile for ward in quiet_ward(1, 5)]
    assert [ward.profile for ward in quiet_ward(1, 3, skipped=2)] == patients[2:]
