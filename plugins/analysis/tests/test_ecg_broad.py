"""Beats so broad and fast that the line never rests: tachycardia, and no noise."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitorme_analysis.ecg import repeating
from monitorme_analysis.ecg.heart import Heart
from monitorme_analysis.validation.broad import made_tachycardia
from monitorme_analysis.validation.made import made_ecg, made_pulse, regular

RATE_HZ = 250
VENTRICULAR = "ecg_ventricular_tachycardia"
EXTREME = "ecg_extreme_tachycardia"
Lead = NDArray[np.float64]


def told(
    leads: Sequence[Lead], pleth: Lead | None = None
) -> list[tuple[int, frozenset[str]]]:
    """Return what is told after each second."""
    heart = Heart()
    heart.begin_ecg(RATE_HZ, tuple(f"L{place}" for place in range(len(leads))), 0)
    if pleth is not None:
        heart.begin_pulse("pleth", RATE_HZ, 0)
    found = []
    for begin in range(0, len(leads[0]), RATE_HZ):
        second = slice(begin, begin + RATE_HZ)
        if pleth is not None:
            heart.take_pulse("pleth", pleth[second])
        for now_ms, signs in heart.take_ecg(np.stack([one[second] for one in leads])):
            codes = frozenset(sign.code for sign in signs)
            found.append((round(now_ms / 1000), codes))
    return found


def ever(found: list[tuple[int, frozenset[str]]]) -> set[str]:
    return {code for _, codes in found for code in codes}


@pytest.mark.parametrize("rate", [150, 160, 170, 180, 190])
@pytest.mark.parametrize("usual", [0, 40])
def test_it_is_told_with_and_without_usual_beats_before(rate: int, usual: int) -> None:
    found = told([made_tachycardia(rate, usual=usual)])
    begin_s = round(usual * 0.8)
    late = [codes for second, codes in found if second > begin_s + 16]
    assert all({VENTRICULAR, EXTREME} & codes for codes in late)
    assert sum(VENTRICULAR in codes for codes in late) > 0.6 * len(late)
    assert "ecg_asystole" not in ever(found)
    assert "ecg_unreadable" not in {c for codes in late for c in codes}


@pytest.mark.parametrize("rate", [220, 240])
def test_too_fast_to_tell_broad_from_narrow_is_a_tachycardia(rate: int) -> None:
    found = told([made_tachycardia(rate)])
    assert all(EXTREME in codes for second, codes in found if second > 12)
    assert VENTRICULAR not in ever(found)
    assert "ecg_asystole" not in ever(found)


@pytest.mark.parametrize("rate", [100, 120, 140, 150, 160, 180, 200, 220])
def test_narrow_beats_are_not_broad_however_fast(rate: int) -> None:
    found = told([made_tachycardia(rate, is_broad=False)])
    assert VENTRICULAR not in ever(found)
    assert "ecg_asystole" not in ever(found)


def test_a_heart_that_stops_after_it_is_an_asystole() -> None:
    lead = made_tachycardia(170)
    silence = np.random.default_rng(2).standard_normal(20 * RATE_HZ) * 0.02
    found = told([np.concatenate([lead, silence])])
    stopped_s = len(lead) // RATE_HZ
    first = next(second for second, codes in found if "ecg_asystole" in codes)
    assert first - stopped_s <= 8


def test_a_pulse_at_another_rate_contradicts_it() -> None:
    lead = made_tachycardia(170)
    seconds = len(lead) / RATE_HZ
    pulse = made_pulse(regular(int(seconds / 0.8), 0.8), seconds, RATE_HZ)
    found = told([lead], pulse[: len(lead)])
    late = [codes for second, codes in found if second > 12]
    assert VENTRICULAR not in {code for codes in late for code in codes}
    assert all("ecg_pulse_disagrees" in codes for codes in late[:40])


def test_a_pulse_at_its_rate_does_not() -> None:
    lead = made_tachycardia(160)
    seconds = len(lead) / RATE_HZ
    pulse = made_pulse(regular(159, 60 / 160), seconds, RATE_HZ)
    found = told([lead], pulse[: len(lead)])
    assert sum(VENTRICULAR in codes for _, codes in found) > 30


def test_a_lead_that_is_off_does_not_hide_it() -> None:
    lead = made_tachycardia(170)
    off = np.full(len(lead), np.nan)
    assert VENTRICULAR in ever(told([lead, off]))
    assert VENTRICULAR in ever(told([off, lead]))


def disturbed(kind: str) -> Lead:
    """Return a usual heart, of which one half is disturbed."""
    at = np.arange(60 * RATE_HZ) / RATE_HZ
    lead = made_ecg(regular(74, 0.8), 60, RATE_HZ, noise_mv=0.02)
    noise = np.random.default_rng(7).standard_normal(len(at))
    match kind:
        case "tremor":
            disturbance = 0.8 * np.sin(2 * np.pi * 5 * at) ** 3
        case "hum":
            disturbance = 0.8 * np.sin(2 * np.pi * 50 * at)
        case "muscle":
            disturbance = 0.4 * noise
        case _:
            disturbance = 3 * np.convolve(noise, np.ones(50) / 50, "same")
    lead[at > 20] += disturbance[at > 20]
    return lead


@pytest.mark.parametrize("kind", ["tremor", "hum", "muscle", "movement"])
def test_noise_and_tremor_are_none(kind: str) -> None:
    heart_alone = {VENTRICULAR, EXTREME} & ever(told([disturbed(kind)]))
    assert heart_alone == set()


# The measure -----------------------------------------------------------------------------


def wave(rate: float, seconds: float = 3.0, rate_hz: float = 125.0) -> Lead:
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    phase = 2 * np.pi * rate / 60 * at
    return np.sin(phase) + 0.5 * np.sin(2 * phase + 1)


@pytest.mark.parametrize("rate", [105, 130, 160, 190, 220, 245])
def test_a_wave_repeats_at_its_rate(rate: float) -> None:
    assert repeating.per_min(wave(rate), 125.0) == pytest.approx(rate, rel=0.05)


@pytest.mark.parametrize("rate", [60, 300, 360, 480])
def test_what_is_slower_or_faster_than_such_a_heart_does_not(rate: float) -> None:
    assert repeating.per_min(wave(rate), 125.0) == 0.0


def test_noise_a_line_and_too_little_do_not() -> None:
    noise = np.random.default_rng(3).standard_normal(375)
    assert repeating.per_min(noise, 125.0) == 0.0
    assert repeating.per_min(np.zeros(375), 125.0) == 0.0
    assert repeating.per_min(0.01 * wave(160), 125.0) == 0.0
    assert repeating.per_min(wave(160, seconds=1.0), 125.0) == 0.0
