"""Respiration from waveforms: made signals of known breaths, and recorded ones."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from monitorme.testing import needs
from monitorme_analysis.commands import analysis
from monitorme_analysis.respiration.breaths import breathing
from monitorme_analysis.respiration.choice import choose
from monitorme_analysis.respiration.curves import Samples, slower
from monitorme_analysis.respiration.monitor import Kind, RespirationMonitor, Second
from monitorme_analysis.respiration.spectrum import Common, add, peak, spectra
from monitorme_analysis.respiration.swings import turns
from monitorme_analysis.validation.respiration import (
    errors,
    marked_breaths_s,
    report,
    subjects,
)

RATE_HZ = 125.0


def wave(per_min: float, length_s: float, rate_hz: float = RATE_HZ) -> Samples:
    at_s = np.arange(round(length_s * rate_hz)) / rate_hz
    curve: Samples = -np.cos(2 * np.pi * per_min / 60 * at_s)
    return curve


def noise(size: int, seed: int = 1) -> Samples:
    return np.random.default_rng(seed).normal(size=size)


def pleth(per_min: float, heart_per_min: float, length_s: float) -> Samples:
    """Pulses whose height and level follow the breath."""
    breath = wave(per_min, length_s)
    pulse = np.maximum(wave(heart_per_min, length_s), -0.2)
    return (1 + 0.15 * breath) * pulse + 0.2 * breath


def ecg(per_min: float, heart_per_min: float, length_s: float) -> Samples:
    """Narrow beats whose height follows the breath, and whose intervals do a little."""
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    sway = 0.03 * np.sin(2 * np.pi * per_min / 60 * at_s)
    phase = (at_s + sway) * heart_per_min / 60 % 1 - 0.5
    spike = np.exp(-((phase * 60 / heart_per_min / 0.018) ** 2))
    beats: Samples = (1 + 0.2 * wave(per_min, length_s)) * spike
    return beats + 0.01 * noise(len(at_s))


def listen(kinds: dict[str, Kind], samples: Samples, block: int = 125) -> list[Second]:
    monitor = RespirationMonitor(RATE_HZ, kinds)
    starts = range(0, samples.shape[1], block)
    return [
        second
        for start in starts
        for second in monitor.feed(samples[:, start : start + block])
    ]


# Breaths ---------------------------------------------------------------------------------


@given(st.floats(9, 60), st.floats(0, 6), st.floats(0.01, 100))
def test_even_breaths_have_their_rate_at_any_scale(
    per_min: float, phase_s: float, scale: float
) -> None:
    # The worst is 6.6 % off: 9.2 a minute, of which the window has less than five.
    curve = scale * wave(per_min, 40, 12.5)[round(phase_s * 12.5) :][:400]
    assert breathing(curve, 12.5).per_min == pytest.approx(per_min, rel=0.07)
    assert breathing(curve, 12.5).quality > 0.6


def test_slow_breaths_are_counted_in_a_longer_window() -> None:
    last = listen({"RESP": "impedance"}, wave(5, 70)[None])[-1]
    assert choose(last) == pytest.approx(5, abs=0.4)


def test_ripples_of_the_heart_are_no_breaths() -> None:
    curve = wave(15, 32, 12.5) + 0.2 * wave(80, 32, 12.5)
    assert breathing(curve, 12.5).per_min == pytest.approx(15, abs=0.6)


def test_clipped_breaths_are_breaths() -> None:
    found = turns(np.clip(wave(12, 60, 12.5), -1, 0.3), 0.4)
    assert np.diff(found.tops) / 12.5 == pytest.approx(5.0, abs=0.2)


def test_one_jolt_does_not_hide_the_breaths() -> None:
    curve = wave(18, 32, 12.5)
    curve[200:210] += 20
    assert breathing(curve, 12.5).per_min == pytest.approx(18, abs=2)


def test_a_pause_slows_the_rate_as_it_goes_on() -> None:
    curve = wave(20, 32, 12.5)
    curve[200:] = curve[200]
    longer = np.concatenate([curve[100:], np.full(100, curve[200])])
    assert 10 < breathing(curve, 12.5).per_min < 14
    assert breathing(longer, 12.5).per_min < breathing(curve, 12.5).per_min


@pytest.mark.parametrize("curve", [np.zeros(400), np.arange(400.0), np.full(400, 3.0)])
def test_a_curve_that_does_not_turn_has_no_breaths(curve: Samples) -> None:
    assert breathing(curve, 12.5).quality == 0


def test_noise_is_told_from_breaths() -> None:
    plain = breathing(wave(16, 32, 12.5), 12.5).quality
    random = [breathing(np.cumsum(noise(400, n)), 12.5).quality for n in range(30)]
    assert plain > 0.9
    assert float(np.median(random)) < 0.4


# What curves have in common --------------------------------------------------------------


def test_a_rate_hidden_in_noise_is_found_in_several_curves() -> None:
    common = Common()
    for second in range(40):
        curves = [
            wave(22, 32, 4) + 1.5 * noise(128, 10 * second + number)
            for number in range(4)
        ]
        add(common, spectra(curves, 50.0))
    assert peak(common)[0] == pytest.approx(22, abs=1)


def test_beats_cannot_show_more_than_half_their_rate() -> None:
    common = Common()
    add(common, spectra([wave(40, 32, 4)], 35.0))
    assert peak(common)[0] < 35


def test_nothing_in_common_is_no_rate() -> None:
    common = Common()
    add(common, spectra([], 50.0))
    add(common, spectra([np.zeros(128)], 50.0))
    assert peak(common) == (0.0, 0.0)


# Signals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("per_min", [9.0, 16.0, 27.0])
def test_pulse_and_ecg_each_tell_the_breaths(per_min: float) -> None:
    samples = np.stack([pleth(per_min, 84, 80), ecg(per_min, 84, 80)])
    last = listen({"PLETH": "pulse", "II": "ecg"}, samples)[-1]
    assert choose(last, "pulse") == pytest.approx(per_min, abs=1)
    assert choose(last, "ecg") == pytest.approx(per_min, abs=1)
    assert choose(last) == pytest.approx(per_min, abs=1)


def test_the_heart_in_the_impedance_is_not_believed() -> None:
    samples = np.stack([wave(66, 80), pleth(14, 66, 80), ecg(14, 66, 80)])
    kinds: dict[str, Kind] = {"RESP": "impedance", "PLETH": "pulse", "II": "ecg"}
    assert choose(listen(kinds, samples)[-1]) == pytest.approx(14, abs=1)


def test_without_breaths_in_any_signal_nothing_is_told() -> None:
    samples = np.stack([np.zeros(6_000), np.zeros(6_000), noise(6_000) * 0.01])
    kinds: dict[str, Kind] = {"RESP": "impedance", "PLETH": "pulse", "II": "ecg"}
    assert {choose(second) for second in listen(kinds, samples)} == {None}


def test_missing_samples_are_bridged_and_missing_signals_left_out() -> None:
    breath = wave(18, 60)
    breath[2_000:2_200] = np.nan
    gone = np.full_like(breath, np.nan)
    kinds: dict[str, Kind] = {"RESP": "impedance", "PLETH": "pulse", "II": "ecg"}
    for second in listen(kinds, np.stack([breath, gone, gone])):
        assert choose(second, "impedance") == pytest.approx(18, abs=1.5)
        assert choose(second, "heart") is None
    assert not [s for s in listen({"RESP": "impedance"}, gone[None]) if choose(s)]


def test_a_slower_curve_has_the_means_of_what_is_known() -> None:
    curve = np.array([1, 3, np.nan, 5, np.nan, np.nan, 9])
    np.testing.assert_array_equal(slower(curve, 2), [2, 5, np.nan])


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=30))
def test_blocks_of_any_size_give_the_same_seconds(sizes: list[int]) -> None:
    samples = np.stack([wave(16, 40), pleth(16, 75, 40), ecg(16, 75, 40)])
    kinds: dict[str, Kind] = {"RESP": "impedance", "PLETH": "pulse", "II": "ecg"}
    monitor = RespirationMonitor(RATE_HZ, kinds)
    parts: list[Second] = []
    begin = 0
    for size in [*sizes, samples.shape[1]]:
        parts += monitor.feed(samples[:, begin : begin + size])
        begin += size
    assert parts == list(RespirationMonitor(RATE_HZ, kinds).feed(samples))


# The command -----------------------------------------------------------------------------


def ask(path: Path, *options: str) -> Result:
    return CliRunner().invoke(analysis, ["respiration", str(path), *options])


def table(folder: Path, columns: dict[str, Samples], skip: range = range(0)) -> Path:
    path = folder / "waves.csv"
    lines = ["Time [s], " + ", ".join(columns)]
    for number, values in enumerate(zip(*columns.values(), strict=True)):
        if number not in skip:
            cells = [f"{value:.4f}" for value in values]
            lines.append(",".join([f"{number / RATE_HZ:.6g}", *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def values(result: Result) -> dict[int, float]:
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert all(list(line) == ["time_ms", "value"] for line in lines)
    return {line["time_ms"]: line["value"] for line in lines}


def test_each_second_is_a_line(tmp_path: Path) -> None:
    found = values(ask(table(tmp_path, {"RESP": wave(15, 50)})))
    assert list(found) == list(range(32_000, 51_000, 1_000))
    assert all(value == pytest.approx(15, abs=0.7) for value in found.values())


def test_rows_that_are_missing_keep_their_time(tmp_path: Path) -> None:
    path = table(tmp_path, {"RESP": wave(15, 60)}, skip=range(2_000, 2_300))
    found = values(ask(path))
    assert max(found) == 60_000
    assert found[60_000] == pytest.approx(15, abs=1)


def test_a_table_may_have_cells_that_are_no_numbers(tmp_path: Path) -> None:
    path = table(tmp_path, {"RESP": wave(15, 40)})
    lines = path.read_text().splitlines()
    lines[500] = "4,--"
    path.write_text("\n".join(lines) + "\n")
    assert len(values(ask(path))) >= 8


def broken(text: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "broken.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "none.csv", "cannot read"),
        (broken("a,b\n1,2\n"), "no column of times"),
        (broken("Time [s],RESP\n0,1\n"), "fewer than two rows"),
        (broken("Time [s],RESP\n1,1\n1,1\n1,1\n"), "do not rise"),
        (
            broken("Time [s],CO2\n0,1\n0.008,1\n0.016,1\n"),
            "no respiration, ECG or pleth",
        ),
    ],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    result = ask(make(tmp_path))
    assert result.exit_code != 0
    assert says in f"{result.output} {result.exception}"
    assert result.stdout == "" or not result.stdout.startswith("{")


# Recorded --------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.slow
def test_respiration_is_within_two_a_minute_of_the_marked_breaths() -> None:
    from monitorme_analysis.recording.respiration import read_waveforms, respiration_of

    for _, waves, marks in subjects(needs.data("bidmc").parent):
        seconds = list(respiration_of(read_waveforms(waves)))
        for breaths_s in marked_breaths_s(marks):
            found = errors(seconds, breaths_s)
            assert all(error.mean_per_min < 2 for error in found.values()), found
            assert found["best"].covered > 0.9
            assert found["heart"].covered > 0.7


@pytest.mark.data
@pytest.mark.slow
def test_the_document_has_a_row_for_each_source() -> None:
    assert "ECG and pleth, without the impedance" in report(needs.data("bidmc").parent)
