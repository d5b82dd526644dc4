"""What a heart's waveforms say: made ones, of which it is known what they should say."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitorme_analysis.ecg.fibrillation import COARSE, leakage
from monitorme_analysis.ecg.irregular import is_without_pattern, sample_entropy
from monitorme_analysis.recording.conditions import Spell, conditions_of
from monitorme_analysis.recording.wfdb_record import Record, RecordSignal
from monitorme_analysis.validation.irregular import told_s
from monitorme_analysis.validation.made import (
    fibrillating_atria,
    made_ecg,
    made_pulse,
    premature,
    regular,
)

RATE_HZ = 250
Lead = NDArray[np.float64]


def record(*leads: Lead, pleth: Lead | None = None) -> Record:
    signals = [
        RecordSignal(name, "mV", lead)
        for name, lead in zip(("II", "V", "III"), leads, strict=False)
    ]
    if pleth is not None:
        signals.append(RecordSignal("PLETH", "NU", pleth))
    return Record("made", RATE_HZ, tuple(signals), ())


def spells(*leads: Lead, pleth: Lead | None = None) -> dict[str, Spell]:
    found = conditions_of(record(*leads, pleth=pleth))
    return {spell.code: spell for spell in found}


def ecg(
    times: Sequence[float], duration_s: float, *, ventricular: Sequence[int] = ()
) -> Lead:
    return made_ecg(times, duration_s, RATE_HZ, ventricular=ventricular, noise_mv=0.02)


def test_a_heart_that_beats_says_nothing() -> None:
    assert spells(ecg(regular(74, 0.8), 60)) == {}


def test_asystole_begins_at_the_last_beat_and_ends_with_the_next() -> None:
    times = [*regular(30, 0.8), *regular(20, 0.8, first_s=33.0)]
    found = spells(ecg(times, 50))["ecg_asystole"]
    assert found.from_ms == pytest.approx(times[29] * 1000, abs=20)
    assert found.to_ms is not None
    assert 33_000 <= found.to_ms <= 35_000


def test_asystole_is_told_within_five_seconds_of_the_last_beat() -> None:
    lead = ecg(regular(30, 0.8), 28.8)
    assert "ecg_asystole" in spells(lead[: round(28.7 * RATE_HZ)])


def test_a_pause_of_three_seconds_is_no_asystole() -> None:
    times = [*regular(30, 0.8), *regular(20, 0.8, first_s=27.0)]
    found = spells(ecg(times, 44))
    assert "ecg_pause" in found
    assert "ecg_asystole" not in found


def test_a_pulse_that_goes_on_contradicts_asystole() -> None:
    times = regular(74, 0.8)
    lead = ecg(times, 60)
    lead[30 * RATE_HZ : 40 * RATE_HZ] = ecg([], 10)
    found = spells(lead, pleth=made_pulse(times, 60, RATE_HZ))
    assert "ecg_asystole" not in found
    assert "ecg_pulse_disagrees" in found


def test_a_pulse_that_stops_with_the_heart_does_not() -> None:
    times = [*regular(38, 0.8), *regular(20, 0.8, first_s=42.0)]
    lead = ecg(times, 60)
    found = spells(lead, pleth=made_pulse(times, 60, RATE_HZ))
    assert "ecg_asystole" in found


def test_a_line_to_the_last_bit_is_a_lead_that_is_off() -> None:
    lead = ecg(regular(74, 0.8), 60)
    lead[30 * RATE_HZ :] = 0.0
    found = spells(lead)
    assert "ecg_lead_off" in found
    assert "ecg_asystole" not in found


def test_a_lead_that_is_off_is_told_while_the_other_is_judged() -> None:
    times = [*regular(30, 0.8), *regular(20, 0.8, first_s=33.0)]
    off = ecg(times, 50)
    off[10 * RATE_HZ :] = np.nan
    found = spells(ecg(times, 50), off)
    assert "ecg_lead_off_v" in found
    assert "ecg_lead_off" not in found
    assert "ecg_asystole" in found


def test_saturation_is_told() -> None:
    lead = ecg(regular(74, 0.8), 60)
    lead[30 * RATE_HZ : 40 * RATE_HZ] *= 30
    found = spells(np.clip(lead, -2, 2) + 0.0)
    assert "ecg_saturated_ii" in found or "ecg_noise_ii" in found


def test_extreme_bradycardia_takes_five_beats() -> None:
    slow = regular(10, 1.6, first_s=24.5)
    found = spells(ecg([*regular(30, 0.8), *slow], 42))
    assert found["ecg_extreme_bradycardia"].from_ms >= 22_000
    few = [
        *regular(30, 0.8),
        *regular(3, 1.6, first_s=25.0),
        *regular(9, 0.8, first_s=29),
    ]
    assert "ecg_extreme_bradycardia" not in spells(ecg(few, 38))


def test_extreme_tachycardia_takes_seventeen_beats() -> None:
    fast = regular(40, 0.38, first_s=24.4)
    assert "ecg_extreme_tachycardia" in spells(ecg([*regular(30, 0.8), *fast], 42))
    few = [*regular(30, 0.8), *regular(12, 0.38, first_s=24.4)]
    few += regular(10, 0.8, first_s=29.6)
    assert "ecg_extreme_tachycardia" not in spells(ecg(few, 37))


def run_of(count: int) -> Lead:
    times = [*regular(50, 0.8), *regular(count, 0.4, first_s=40.3)]
    times += regular(15, 0.8, first_s=40.3 + 0.4 * count + 0.5)
    return ecg(times, 56, ventricular=range(50, 50 + count))


def test_five_wide_beats_in_a_row_are_suspected_ventricular_tachycardia() -> None:
    assert "ecg_ventricular_tachycardia" in spells(run_of(7))
    assert "ecg_ventricular_tachycardia" not in spells(run_of(4))


def test_a_pulse_that_goes_on_unchanged_contradicts_ventricular_tachycardia() -> None:
    pulse = made_pulse(regular(68, 0.8), 56, RATE_HZ)
    found = spells(run_of(7), pleth=pulse)
    assert "ecg_ventricular_tachycardia" not in found
    assert "ecg_pulse_disagrees" in found


def fibrillating() -> Lead:
    at = np.arange(60 * RATE_HZ) / RATE_HZ
    lead = ecg(regular(37, 0.8), 60)
    rough = 0.5 * np.sin(2 * np.pi * (4.5 * at + 0.6 * np.sin(1.7 * at)))
    lead[at > 30] = (rough * (1 + 0.4 * np.sin(2.1 * at)))[at > 30]
    return lead


def test_a_rough_wave_without_beats_is_suspected_fibrillation() -> None:
    found = spells(fibrillating())
    assert 28_000 <= found["ecg_ventricular_fibrillation"].from_ms <= 36_000


def test_a_pulse_contradicts_fibrillation() -> None:
    pulse = made_pulse(regular(74, 0.8), 60, RATE_HZ)
    assert "ecg_ventricular_fibrillation" not in spells(fibrillating(), pleth=pulse)


def test_many_ventricular_beats_are_told() -> None:
    times = regular(90, 0.8)
    found = spells(ecg(times, 73, ventricular=range(40, 90, 3)))
    assert "ecg_ventricular_ectopy" in found


def test_beats_and_pulses_that_differ_in_rate_are_told() -> None:
    lead = ecg(regular(90, 0.6), 55)
    pulse = made_pulse(regular(45, 1.2), 55, RATE_HZ)
    assert "ecg_pulse_disagrees" in spells(lead, pleth=pulse)


def test_a_pulse_that_is_not_measured_is_told() -> None:
    lead = ecg(regular(74, 0.8), 60)
    pulse = made_pulse(regular(74, 0.8), 60, RATE_HZ)
    pulse[30 * RATE_HZ :] = 0.3
    assert "pleth_off" in spells(lead, pleth=pulse)


def test_a_sine_leaks_nothing_and_beats_leak_much() -> None:
    at = np.arange(750) / RATE_HZ
    assert leakage(np.sin(2 * np.pi * 4 * at), RATE_HZ) < 0.15
    assert leakage(ecg(regular(4, 0.8), 3), RATE_HZ) > 1.2 * COARSE


def test_irregular_without_a_pattern_is_not_sinus_rhythm_nor_bigeminy() -> None:
    rng = np.random.default_rng(3)
    chance = rng.uniform(450, 1100, 64).round().astype(int).tolist()
    breathing = (800 + 60 * np.sin(np.arange(64) / 3)).round().astype(int).tolist()
    assert is_without_pattern(chance)
    assert not is_without_pattern(breathing)
    assert not is_without_pattern([500, 1100] * 32)
    assert not is_without_pattern([800] * 64)


def test_the_coefficient_of_sample_entropy_is_that_of_its_definition() -> None:
    gaps = [800, 820, 1000, 790, 810, 1010, 640, 805, 815, 990, 700]
    pairs = [(i, j) for i in range(10) for j in range(i)]
    tolerance = 30  # the least, and enough
    alike = [(i, j) for i, j in pairs if abs(gaps[i] - gaps[j]) <= tolerance]
    both = [
        one for one in alike if abs(gaps[one[0] + 1] - gaps[one[1] + 1]) <= tolerance
    ]
    assert len(both) >= 5
    expected = np.log(len(alike) / len(both)) + np.log(60) - np.log(np.mean(gaps))
    assert sample_entropy(gaps) == pytest.approx(expected)


def test_its_tolerance_grows_until_five_pairs_are_alike() -> None:
    gaps = [500 + 97 * place for place in range(8)]
    # Neighbours are 97 ms apart, and so is what follows them: six pairs.
    expected = np.log(6 / 6) + np.log(2 * 97) - np.log(np.mean(gaps))
    assert sample_entropy(gaps) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [50, 90, 150])
def test_a_fibrillating_heart_is_told_after_two_minutes(rate: float) -> None:
    lead = ecg(fibrillating_atria(240, rate), 240)
    told = told_s(lead[None], RATE_HZ)
    assert 115 <= told[0] <= 180
    assert told == list(range(told[0], 241))


def test_one_that_beats_regularly_again_is_told_no_more() -> None:
    times = fibrillating_atria(200, 90)
    times += regular(150, 0.8, first_s=times[-1] + 0.8)
    told = told_s(ecg(times, 310)[None], RATE_HZ)
    assert 200 < told[-1] < 305


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1])
def test_a_heart_with_some_premature_beats_is_not(share: float) -> None:
    assert told_s(ecg(premature(300, share), 300)[None], RATE_HZ) == []


def test_nothing_is_said_of_a_rhythm_that_many_other_beats_break() -> None:
    times = fibrillating_atria(180, 80)
    places = np.random.default_rng(5).choice(len(times), len(times) // 4, replace=False)
    lead = ecg(times, 180, ventricular=places.tolist())
    assert told_s(lead[None], RATE_HZ) == []


@pytest.mark.parametrize("samples", [1, 100, 249])
def test_a_record_shorter_than_a_second_says_nothing(samples: int) -> None:
    assert spells(ecg([0.4], 1)[:samples]) == {}
