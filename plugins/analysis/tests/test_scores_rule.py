"""Scores of a bed: settled numbers, what staff enter, conditions, and what is kept."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from monitorme.contract.payloads import Category, Condition, Priority
from monitorme.contract.readings import ReadingValue
from monitorme.contract.topics import BedId, ConditionTopic
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme.testing import Bedside, PluginRun
from monitorme_analysis.plugin import Analysis
from monitorme_analysis.rule import Entry, Finding, Observed, RuleContext
from monitorme_analysis.scores.assessment import Assessment
from monitorme_analysis.scores.history import FILE_NAME, ScoreHistory
from monitorme_analysis.scores.rule import Scored, Scores, ScoresSettings

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
NOW_MS = 1_800_000_000_000
WELL: Mapping[str, ReadingValue] = {
    "respiratory_rate": 16.0,
    "oxygen_saturation": 97.0,
    "heart_rate": 70.0,
    "body_temperature": 37.0,
    "blood_pressure": {"systolic": 120.0, "diastolic": 80.0, "mean": 93.0},
}
CATALOGUE = Catalogue.load()


class Bed:
    """A bed whose newest values are set by hand, judged by the rule of scores."""

    def __init__(self, **settings: Any) -> None:
        self.rule = Scores(ScoresSettings(**settings))
        self.state = self.rule.begin()
        self.now_ms = NOW_MS
        self.context = RuleContext(CATALOGUE, latest_valid={}, entered={})
        self.found: tuple[Finding, ...] = ()
        for vital, value in WELL.items():
            self.set(vital, value)
        self.enter(oxygen=False, consciousness="A")

    def set(self, vital: str, value: ReadingValue) -> None:
        newest = dict(self.context.latest_valid)
        newest[vital] = Observed(
            vital, self.now_ms, self.now_ms, value, "good", None, "d", "b", 1, value
        )
        self.context.latest_valid = newest

    def enter(self, hours: float = 12, **values: bool | int | str) -> None:
        until_ms = self.now_ms + round(hours * HOUR_MS)
        entries = {n: Entry(v, self.now_ms, until_ms, "ada") for n, v in values.items()}
        self.context.entered = {**self.context.entered, **entries}

    def wait(self, minutes: float, values: Mapping[str, ReadingValue] = WELL) -> None:
        """Let time pass with values that stay as they are."""
        for _ in range(round(minutes * 3)):
            self.now_ms += 20_000
            for vital, value in values.items():
                self.set(vital, value)
            self.look()

    def look(self) -> None:
        self.state, found = self.rule.elapse(self.state, self.now_ms, self.context)
        self.found = self.found if found is None else found

    def score(self, name: str = "news2") -> Assessment:
        (one,) = [one for one in self.state.assessments if one.name == name]
        return one


def test_somebody_well_has_scores_and_no_condition() -> None:
    bed = Bed()
    bed.look()
    assert bed.score().text == "NEWS2 0"
    assert bed.found == ()


@pytest.mark.parametrize(
    ("changes", "priority"),
    [
        ({"heart_rate": 120.0}, None),
        ({"heart_rate": 140.0}, Priority.MEDIUM),
        ({"heart_rate": 120.0, "respiratory_rate": 25.0}, Priority.MEDIUM),
        (
            {"heart_rate": 120.0, "respiratory_rate": 25.0, "oxygen_saturation": 92.0},
            Priority.HIGH,
        ),
    ],
)
def test_the_priority_is_that_of_the_chart(
    changes: Mapping[str, ReadingValue], priority: Priority | None
) -> None:
    bed = Bed()
    bed.wait(2, {**WELL, **changes})
    assert [one.priority for one in bed.found] == ([priority] if priority else [])


def test_a_condition_names_score_and_response() -> None:
    bed = Bed()
    bed.wait(2, {**WELL, "heart_rate": 140.0})
    (found,) = bed.found
    assert (found.code, found.value) == ("news2", 3.0)
    assert found.text == "NEWS2 3: inform the medical team"


def test_half_a_minute_of_a_fast_heart_is_not_a_score() -> None:
    bed = Bed()
    bed.wait(2)
    bed.wait(1 / 3, {**WELL, "heart_rate": 140.0})
    assert bed.score().low == 0
    bed.wait(1.5, {**WELL, "heart_rate": 140.0})
    assert bed.score().low == 3


def test_a_condition_ends_when_the_score_has_been_lower_for_some_minutes() -> None:
    bed = Bed(settle_min=5)
    bed.wait(2, {**WELL, "heart_rate": 140.0})
    since_ms = bed.found[0].since_ms
    bed.wait(4)
    assert bed.found[0].since_ms == since_ms
    bed.wait(1.5, {**WELL, "heart_rate": 140.0})
    bed.wait(4)
    assert bed.found, "what came back in between begins the wait anew"
    bed.wait(6)
    assert bed.found == ()


def test_a_higher_score_is_told_at_once() -> None:
    bed = Bed()
    bed.wait(2, {**WELL, "heart_rate": 140.0})
    bed.enter(oxygen=True, consciousness="V")
    bed.look()
    assert bed.found[0].priority is Priority.HIGH
    assert bed.found[0].text == "NEWS2 8: emergency assessment within 30 min"


def test_what_staff_entered_expires_and_is_said() -> None:
    bed = Bed()
    bed.enter(hours=1, oxygen=True)
    bed.look()
    assert bed.score().low == 2
    bed.wait(3 * 60)
    assert bed.score().text == "NEWS2 0 to 2 (oxygen entered 3 h ago)"


def test_a_vital_that_is_too_old_is_missing_and_said() -> None:
    bed = Bed()
    bed.wait(1)
    without = {name: value for name, value in WELL.items() if name != "heart_rate"}
    bed.wait(4, without)
    assert bed.score().is_complete
    bed.wait(3, without)
    assert bed.score().text == "NEWS2 0 to 3 (heart rate 7 min old)"


def test_a_pressure_counts_as_long_as_its_vital_is_fresh() -> None:
    bed = Bed()
    without = {name: value for name, value in WELL.items() if name != "blood_pressure"}
    stale_ms = CATALOGUE["blood_pressure"].stale_after_ms
    bed.wait(stale_ms / MINUTE_MS - 1, without)
    assert bed.score().is_complete
    bed.wait(2, without)
    assert "systolic pressure" in bed.score().text


def test_one_bad_value_is_no_score() -> None:
    bed = Bed()
    bed.context.latest_valid, bed.context.entered = {}, {}
    bed.wait(3, {"oxygen_saturation": 85.0})
    assert bed.score().text.startswith("NEWS2 3 to 20 (respiratory rate not measured")
    assert bed.found == ()
    bed.wait(1, {"oxygen_saturation": 85.0, "heart_rate": 70.0})
    bed.enter(oxygen=False, consciousness="A")
    bed.look()
    assert bed.found[0].text.startswith("NEWS2 at least 3 (to 12)")


def test_scale_2_is_entered() -> None:
    bed = Bed()
    bed.set("oxygen_saturation", 90.0)
    bed.look()
    assert bed.score().low == 3
    bed.enter(spo2_scale=2)
    bed.look()
    assert bed.score().low == 0


def test_pregnancy_ends_the_condition_and_says_why() -> None:
    bed = Bed()
    bed.wait(2, {**WELL, "heart_rate": 140.0})
    bed.enter(pregnant=True)
    bed.look()
    assert bed.found == ()
    assert bed.state.not_for["news2"] == "not in pregnancy"


def test_other_scores_alarm_where_a_ward_wants_them() -> None:
    bed = Bed(alarm_on=("shock_index",))
    bed.wait(2, {**WELL, "heart_rate": 140.0})
    assert [one.code for one in bed.found] == ["shock_index"]


def test_a_child_has_the_score_of_children() -> None:
    bed = Bed()
    bed.context.category = Category.PAEDIATRIC
    bed.context.birth_ms = NOW_MS - 6 * 365 * 24 * HOUR_MS
    bed.wait(2, {**WELL, "heart_rate": 160.0, "respiratory_rate": 55.0})
    assert [one.code for one in bed.found] == ["bedside_pews"]


def test_the_state_survives_being_written_down() -> None:
    bed = Bed()
    bed.wait(2, {**WELL, "heart_rate": 140.0})
    adapter = TypeAdapter(Scored)
    before = bed.state
    assert adapter.validate_json(adapter.dump_json(before)) == before


# History ---------------------------------------------------------------------------------


def assessment(low: float, text: str = "NEWS2", *, whole: bool = True) -> Assessment:
    return Assessment("news2", low, low, whole, 7, f"{text} {low:g}")


@pytest.fixture
def history(tmp_path: Path) -> ScoreHistory:
    return ScoreHistory(tmp_path, at_least_every_ms=15 * MINUTE_MS)


def kept(history: ScoreHistory, since_ms: int = 0) -> list[tuple[int, float]]:
    return [(one.at_ms, one.low) for one in history.of_stay("a-1", since_ms)]


def test_a_score_is_kept_when_it_changes_and_now_and_then(
    history: ScoreHistory,
) -> None:
    for minute in range(40):
        low = 1.0 if minute < 5 else 3.0
        history.add([("a-1", [assessment(low)])], minute * MINUTE_MS)
    minutes = [(at_ms // MINUTE_MS, low) for at_ms, low in kept(history)]
    assert minutes == [(0, 1.0), (5, 3.0), (20, 3.0), (35, 3.0)]


def test_what_held_at_the_beginning_is_shown_too(history: ScoreHistory) -> None:
    history.add([("a-1", [assessment(1)])], 1_000)
    history.add([("a-1", [assessment(2)])], 2_000)
    history.add([("a-1", [assessment(3)])], 3_000)
    assert kept(history, 2_500) == [(2_000, 2.0), (3_000, 3.0)]


def test_stays_are_kept_apart_and_old_scores_go(history: ScoreHistory) -> None:
    history.add([("a-1", [assessment(1)]), ("a-2", [assessment(9)])], 1_000)
    history.add([("a-1", [assessment(2)])], 5_000)
    history.forget(2_000)
    assert kept(history) == [(5_000, 2.0)]
    assert history.of_stay("a-2", 0) == []


def test_scores_survive_a_restart(tmp_path: Path) -> None:
    for at_ms in (1_000, 2_000):
        history = ScoreHistory(tmp_path, at_least_every_ms=1)
        history.add([("a-1", [assessment(4)])], at_ms)
        history.close()
    history = ScoreHistory(tmp_path, at_least_every_ms=1)
    assert kept(history) == [(1_000, 4.0), (2_000, 4.0)]


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database, " * 100)
    with pytest.raises(StorageError, match="cannot open"):
        ScoreHistory(tmp_path, at_least_every_ms=1)


# The service -----------------------------------------------------------------------------

BED = BedId("ward-a", "bed-01")
HERE = {"ward": "ward-a", "bed": "bed-01"}


class Ward(Bedside):
    """Analysis with one patient."""

    def __init__(self, folder: Path) -> None:
        super().__init__(PluginRun(Analysis, folder), BED)
        self.admit()

    def minute(self, values: Mapping[str, ReadingValue]) -> None:
        for _ in range(3):
            self.run.tick(after_ms=20_000)
            for vital, value in values.items():
                self.send(vital, value)

    def ask(self, **args: object) -> Mapping[str, Any]:
        reply = self.run.request("scores", **HERE, **args)
        assert reply.ok, reply.error
        return reply.result


def test_a_score_becomes_a_condition_and_is_answered(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    ward.run.request("enter", **HERE, oxygen=False, consciousness="A")
    for _ in range(2):
        ward.minute(WELL)
    for _ in range(3):
        ward.minute({**WELL, "heart_rate": 135.0, "respiratory_rate": 26.0})
    said = ward.run.last(ConditionTopic(BED, "news2"), Condition)
    assert said is not None
    assert said.present
    assert said.text == "NEWS2 6: urgent assessment within 1 h"
    answer = ward.ask()
    (now,) = [one for one in answer["now"] if one["name"] == "news2"]
    assert (now["score"], now["response"].partition(":")[0]) == (6, "urgent")
    past = [one["low"] for one in answer["history"] if one["name"] == "news2"]
    assert past[0] < past[-1] == 6
    assert "bedside_pews" in answer["not_for"]


def test_nobody_in_a_bed_has_no_scores(tmp_path: Path) -> None:
    run = PluginRun(Analysis, tmp_path)
    reply = run.request("scores", **HERE)
    assert not reply.ok
    assert reply.error is not None
    assert "nobody lies" in reply.error


def test_a_disk_that_refuses_scores_stops_nothing_else(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir(parents=True)
    ward = Ward(tmp_path)
    for _ in range(3):
        ward.minute({**WELL, "heart_rate": 140.0})
    said = ward.run.last(ConditionTopic(BED, "news2"), Condition)
    assert said is not None
    assert "scores are not kept" in ward.run.context.trouble["scores"]
