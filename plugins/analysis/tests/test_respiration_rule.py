"""The sent respiratory rate against the ECG, second by second, as the service sees it."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from monitorme.contract.payloads import ConditionKind
from monitorme.contract.readings import Lead, ReadingValue
from monitorme.contract.vitals import Catalogue
from monitorme.testing import needs
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.respiration.rule import (
    CODE,
    Checked,
    RespirationCheck,
    RespirationCheckSettings,
)
from monitorme_analysis.rule import Finding, Observed, RuleContext

RATE_HZ = 125.0
START_MS = 1_800_000_000_000
CATALOGUE = Catalogue.load()


def ecg(per_min: float, seconds: int, sway: float = 0.03) -> Samples:
    """Beats whose height and line follow the breath, in mV, as the heart sways slowly."""
    heart_per_min = 80.0
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    breath = np.sin(2 * np.pi * per_min / 60 * at_s)
    slow_s = sway * np.sin(2 * np.pi * 0.1 * at_s) * 1.5
    phase = (at_s + slow_s) * heart_per_min / 60 % 1 - 0.5
    spike = np.exp(-((phase * 60 / heart_per_min / 0.018) ** 2))
    noise = np.random.default_rng(3).normal(scale=0.01, size=len(at_s))
    wave: Samples = (1 + 0.2 * breath) * spike + 0.1 * breath + noise
    return wave


class Bed:
    """A bed whose blocks and sent rates come each second."""

    def __init__(self) -> None:
        self.rule = RespirationCheck(RespirationCheckSettings())
        self.state = self.rule.begin()
        self.context = RuleContext(CATALOGUE, latest_valid={})
        self.now_ms = START_MS
        self.found: tuple[Finding, ...] = ()

    def hear(self, wave: Samples, sent: float | None, rate_hz: float = RATE_HZ) -> None:
        size = round(rate_hz)
        for start in range(0, len(wave) - size + 1, size):
            if sent is not None:
                newest = self._observed("respiratory_rate", float(sent))
                self.context.latest_valid = {"respiratory_rate": newest}
            samples = tuple(
                round(v * 1000) for v in wave[start : start + size].tolist()
            )
            lead = Lead(rate_hz, "mV", 0.001, samples)
            self.take({"II": lead})
            self.now_ms += 1_000

    def take(self, value: ReadingValue) -> None:
        observed = self._observed("ecg", value)
        self.state, found = self.rule.step(self.state, observed, self.context)
        self.found = self.found if found is None else found

    def _observed(self, vital: str, value: ReadingValue) -> Observed:
        now_ms = self.now_ms
        return Observed(vital, now_ms, now_ms, value, "good", None, "d", "b", 1, value)


def test_rates_that_agree_find_nothing() -> None:
    bed = Bed()
    bed.hear(ecg(15, 180), sent=16)
    assert bed.found == ()


def test_a_rate_that_the_ecg_contradicts_is_found() -> None:
    bed = Bed()
    bed.hear(ecg(15, 180), sent=30)
    (found,) = bed.found
    assert (found.code, found.kind) == (CODE, ConditionKind.TECHNICAL)
    assert found.text == "respiration: 30 sent, the ECG shows 15"


def test_it_ends_when_they_agree_again() -> None:
    bed = Bed()
    wave = ecg(15, 240)
    bed.hear(wave[: round(150 * RATE_HZ)], sent=30)
    assert bed.found
    bed.hear(wave[round(150 * RATE_HZ) :], sent=15)
    assert bed.found == ()


@pytest.mark.parametrize("rate_hz", [0.1, 0.5, 1.0, 2.0, 3.0, 10.0, 49.9])
def test_too_few_samples_show_no_breath(rate_hz: float) -> None:
    bed = Bed()
    bed.hear(ecg(15, 180), sent=30)
    assert bed.found
    for _ in range(100):
        samples = tuple(range(max(1, round(rate_hz))))
        bed.take({"II": Lead(rate_hz, "mV", 0.001, samples)})
        bed.now_ms += 1_000
        assert bed.found == ()


def test_a_moment_is_not_enough() -> None:
    bed = Bed()
    wave = ecg(15, 200)
    bed.hear(wave[: round(120 * RATE_HZ)], sent=15)
    bed.hear(wave[round(120 * RATE_HZ) : round(160 * RATE_HZ)], sent=30)
    assert bed.found == ()


@pytest.mark.parametrize("sway", [0.0, 0.03])
def test_an_ecg_without_breath_says_nothing(sway: float) -> None:
    bed = Bed()
    bed.hear(ecg(0, 180, sway), sent=30)
    assert bed.found == ()


def test_without_a_sent_rate_there_is_nothing_to_check() -> None:
    bed = Bed()
    bed.hear(ecg(15, 180), sent=None)
    assert bed.found == ()


def test_a_gap_and_a_repeat_do_not_confuse_it() -> None:
    bed = Bed()
    wave = ecg(15, 240)
    bed.hear(wave[: round(60 * RATE_HZ)], sent=15)
    bed.now_ms -= 5_000
    bed.hear(wave[round(55 * RATE_HZ) : round(60 * RATE_HZ)], sent=15)
    assert bed.state.marks.end_s == pytest.approx(60)
    bed.now_ms += 20_000
    bed.hear(wave[round(80 * RATE_HZ) :], sent=15)
    assert bed.found == ()
    bed.hear(np.full(round(70 * RATE_HZ), 0.0), sent=30)
    assert bed.found == ()


@pytest.mark.parametrize("value", [None, {}, {"II": 1.0}])
def test_a_block_without_samples_is_left_out(value: ReadingValue) -> None:
    bed = Bed()
    bed.take(value)
    assert bed.found == ()


def test_the_state_goes_on_where_it_was_written_down() -> None:
    wave = ecg(15, 180)
    one, other = Bed(), Bed()
    one.hear(wave, sent=30)
    other.hear(wave[: round(90 * RATE_HZ)], sent=30)
    adapter = TypeAdapter(Checked)
    other.state = adapter.validate_json(adapter.dump_json(other.state))
    other.hear(wave[round(90 * RATE_HZ) :], sent=30)
    assert one.found == other.found != ()


@pytest.mark.data
@pytest.mark.slow
def test_a_recorded_ecg_agrees_with_its_rate_and_contradicts_another() -> None:
    from monitorme_analysis.recording.signal_table import read_signals

    record = read_signals(needs.data("bidmc") / "bidmc_01_Signals.csv")
    lead = next(one for one in record.signals if one.name == "AVR").samples
    right, wrong = Bed(), Bed()
    right.hear(lead, sent=21, rate_hz=record.rate_hz)
    assert right.found == ()
    wrong.hear(lead, sent=42, rate_hz=record.rate_hz)
    assert [one.code for one in wrong.found] == [CODE]
