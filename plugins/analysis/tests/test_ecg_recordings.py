"""Beats and conditions of recordings that nobody here made."""

import json

import pytest
from click.testing import CliRunner

from monitorme.testing import needs
from monitorme_analysis.commands import analysis
from monitorme_analysis.recording.beats import beats_of
from monitorme_analysis.recording.conditions import conditions_of
from monitorme_analysis.recording.wfdb_record import read_record
from monitorme_analysis.validation.annotations import read_annotations
from monitorme_analysis.validation.challenge import alarms, score
from monitorme_analysis.validation.matching import Score, compare

pytestmark = pytest.mark.data


@pytest.mark.slow
def test_mit_bih_beats_are_found_within_150_ms() -> None:
    folder = needs.data("mitdb")
    total = Score()
    for header in sorted(folder.glob("*.hea")):
        record = read_record(header.with_suffix(""))
        marked = read_annotations(header.with_suffix(".atr"))
        found = [beat.sample for beat in beats_of(record)]
        window = round(0.150 * record.rate_hz)
        score = compare(marked.beats, found, window, marked.flutter)
        assert score.sensitivity_percent >= 99.0, record.name
        assert score.predictivity_percent >= 99.0, record.name
        total += score
    assert total.sensitivity_percent >= 99.7
    assert total.predictivity_percent >= 99.7


def test_the_beats_command_prints_one_object_a_beat() -> None:
    record = needs.data("mitdb") / "100"
    result = CliRunner().invoke(analysis, ["beats", str(record)])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert 2260 <= len(lines) <= 2280
    assert set(lines[0]) == {"sample", "time_ms", "lead"}
    assert lines[0]["time_ms"] == round(lines[0]["sample"] / 360 * 1000)


@pytest.mark.slow
def test_no_true_alarm_of_intensive_care_is_missed_and_few_false_ones_ring() -> None:
    judged = list(alarms(needs.data("challenge2015")))
    assert [one.record for one in judged if one.is_true and not one.is_found] == []
    assert score(judged) >= 80


def test_the_ecg_command_prints_one_object_a_condition() -> None:
    record = needs.data("challenge2015") / "a142s"
    result = CliRunner().invoke(analysis, ["ecg", str(record)])
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {"ecg_asystole"} <= {line["code"] for line in lines}
    assert all(set(line) == {"code", "from_ms", "to_ms", "detail"} for line in lines)


@pytest.mark.slow
def test_irregularity_is_told_where_it_is_and_not_where_beats_are_premature() -> None:
    expected = {"mitdb/200": False, "mitdb/232": False, "challenge2015/b124s": True}
    for name, is_irregular in expected.items():
        folder, record = name.split("/")
        spells = conditions_of(read_record(needs.data(folder) / record))
        codes = {spell.code for spell in spells}
        assert ("ecg_irregular" in codes) == is_irregular, name
