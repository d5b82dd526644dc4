"""The seam of rules: added by distributions, isolated from each other, held back."""

import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from monitorme.contract.payloads import Admission, Category, ConditionKind, Priority
from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ConfigError
from monitorme.testing import PluginRun
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.config import AnalysisConfig
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.limits import default_limits
from monitorme_analysis.plugin import Analysis
from monitorme_analysis.rule import (
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)
from monitorme_analysis.ruleset import AnyRule, RuleSet
from monitorme_analysis.signals import Signals, SignalsSettings
from monitorme_analysis.snapshot import copy
from monitorme_analysis.thresholds import Thresholds

CATALOGUE = Catalogue.load()
START_MS = 1_750_000_000_000


@dataclass(slots=True)
class Counted:
    """How many readings came."""

    count: int = 0


class FragileSettings(RuleSettings):
    """Settings of a rule that fails."""

    fails_at: int = 3
    """The reading at which it raises."""


class Fragile(Rule[Counted, FragileSettings]):
    """Finds something, then fails."""

    name = "fragile"
    vitals = ("heart_rate",)
    Settings = FragileSettings
    State = Counted

    def begin(self) -> Counted:
        return Counted()

    def step(
        self, state: Counted, observed: Observed, context: RuleContext
    ) -> tuple[Counted, Findings]:
        state.count += 1
        if state.count == self.settings.fails_at:
            raise ZeroDivisionError("by nought")
        return state, (_found("fragile_found", f"{state.count} came"),)


def _found(code: str, text: str) -> Finding:
    return Finding(
        code=code,
        kind=ConditionKind.PHYSIOLOGICAL,
        priority=Priority.LOW,
        text=text,
        since_ms=START_MS,
    )


class Bed:
    """A bed with a patient, and a clock."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        made: list[AnyRule] = [Signals(SignalsSettings()), Thresholds(RuleSettings())]
        if fails_at is not None:
            made.insert(0, Fragile(FragileSettings(fails_at=fails_at)))
        self.rules = RuleSet(made, CATALOGUE)
        self.analysis = BedAnalysis(CATALOGUE, default_limits(), rules=self.rules)
        self.now_ms = START_MS
        self.seq = 0
        self.analysis.admit(
            Admission(
                admission="a-1",
                patient="p-1",
                name="Ada",
                mrn="1",
                category=Category.ADULT,
                admitted_ms=START_MS,
                since_ms=START_MS,
            )
        )

    def send(
        self, vital: str, value: object, reason: str | None = None, **more: int
    ) -> None:
        self.seq = more.get("seq", self.seq + 1)
        quality = "invalid" if value is None else "questionable" if reason else "good"
        time_ms = self.now_ms + more.get("off_ms", 0)
        reading = Reading("d-1", "b1", self.seq, time_ms, value, quality, reason)  # type: ignore[arg-type]  # any value of a test
        judged = judge(reading, CATALOGUE[vital], self.now_ms)
        self.analysis.take(vital, reading, judged, self.now_ms)

    def hold(self, vital: str, value: object, seconds: int, **more: int) -> None:
        for _ in range(seconds):
            self.now_ms += 1_000
            self.send(vital, value, **more)

    def pass_s(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1_000)
        self.analysis.advance(self.now_ms)

    def texts(self) -> dict[str, str]:
        return {one.code: one.text for one in self.analysis.findings(self.now_ms)}


# Isolation -------------------------------------------------------------------------------


def test_a_rule_that_raises_is_named_and_stops_no_other() -> None:
    bed = Bed(fails_at=3)
    bed.hold("heart_rate", 30.0, 10)
    texts = bed.texts()
    assert "heart_rate_low" in texts
    assert texts["rule_failed_fragile"] == (
        "rule fragile fails and judges nothing: ZeroDivisionError: by nought"
    )
    assert texts["fragile_found"] == "2 came", "what it found stands meanwhile"


def test_a_rule_that_failed_is_tried_again_after_ever_longer() -> None:
    bed = Bed(fails_at=3)
    failed_at = []
    for second in range(120):
        bed.hold("heart_rate", 70.0, 1)
        was_off = failed_at and failed_at[-1][1]
        is_off = "rule_failed_fragile" in bed.texts()
        if is_off is not was_off:
            failed_at.append((second, is_off))
    fell = [second for second, is_off in failed_at if is_off]
    assert [b - a for a, b in pairwise(fell)] == [12, 22, 42]


def test_a_rule_that_judges_again_is_trusted_again() -> None:
    bed = Bed(fails_at=3)
    bed.hold("heart_rate", 70.0, 13)
    assert "rule_failed_fragile" not in bed.texts()
    assert bed.texts()["fragile_found"] == "1 came", "it began anew"


def test_a_rule_fails_for_one_bed_only() -> None:
    one, other = Bed(fails_at=3), Bed(fails_at=3)
    one.hold("heart_rate", 70.0, 5)
    other.hold("heart_rate", 70.0, 2)
    assert "rule_failed_fragile" in one.texts()
    assert "rule_failed_fragile" not in other.texts()


def test_a_failure_is_remembered_over_a_restart() -> None:
    bed = Bed(fails_at=3)
    bed.hold("heart_rate", 30.0, 10)
    again = BedAnalysis(
        CATALOGUE,
        default_limits(),
        copy(bed.analysis.state, bed.rules),
        rules=bed.rules,
    )
    assert again.findings(bed.now_ms) == bed.analysis.findings(bed.now_ms)


# Settings and distributions --------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"fragil": {}}, ["no rule 'fragil'", "thresholds"]),
        ({"fragile": {"fails": 3}}, ["fragile", "fails"]),
        ({"fragile": {"fails_at": "soon"}}, ["fragile", "fails_at"]),
    ],
)
def test_a_wrong_setting_of_a_rule_is_named(
    settings: dict[str, dict[str, object]], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as told:
        RuleSet.configured([Fragile, Thresholds], settings, CATALOGUE)
    assert all(word in str(told.value) for word in words)


def test_a_rule_is_set_and_switched_off_by_its_name() -> None:
    settings = {"fragile": {"fails_at": 9}, "thresholds": {"enabled": False}}
    rules = RuleSet.configured([Fragile, Thresholds], settings, CATALOGUE).rules
    assert set(rules) == {"fragile"}
    assert rules["fragile"].settings.fails_at == 9


MODULE = """
from monitorme_analysis.hooks import hookimpl
from monitorme_analysis.rule import Rule, RuleSettings
{extra}

class Always(Rule):
    name = "{name}"
    vitals = ("heart_rate",)
    Settings = RuleSettings
    State = dict

    def begin(self):
        return {{}}

    def step(self, state, observed, context):
        return state, None


@hookimpl
def monitorme_rules():
    return [Always]
"""


def install(folder: Path, module: str, *, name: str, extra: str = "") -> None:
    """Make a distribution with one rule, as pip would unpack it."""
    text = MODULE.format(name=name, extra=extra)
    (folder / f"{module}.py").write_text(text, encoding="utf-8")
    info = folder / f"{module}-1.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    points = f"[monitorme.rules]\n{module} = {module}\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")


def test_a_distribution_adds_a_rule_and_a_broken_one_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))  # type: ignore[no-untyped-call]  # pytest's
    install(tmp_path, "seam_broken", name="broken", extra="import no_such_module")
    install(tmp_path, "seam_good", name="always")
    install(tmp_path, "seam_thief", name="thresholds")
    rules, failed = installed_rules()
    names = [rule.name for rule in rules]
    assert "always" in names
    assert names.count("thresholds") == 1
    assert len(failed) == 2
    assert "no_such_module" in failed[0]
    assert "'thresholds' already" in failed[1]
    run = PluginRun(
        Analysis, tmp_path / "data", config=AnalysisConfig(rules={"always": {}})
    )
    assert any("seam_broken" in said for said in run.context.trouble.values())


# Held back -------------------------------------------------------------------------------


def test_a_lead_off_holds_back_the_alarm_and_says_so() -> None:
    bed = Bed()
    bed.hold("heart_rate", 30.0, 2)
    bed.hold("heart_rate", 30.0, 8)
    assert "heart_rate_low" in bed.texts()
    bed.send("heart_rate", None, "lead_off")
    texts = bed.texts()
    assert "heart_rate_low" not in texts
    assert texts["heart_rate_invalid"] == "HR: lead off; held back: heart_rate_low"
    bed.send("heart_rate", 30.0)
    assert "heart_rate_low" in bed.texts()


def test_a_device_that_falls_silent_holds_back_its_vital_only() -> None:
    bed = Bed()
    bed.send("body_temperature", 41.0)
    bed.hold("heart_rate", 30.0, 10)
    bed.pass_s(3)
    texts = bed.texts()
    assert "body_temperature_high" in texts
    assert "held back: heart_rate_low" in texts["heart_rate_stale"]


def test_each_vital_is_stale_after_its_own_age_and_no_sooner() -> None:
    chance, bed, came_ms = random.Random(3), Bed(), dict[str, int]()
    often = {
        "oxygen_saturation": (0.06, 95.0),
        "heart_rate": (0.4, 75.0),
        "blood_glucose": (0.003, 110.0),
        "respiratory_rate": (0.3, 16.0),
    }
    told = 0
    for _ in range(3_000):
        bed.pass_s(1)
        stale = {
            f"{vital}_stale"
            for vital, at_ms in came_ms.items()
            if bed.now_ms - at_ms > CATALOGUE[vital].stale_after_ms
        }
        assert {code for code in bed.texts() if code.endswith("_stale")} == stale
        told += len(stale)
        for vital, (share, value) in often.items():
            if chance.random() < share:
                bed.send(vital, value + chance.random())
                came_ms[vital] = bed.now_ms
    assert told > 1_000


@pytest.mark.parametrize("reason", ["low_perfusion", "noise"])
def test_a_doubtful_value_alarms_and_its_doubt_is_told(reason: str) -> None:
    bed = Bed()
    for _ in range(12):
        bed.now_ms += 1_000
        bed.send("oxygen_saturation", 82.0, reason)
    texts = bed.texts()
    assert "oxygen_saturation_low" in texts
    assert texts["oxygen_saturation_doubtful"] == f"SpO2: {reason.replace('_', ' ')}"


def test_a_demonstration_never_alarms() -> None:
    bed = Bed()
    for _ in range(10):
        bed.now_ms += 1_000
        bed.send("oxygen_saturation", 82.0, "demo")
    texts = bed.texts()
    assert "oxygen_saturation_low" not in texts
    assert texts["oxygen_saturation_doubtful"].startswith("SpO2: demonstration mode")


# Bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vital", "values", "said"),
    [
        ("body_temperature", [98.6], "98.6: in degrees Fahrenheit? That would be 37.0"),
        ("body_temperature", [310.2], "in kelvin? That would be 37.1"),
        ("blood_glucose", [98.0, 5.4], "5.4: in mmol/L? That would be 97"),
        ("blood_glucose", [200.0, 11.1], "11.1: in mmol/L? That would be 200"),
        ("oxygen_saturation", [0.97], "0.97: in a fraction of 1? That would be 97"),
    ],
)
def test_a_unit_that_changed_is_suspected(
    vital: str, values: list[float], said: str
) -> None:
    bed = Bed()
    for value in values:
        bed.now_ms += 120_000
        bed.send(vital, value)
    assert said in bed.texts()[f"{vital}_unit_suspect"]


def test_a_pressure_in_kilopascal_is_suspected() -> None:
    bed = Bed()
    bed.send("blood_pressure", {"systolic": 120.0, "diastolic": 80.0})
    bed.now_ms += 3_600_000
    bed.send("blood_pressure", {"systolic": 16.5, "diastolic": 11.0})
    assert "16.5: in kPa?" in bed.texts()["blood_pressure_unit_suspect"]


def test_a_low_sugar_that_looks_like_another_unit_still_alarms() -> None:
    bed = Bed()
    for value in (200.0, 11.1, 11.3):
        bed.now_ms += 120_000
        bed.send("blood_glucose", value)
    assert {"blood_glucose_unit_suspect", "blood_glucose_low"} <= set(bed.texts())


def test_a_unit_that_is_right_again_is_not_suspected() -> None:
    bed = Bed()
    for value in (98.6, 37.0):
        bed.now_ms += 300_000
        bed.send("body_temperature", value)
    assert bed.texts() == {}


@pytest.mark.parametrize("value", [384.5, -100.0, 127.0, 32767.0])
def test_a_sentinel_is_an_impossible_value(value: float) -> None:
    bed = Bed()
    bed.send("oxygen_saturation", value)
    assert bed.texts() == {"oxygen_saturation_invalid": "SpO2: impossible value"}


def test_a_value_that_never_moves_is_told_but_still_alarms() -> None:
    bed = Bed()
    bed.hold("heart_rate", 30.0, 1_799)
    assert "heart_rate_frozen" not in bed.texts()
    bed.hold("heart_rate", 30.0, 2)
    texts = bed.texts()
    assert texts["heart_rate_frozen"] == "HR: the same value for 30 min"
    assert "heart_rate_low" in texts
    bed.send("heart_rate", 31.0)
    assert "heart_rate_frozen" not in bed.texts()


def test_a_full_scale_may_last() -> None:
    bed = Bed()
    for _ in range(2_000):
        bed.now_ms += 5_000
        bed.send("oxygen_saturation", 100.0)
    assert bed.texts() == {}


# Devices ---------------------------------------------------------------------------------


def test_a_clock_that_is_an_hour_behind_is_told_and_its_patient_is_judged() -> None:
    bed = Bed()
    bed.hold("heart_rate", 30.0, 20, off_ms=-3_600_000)
    texts = bed.texts()
    assert texts["clock_wrong_d_1"] == "clock of d-1 is 60 min behind"
    assert "heart_rate_low" in texts


def test_a_clock_that_jumps_back_goes_on_alarming() -> None:
    bed = Bed()
    bed.hold("heart_rate", 70.0, 20)
    bed.hold("heart_rate", 30.0, 30, off_ms=-3_600_000)
    assert {"heart_rate_low", "clock_wrong_d_1"} <= set(bed.texts())
    bed.hold("heart_rate", 70.0, 20)
    assert bed.texts() == {}


def test_a_backlog_is_no_clock_that_is_behind() -> None:
    bed = Bed()
    for minutes in range(200):
        bed.now_ms += 50
        bed.send("heart_rate", 30.0, off_ms=(minutes - 300) * 60_000)
    assert bed.texts() == {}


def test_missing_readings_are_told_until_they_come() -> None:
    bed = Bed()
    bed.hold("heart_rate", 70.0, 3)
    bed.send("heart_rate", 70.0, seq=7)
    bed.hold("heart_rate", 70.0, 6)
    assert bed.texts() == {"readings_missing_d_1": "3 readings of d-1 are missing"}
    newest = bed.seq
    for seq in (5, 4, 6):
        bed.send("heart_rate", 70.0, seq=seq)
    bed.seq = newest
    bed.hold("heart_rate", 70.0, 1)
    assert bed.texts() == {}


def test_missing_readings_are_not_told_for_ever() -> None:
    bed = Bed()
    bed.hold("heart_rate", 70.0, 3)
    bed.send("heart_rate", 70.0, seq=7)
    bed.hold("heart_rate", 70.0, 400)
    assert bed.texts() == {}


def test_readings_that_keep_coming_twice_are_told_and_change_nothing() -> None:
    bed = Bed()
    for _ in range(40):
        bed.hold("heart_rate", 70.0, 1)
        bed.send("heart_rate", 30.0, seq=bed.seq)
    assert set(bed.texts()) == {"readings_repeated_d_1"}
    bed.hold("heart_rate", 70.0, 70)
    assert bed.texts() == {}


def test_one_burst_of_repeats_is_a_device_that_connected_again() -> None:
    bed = Bed()
    bed.hold("heart_rate", 70.0, 30)
    for seq in range(10, 31):
        bed.send("heart_rate", 70.0, seq=seq)
    assert bed.texts() == {}


# Silence and sleep -----------------------------------------------------------------------


def test_after_a_silence_the_delay_begins_anew() -> None:
    bed = Bed()
    bed.hold("heart_rate", 44.0, 4)
    bed.pass_s(60)
    bed.hold("heart_rate", 44.0, 5)
    assert "heart_rate_low" not in bed.texts()
    bed.hold("heart_rate", 44.0, 2)
    assert "heart_rate_low" in bed.texts()


def test_an_alarm_that_began_asleep_ends_by_the_limits_for_asleep() -> None:
    bed = Bed()
    for _ in range(2):
        bed.send("sleep_state", "asleep")
    bed.hold("heart_rate", 44.0, 8)
    assert "heart_rate_low" in bed.texts()
    bed.hold("heart_rate", 48.0, 8)
    assert "heart_rate_low" not in bed.texts()


def test_falling_asleep_ends_no_alarm() -> None:
    bed = Bed()
    bed.hold("heart_rate", 48.0, 8)
    for _ in range(2):
        bed.send("sleep_state", "asleep")
    bed.hold("heart_rate", 48.0, 20)
    assert "heart_rate_low" in bed.texts()
