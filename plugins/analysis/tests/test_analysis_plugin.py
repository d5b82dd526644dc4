"""Analysis as a service: what it says of a bed, and when."""

from pathlib import Path

import pytest

from monitorme.contract.payloads import Condition, DeviceStatus, decode
from monitorme.contract.readings import ReadingValue
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ConditionTopic,
    DeviceTopic,
    VitalTopic,
    condition_filter,
)
from monitorme.testing import Bedside, PluginRun
from monitorme_analysis.limits import Limits, default_limits, render_limits
from monitorme_analysis.plugin import Analysis

BED = BedId("ward-a", "bed-01")
ROOT = Path(__file__).parents[3]


class Ward(Bedside):
    """A bed with a patient and a device, and analysis running on it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(PluginRun(Analysis, folder), BED)
        self.admit()

    def hold(self, vital: str, value: ReadingValue, seconds: int) -> None:
        for _ in range(seconds):
            self.send(vital, value)
            self.run.tick()

    def condition(self, code: str) -> Condition | None:
        return self.run.last(ConditionTopic(BED, code), Condition)

    def present(self) -> set[str]:
        newest = {
            m.topic: decode(Condition, m.payload)
            for m in self.run.published(condition_filter())
        }
        return {one.code for one in newest.values() if one.present}


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path / "analysis")


def test_a_fall_in_saturation_is_said_after_its_delay_with_the_worst_value(
    ward: Ward,
) -> None:
    ward.hold("oxygen_saturation", 84.0, 9)
    assert ward.present() == set()
    ward.hold("oxygen_saturation", 86.0, 2)
    condition = ward.condition("oxygen_saturation_low")
    assert condition is not None
    assert condition.text == "SpO2 84 ≤ 89"
    assert (condition.priority, condition.admission) == ("medium", "a-1")
    assert (condition.value, condition.worst, condition.unit) == (86.0, 84.0, "%")


def test_it_ends_when_values_are_back(ward: Ward) -> None:
    ward.hold("oxygen_saturation", 84.0, 12)
    ward.hold("oxygen_saturation", 97.0, 7)
    condition = ward.condition("oxygen_saturation_low")
    assert condition is not None
    assert not condition.present


def test_a_condition_is_said_again_while_it_holds(ward: Ward) -> None:
    ward.hold("oxygen_saturation", 84.0, 70)
    topic = ConditionTopic(BED, "oxygen_saturation_low")
    assert len(ward.run.published(str(topic))) == 3


def test_its_priority_rises_in_place(ward: Ward) -> None:
    ward.hold("oxygen_saturation", 84.0, 8)
    ward.hold("oxygen_saturation", 75.0, 8)
    condition = ward.condition("oxygen_saturation_low")
    assert condition is not None
    assert (condition.priority, condition.text) == ("high", "SpO2 75 ≤ 80")


def test_a_lead_off_is_technical_and_says_no_number(ward: Ward) -> None:
    ward.send("heart_rate", None, reason="lead_off")
    condition = ward.condition("heart_rate_invalid")
    assert condition is not None
    assert (condition.kind, condition.text) == ("technical", "HR: lead off")
    ward.send("heart_rate", 70.0)
    assert ward.present() == set()


def test_an_impossible_value_never_alarms_as_a_number(ward: Ward) -> None:
    ward.send("body_temperature", 384.5)
    assert ward.present() == {"body_temperature_invalid"}


def test_what_does_not_come_any_more_is_stale(ward: Ward) -> None:
    ward.send("heart_rate", 70.0)
    ward.run.tick(after_ms=2_000)
    assert ward.present() == set()
    ward.run.tick()
    assert ward.present() == {"heart_rate_stale"}
    ward.send("heart_rate", 70.0)
    assert ward.present() == set()


def test_a_device_that_dies_is_said_and_an_old_death_is_not(ward: Ward) -> None:
    def status(state: str, boot: str) -> DeviceStatus:
        return DeviceStatus.model_validate(
            {"device": "d-1", "boot": boot, "state": state, "time_ms": 1}, strict=False
        )

    topic = DeviceTopic(BED, "d-1", "status")
    ward.run.send(topic, status("online", "b2"))
    ward.run.send(topic, status("offline", "b1"))
    assert ward.present() == set()
    ward.run.send(topic, status("offline", "b2"))
    assert ward.present() == {"device_silent_d_1"}


def test_a_wrong_clock_is_said(ward: Ward) -> None:
    for _ in range(10):
        ward.send("heart_rate", 70.0, at_ms=ward.run.now_ms + 60_000)
    assert ward.present() == {"clock_wrong_d_1"}


def test_a_late_reading_raises_nothing(ward: Ward) -> None:
    for seconds in range(20):
        ward.send(
            "oxygen_saturation", 70.0, at_ms=ward.run.now_ms - 600_000 + seconds * 1000
        )
    assert "oxygen_saturation_low" not in ward.present()


def test_an_older_reading_never_overrides_a_newer(ward: Ward) -> None:
    ward.send("body_temperature", 37.0, seq=10)
    ward.send("body_temperature", 41.0, seq=9)
    assert ward.present() == set()


def test_a_free_bed_has_no_conditions_and_a_successor_inherits_none(ward: Ward) -> None:
    ward.send("body_temperature", 41.0)
    assert ward.present() == {"body_temperature_high"}
    ward.run.now_ms += 1000
    ward.run.send(AdmissionTopic(BED), b"", retain=True)
    assert ward.present() == set()
    ward.send("body_temperature", 41.0)
    assert ward.present() == set()
    ward.run.now_ms += 1000
    ward.admit("a-2")
    assert ward.present() == set(), "what was measured before is somebody else's"


def test_asleep_a_slower_heart_is_no_alarm_but_stale_sleep_is_awake(ward: Ward) -> None:
    ward.send("sleep_state", "asleep")
    ward.send("sleep_state", "asleep")
    ward.hold("heart_rate", 48.0, 10)
    assert "heart_rate_low" not in ward.present()
    ward.run.tick(after_ms=400_000)
    ward.hold("heart_rate", 48.0, 10)
    assert "heart_rate_low" in ward.present()


def test_one_sleep_state_is_not_enough(ward: Ward) -> None:
    ward.send("sleep_state", "asleep")
    ward.hold("heart_rate", 48.0, 10)
    assert "heart_rate_low" in ward.present()


def test_a_restart_in_the_middle_of_a_delay_changes_nothing(ward: Ward) -> None:
    begun_ms = ward.run.now_ms
    ward.hold("oxygen_saturation", 84.0, 4)
    ward.run.restart()
    ward.hold("oxygen_saturation", 84.0, 6)
    condition = ward.condition("oxygen_saturation_low")
    assert condition is not None
    assert condition.since_ms == begun_ms


def test_without_a_recorder_a_start_goes_live_and_says_what_is_missing(
    ward: Ward,
) -> None:
    ward.hold("oxygen_saturation", 97.0, 4)
    ward.run.restart()
    ward.hold("oxygen_saturation", 97.0, 3)
    assert not ward.run.context.trouble
    ward.hold("oxygen_saturation", 84.0, 13)
    assert "oxygen_saturation_low" in ward.present()
    assert "history does not answer" in ward.run.context.trouble["history"]


def test_what_ended_while_analysis_was_away_is_ended(ward: Ward) -> None:
    ward.hold("oxygen_saturation", 84.0, 8)
    ward.run.restart()
    ward.hold("oxygen_saturation", 97.0, 8)
    assert ward.present() == set()


def test_garbage_is_counted_and_stops_nothing(ward: Ward) -> None:
    ward.run.send(VitalTopic(BED, "heart_rate"), b"{")
    ward.run.send(VitalTopic(BED, "phlogiston"), b"{}")
    ward.run.send(AdmissionTopic(BED), b"[]")
    counts = ward.run.context.counts
    assert counts["refused_unparsable"] == 1
    assert counts["refused_unknown_vital"] == 1
    assert counts["refused_wrong_type"] == 1
    ward.send("body_temperature", 41.0)
    assert ward.present() == {
        "body_temperature_high",
        "heart_rate_unreadable",
        "phlogiston_unreadable",
    }
    ward.run.tick(after_ms=70_000)
    assert ward.present() == {"body_temperature_high"}


@pytest.mark.parametrize("vital", ["heart_rate", "respiratory_rate"])
def test_a_rate_of_zero_that_a_device_calls_good_is_a_rate(
    ward: Ward, vital: str
) -> None:
    ward.hold(vital, 0.0, 20)
    condition = ward.condition(f"{vital}_low")
    assert condition is not None
    assert (condition.present, condition.priority) == (True, "high")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", '"97"'])
def test_a_number_that_is_none_is_told_and_raises_nothing(
    ward: Ward, value: str
) -> None:
    topic = VitalTopic(BED, "oxygen_saturation")
    for seq, sent in enumerate(("97.0", value), start=1):
        assert ward.present() == set()
        head = f'{{"device":"d-1","boot":"b1","seq":{seq},"time_ms":{ward.run.now_ms}'
        ward.run.send(topic, f'{head},"value":{sent},"quality":"good"}}'.encode())
    ward.run.tick()
    assert ward.present() == {"oxygen_saturation_unreadable"}


def test_the_committed_limits_are_the_defaults() -> None:
    path = ROOT / "config" / "limits.toml"
    assert path.read_text(encoding="utf-8") == render_limits(), "run `make docs`"
    loaded = Limits.load(path)
    for category in ("adult", "paediatric", "neonate"):
        for vital, limits in getattr(default_limits(), category).items():
            again = getattr(loaded, category)[vital]
            assert again == limits.model_copy(update={"source": ""})
