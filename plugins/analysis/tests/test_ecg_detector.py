"""Finding beats: made ones that are known, and the same in blocks of any size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitorme_analysis.ecg.beat import Beat
from monitorme_analysis.ecg.detector import BeatDetector
from monitorme_analysis.ecg.filters import Fir
from monitorme_analysis.ecg.levels import Levels, fuse
from monitorme_analysis.validation.made import made_ecg, regular
from monitorme_analysis.validation.matching import compare

RATES_HZ = (125, 128, 200, 250, 257, 360, 500)


def found(
    samples: NDArray[np.float64], rate_hz: float, leads: tuple[str, ...]
) -> list[Beat]:
    detector = BeatDetector(rate_hz, leads)
    return detector.feed(samples) + detector.finish()


def restless() -> NDArray[np.float64]:
    """Two leads with pauses, ectopic beats and noise that comes and goes."""
    rng = np.random.default_rng(7)
    times = np.cumsum(rng.uniform(0.45, 1.3, 70))
    lead = made_ecg(times, 70, 250, ventricular=range(5, 70, 6), noise_mv=0.05)
    other = made_ecg(times, 70, 250, gain=-0.4, noise_mv=0.1, seed=1)
    other[5000:7500] += rng.standard_normal(2500)
    other[9000:9100] = np.nan
    return np.stack([lead, other])


RESTLESS = restless()
WHOLE = found(RESTLESS, 250, ("II", "V"))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_every_beat_is_found_at_its_peak(rate_hz: int) -> None:
    times = regular(40, 0.8)
    lead = made_ecg(times, 33, rate_hz, noise_mv=0.02)
    beats = found(lead[None], rate_hz, ("II",))
    at_ms = [beat.sample / rate_hz * 1000 for beat in beats]
    assert len(beats) == 40
    assert np.abs(np.array(at_ms) - np.array(times) * 1000).max() < 20


@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=40))
@settings(max_examples=25)
def test_blocks_of_any_size_give_the_beats_of_the_whole(sizes: list[int]) -> None:
    detector = BeatDetector(250, ("II", "V"))
    beats: list[Beat] = []
    position = turn = 0
    while position < RESTLESS.shape[1]:
        size = sizes[turn % len(sizes)]
        beats += detector.feed(RESTLESS[:, position : position + size])
        position, turn = position + size, turn + 1
    assert beats + detector.finish() == WHOLE


@pytest.mark.parametrize("gain", [0.2, -1.0, 3.0])
def test_amplitude_and_polarity_change_nothing(gain: float) -> None:
    lead = made_ecg(regular(40, 0.8), 33, 250, noise_mv=0.02)
    beats = found(lead[None] * gain, 250, ("II",))
    assert [b.sample for b in beats] == [
        b.sample for b in found(lead[None], 250, ("II",))
    ]


def test_tall_t_waves_are_no_beats() -> None:
    times = regular(40, 0.9)
    lead = made_ecg(times, 37, 250)
    at = np.arange(len(lead)) / 250
    for time in times:
        lead += 0.9 * np.exp(-(((at - time - 0.28) / 0.05) ** 2) / 2)
    assert len(found(lead[None], 250, ("II",))) == 40


def test_a_beat_early_and_wide_is_found() -> None:
    times = [0.5, 1.3, 2.1, 2.9, 3.7, 4.2, 5.3, 6.1, 6.9, 7.7, 8.5]
    lead = made_ecg(times, 10, 250, ventricular=[5])
    beats = found(lead[None], 250, ("II",))
    assert [round(beat.sample / 250, 1) for beat in beats] == times
    assert beats[5].shape != beats[4].shape


def test_nothing_is_found_in_a_pause() -> None:
    times = [*regular(20, 0.8), *regular(20, 0.8, first_s=23.0)]
    lead = made_ecg(times, 40, 250, noise_mv=0.02)
    beats = found(lead[None], 250, ("II",))
    assert len(beats) == 40


def test_a_lead_that_falls_off_costs_no_beat() -> None:
    times = regular(60, 0.8)
    good = made_ecg(times, 49, 250, noise_mv=0.02)
    other = made_ecg(times, 49, 250, gain=0.7, noise_mv=0.02, seed=1)
    good[15 * 250 : 35 * 250] = 0.0
    beats = found(np.stack([good, other]), 250, ("II", "V"))
    assert len(beats) == 60
    between = {b.lead for b in beats if 16 < b.sample / 250 < 34}
    assert between == {"V"}


def test_pacing_spikes_are_not_beats_of_their_own() -> None:
    times = regular(40, 0.85)
    lead = made_ecg(times, 35, 250, ventricular=range(40))
    for time in times:
        lead[round((time - 0.10) * 250)] += 3.0
    assert len(found(lead[None], 250, ("II",))) == 40


def test_a_height_that_changes_for_good_is_learned_again() -> None:
    times = regular(80, 0.8)
    lead = made_ecg(times, 65, 250, noise_mv=0.005)
    lead[20 * 250 :] *= 0.12
    beats = found(lead[None], 250, ("II",))
    missed = compare([round(t * 250) for t in times], [b.sample for b in beats], 37)
    late = [at for at in missed.missed_at if at > 45 * 250]
    assert late == []
    lead[20 * 250 :] *= 60
    beats = found(lead[None], 250, ("II",))
    missed = compare([round(t * 250) for t in times], [b.sample for b in beats], 37)
    assert [at for at in missed.missed_at if at > 35 * 250] == []


@pytest.mark.parametrize(("taps", "out"), [(3, 1), (13, 125), (37, 139), (37, 64)])
def test_a_filter_in_pieces_is_a_convolution(taps: int, out: int) -> None:
    rows = np.random.default_rng(1).standard_normal((3, out + taps + 4))
    symmetric = np.hamming(taps)
    filtered = Fir(symmetric, out, 2, rows.shape[1])(rows)
    expected = [np.convolve(row, symmetric, "valid")[-out:] for row in rows[:2]]
    np.testing.assert_allclose(filtered, expected, atol=1e-12)


def test_tops_are_not_told_apart_by_the_last_bits_of_weights() -> None:
    known = Levels(usual=[0.1, 0.1, 0.1])
    far_above = np.full((3, 40), 5.0)
    fused = np.zeros((50, 40))
    for row, a in zip(fused, np.linspace(0.01, 0.5, 50).tolist(), strict=True):
        fuse(known, far_above, [a, 0.7 - a, 0.3], row)
    assert len(np.unique(fused)) == 1
