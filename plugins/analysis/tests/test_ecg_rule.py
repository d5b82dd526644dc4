"""The heart in the running service: blocks in, conditions out, and what blocks do wrong."""

import json
from collections.abc import Mapping
from math import inf
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from monitorme.contract.payloads import Category, Condition, Priority
from monitorme.contract.readings import Lead, ReadingValue
from monitorme.contract.topics import (
    BedId,
    ConditionTopic,
)
from monitorme.contract.vitals import Catalogue
from monitorme.testing import Bedside, PluginRun
from monitorme_analysis.ecg.extremes import ADULT, extremes_of
from monitorme_analysis.ecg.rule import Ecg, EcgSettings, EcgState
from monitorme_analysis.limit import Band, VitalLimits
from monitorme_analysis.plugin import Analysis
from monitorme_analysis.rule import Finding, Observed, RuleContext
from monitorme_analysis.validation.made import made_ecg, regular

BED = BedId("ward-a", "bed-01")
RATE_HZ = 250
Samples = NDArray[np.float64]
START_MS = 1_700_000_000_000


def lead_of(samples: Samples, rate_hz: float = RATE_HZ, unit: str = "mV") -> Lead:
    counts = np.nan_to_num(samples / 0.005, nan=32767).round().astype(int)
    return Lead(rate_hz, unit, 0.005, counts.tolist())


class Bed:
    """The rule alone, as analysis calls it."""

    def __init__(self) -> None:
        self.rule = Ecg(EcgSettings())
        self.state = self.rule.begin()
        self.context = RuleContext(CATALOGUE)
        self.seq = 0
        self.found: tuple[Finding, ...] = ()
        self.codes: set[str] = set()
        self.ever: set[str] = set()

    def block(self, value: ReadingValue, at_s: float, vital: str = "ecg") -> None:
        self.seq += 1
        at_ms = START_MS + round(at_s * 1000)
        quality = "invalid" if value is None else "good"
        reason = "lead_off" if value is None else None
        observed = Observed(
            vital, at_ms, at_ms, value, quality, reason, "d", "b", self.seq, value
        )
        self.state, found = self.rule.step(self.state, observed, self.context)
        if found is not None:
            self.found = found
            self.codes = {finding.code for finding in found}
            self.ever |= self.codes

    def stream(self, leads: Mapping[str, Samples], first_s: int, last_s: int) -> None:
        for second in range(first_s, last_s):
            part = slice(second * RATE_HZ, (second + 1) * RATE_HZ)
            value = {name: lead_of(lead[part]) for name, lead in leads.items()}
            self.block(value, second)

    def beats(self) -> list[int]:
        ecg = self.state.heart.ecg
        assert ecg is not None
        return [beat.at_ms - START_MS for beat in ecg.beats]


CATALOGUE = Catalogue.load()


@pytest.fixture
def bed() -> Bed:
    return Bed()


def beating(duration_s: int = 60, interval_s: float = 0.8) -> Samples:
    times = regular(int((duration_s - 1) / interval_s), interval_s)
    return made_ecg(times, duration_s, RATE_HZ, noise_mv=0.02)


def stopping(at_s: int, duration_s: int = 60) -> Samples:
    times = [time for time in regular(80, 0.8) if time < at_s]
    return made_ecg(times, duration_s, RATE_HZ, noise_mv=0.02)


def test_asystole_is_found_within_six_seconds_of_the_last_beat(bed: Bed) -> None:
    bed.stream({"II": stopping(30)}, 0, 33)  # the last beat is at 29.3 s
    assert bed.codes == set()
    bed.stream({"II": stopping(30)}, 33, 35)
    assert bed.codes == {"ecg_asystole"}


def test_a_gap_is_told_and_is_no_asystole(bed: Bed) -> None:
    lead = {"II": beating()}
    bed.stream(lead, 0, 20)
    bed.stream(lead, 26, 30)
    assert bed.codes == {"ecg_gap"}
    bed.stream(lead, 30, 60)
    assert bed.codes == set()
    assert "ecg_asystole" not in bed.ever


def test_a_gap_costs_only_the_beats_in_it(bed: Bed) -> None:
    lead = {"II": beating()}
    bed.stream(lead, 0, 20)
    bed.stream(lead, 23, 50)
    expected = [t for t in regular(73, 0.8) if t < 46 and not 19.9 < t < 23.1]
    found = {round(at_ms / 1000, 1) for at_ms in bed.beats()}
    assert [t for t in expected if round(t, 1) not in found] == []


def test_a_lead_that_vanishes_and_one_that_appears_cost_no_beat(bed: Bed) -> None:
    one, other = beating(), beating() * -0.6
    bed.stream({"II": one, "V": other}, 0, 20)
    bed.stream({"V": other}, 20, 40)
    assert "ecg_lead_off_ii" in bed.codes
    bed.stream({"V": other, "III": one}, 40, 60)
    found = {round(at_ms / 1000, 1) for at_ms in bed.beats()}
    expected = [round(time, 1) for time in regular(73, 0.8) if time < 56]
    assert [time for time in expected if time not in found] == []


def test_another_rate_is_told_and_beats_go_on(bed: Bed) -> None:
    bed.stream({"II": beating()}, 0, 20)
    times = regular(73, 0.8)
    faster = made_ecg(times, 60, 500, noise_mv=0.02)
    for second in range(20, 40):
        part = faster[second * 500 : (second + 1) * 500]
        bed.block({"II": lead_of(part, 500)}, second)
    assert "ecg_rate_changed" in bed.ever
    found = {round(at_ms / 1000, 1) for at_ms in bed.beats()}
    assert [t for t in times if t < 36 and round(t, 1) not in found] == []


def test_a_block_that_comes_twice_is_left_out_and_told(bed: Bed) -> None:
    lead = {"II": beating()}
    bed.stream(lead, 0, 20)
    bed.stream(lead, 19, 20)
    assert bed.codes == {"ecg_overlap"}
    bed.stream(lead, 20, 40)
    times = [round(at_ms / 1000, 1) for at_ms in bed.beats()]
    assert len(times) == len(set(times))


def test_blocks_in_another_order_are_told_and_make_no_beat_twice(bed: Bed) -> None:
    lead = {"II": beating()}
    bed.stream(lead, 0, 20)
    for second in (21, 20, 23, 22):  # the later of two comes first
        bed.stream(lead, second, second + 1)
        assert "ecg_gap" in bed.codes
    assert "ecg_overlap" in bed.codes
    bed.stream(lead, 24, 60)
    assert bed.codes == set()
    times = bed.beats()
    assert times == sorted(set(times))
    expected = len([at for at in regular(75, 0.8) if at < 57 and not 20 <= at < 24])
    assert len([at_ms for at_ms in times if at_ms < 57_000]) >= expected
    assert not {"ecg_asystole", "ecg_pause"} & bed.ever


def test_a_clock_that_is_set_back_is_told_and_followed(bed: Bed) -> None:
    lead = {"II": beating()}
    bed.stream(lead, 0, 20)
    for second in range(20, 40):
        part = slice(second * RATE_HZ, (second + 1) * RATE_HZ)
        bed.block({"II": lead_of(lead["II"][part])}, second - 3_600)
    assert "ecg_clock_jump" in bed.ever
    assert bed.codes == set() or bed.codes == {"ecg_clock_jump"}
    assert "ecg_asystole" not in bed.ever


def test_a_clock_that_jumps_ahead_is_a_gap(bed: Bed) -> None:
    lead = {"II": beating()}
    bed.stream(lead, 0, 20)
    for second in range(20, 40):
        part = slice(second * RATE_HZ, (second + 1) * RATE_HZ)
        bed.block({"II": lead_of(lead["II"][part])}, second + 3_600)
    assert "ecg_gap" in bed.ever
    assert "ecg_asystole" not in bed.ever


def test_sentinels_are_no_samples(bed: Bed) -> None:
    lead = beating()
    lead[20 * RATE_HZ : 40 * RATE_HZ : 7] = np.nan
    bed.stream({"II": lead}, 0, 40)
    assert "ecg_no_value" in bed.codes
    found = {round(at_ms / 1000, 1) for at_ms in bed.beats()}
    assert len([t for t in regular(45, 0.8) if round(t, 1) in found]) >= 43


def test_a_lead_in_another_unit_is_converted_or_left_out(bed: Bed) -> None:
    lead = beating() * 1000
    for second in range(30):
        part = lead[second * RATE_HZ : (second + 1) * RATE_HZ]
        micro = Lead(RATE_HZ, "uV", 5.0, (part / 5).round().astype(int).tolist())
        odd = Lead(RATE_HZ, "mm[Hg]", 1.0, micro.samples)
        bed.block({"II": micro, "X": odd}, second)
    assert bed.codes == {"ecg_leads_differ"}
    assert len(bed.beats()) > 30


def sampled(bed: Bed, wave: Samples, rate_hz: float, vital: str = "ecg") -> None:
    """Send a waveform of a device that samples at another rate, in blocks of a second."""
    size = max(1, round(rate_hz))
    last_s = len(wave) / RATE_HZ - 1
    at_s, blocks = 0.0, 0
    while at_s + size / rate_hz < last_s and blocks < 400:
        taken = (at_s + np.arange(size) / rate_hz) * RATE_HZ
        bed.block({"II": lead_of(wave[taken.astype(int)], rate_hz)}, at_s, vital)
        at_s, blocks = at_s + size / rate_hz, blocks + 1


TOO_LOW_HZ = (*(tenth / 10 for tenth in range(1, 101)), 15, 20, 30, 40, 49.9)


@pytest.mark.parametrize("rate_hz", TOO_LOW_HZ)
def test_too_few_samples_are_told_and_nothing_is_judged(
    bed: Bed, rate_hz: float
) -> None:
    sampled(bed, beating(), rate_hz)
    assert bed.ever == {"ecg_rate_too_low"}
    (found,) = bed.found
    assert f"{rate_hz:.4g} samples a second are too few" in found.text
    assert "send 50 or more" in found.text
    assert found.since_ms == START_MS, "it goes on, and begins but once"


def test_the_lowest_rate_that_the_contract_allows_is_told(bed: Bed) -> None:
    bed.block({"II": lead_of(beating()[:1], 5e-324)}, 0)
    assert bed.codes == {"ecg_rate_too_low"}


@pytest.mark.parametrize("rate_hz", [50, 60, 62.5, 100])
def test_the_lowest_usable_rates_find_beats_and_their_absence(
    bed: Bed, rate_hz: float
) -> None:
    sampled(bed, beating(), rate_hz)
    assert bed.ever == set()
    found = {round(at_ms / 1000, 1) for at_ms in bed.beats()}
    expected = [round(time, 1) for time in regular(70, 0.8) if time < 55]
    assert len([time for time in expected if time not in found]) <= 3
    other = Bed()
    sampled(other, stopping(30, 40), rate_hz)
    assert other.codes == {"ecg_asystole"}


def test_what_was_said_ends_with_too_few_samples_and_they_with_more(bed: Bed) -> None:
    bed.stream({"II": stopping(30)}, 0, 37)
    assert bed.codes == {"ecg_asystole"}
    bed.block({"II": lead_of(beating()[:2], 2)}, 37)
    assert bed.codes == {"ecg_rate_too_low"}
    lead = {"II": beating()}
    bed.stream(lead, 38, 60)
    assert "ecg_rate_too_low" not in bed.codes
    assert len([at for at in bed.beats() if at > 40_000]) > 15


def test_too_few_samples_end_with_an_invalid_block(bed: Bed) -> None:
    bed.block({"II": lead_of(beating()[:2], 2)}, 0)
    bed.block(None, 1)
    assert bed.codes == set()


@pytest.mark.parametrize("rate_hz", [0.1, 1, 3, 9.9])
def test_a_pulse_of_too_few_samples_is_told(bed: Bed, rate_hz: float) -> None:
    sampled(bed, beating(), rate_hz, "pleth")
    assert bed.codes == {"pleth_rate_too_low"}
    assert "send 10 or more" in bed.found[0].text


def test_an_invalid_block_ends_what_was_said(bed: Bed) -> None:
    bed.stream({"II": stopping(30)}, 0, 37)
    assert bed.codes == {"ecg_asystole"}
    bed.block(None, 37)
    assert bed.codes == set()


def test_a_state_written_down_and_read_back_goes_on_the_same(bed: Bed) -> None:
    lead = {"II": beating(), "V": stopping(40)}
    bed.stream(lead, 0, 25)
    adapter = TypeAdapter(EcgState)
    text = adapter.dump_json(bed.state)
    other = Bed()
    other.state = adapter.validate_json(text)
    bed.stream(lead, 25, 60)
    other.stream(lead, 25, 60)
    assert json.loads(adapter.dump_json(bed.state)) == json.loads(
        adapter.dump_json(other.state)
    )


def test_a_state_of_before_all_signals_were_one_table_is_not_read(bed: Bed) -> None:
    bed.stream({"II": beating()}, 0, 5)
    adapter = TypeAdapter(EcgState)
    written = json.loads(adapter.dump_json(bed.state))
    stretches = written["heart"]["ecg"]["detector"]["stretches"]
    stretches["history"] = stretches.pop("rows")
    with pytest.raises(ValidationError):  # the rule begins anew
        adapter.validate_python(written)


def test_the_service_says_asystole(tmp_path: Path) -> None:
    run = PluginRun(Analysis, tmp_path)
    beside = Bedside(run, BED)
    beside.admit()
    lead = stopping(20)
    for second in range(28):
        part = lead[second * RATE_HZ : (second + 1) * RATE_HZ]
        value: ReadingValue = {"II": lead_of(part)}
        beside.send("ecg", value)
        run.tick()
    said = run.last(ConditionTopic(BED, "ecg_asystole"), Condition)
    assert said is not None
    assert said.present
    assert said.priority is Priority.HIGH


@pytest.mark.parametrize(
    ("category", "per_min", "expected"),
    [
        ("adult", 150, {"ecg_extreme_tachycardia"}),
        ("neonate", 150, set()),
        ("neonate", 70, {"ecg_extreme_bradycardia"}),
        ("adult", 70, set()),
        ("adult", 36, {"ecg_extreme_bradycardia"}),
    ],
)
def test_what_is_extreme_depends_on_whose_heart_it_is(
    tmp_path: Path, category: str, per_min: int, expected: set[str]
) -> None:
    run = PluginRun(Analysis, tmp_path)
    beside = Bedside(run, BED)
    beside.admit(category=category)
    lead = beating(30, 60 / per_min)
    for second in range(30):
        part = lead[second * RATE_HZ : (second + 1) * RATE_HZ]
        beside.send("ecg", {"II": lead_of(part)})
        run.tick()
    codes = ("ecg_extreme_tachycardia", "ecg_extreme_bradycardia")
    said = {code: run.last(ConditionTopic(BED, code), Condition) for code in codes}
    assert {code for code, one in said.items() if one and one.present} == expected


def test_without_a_critical_limit_no_rate_of_a_child_is_extreme() -> None:
    band = VitalLimits(awake=Band(low=100.0, high=200.0))
    assert extremes_of(Category.NEONATE, {"heart_rate": band}) == (40.0, inf)
    assert extremes_of(Category.ADULT, {"heart_rate": band}) == ADULT
