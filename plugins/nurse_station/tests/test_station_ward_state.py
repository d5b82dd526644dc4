"""What a ward's state shows, and of whom."""

from monitorme.contract.payloads import Admission, Alarm, LimitsInForce
from monitorme.contract.readings import Lead, Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue
from monitorme_nurse_station.ward_state import Json, WardState

NOW_MS = 1_750_000_000_000
CATALOGUE = Catalogue.load()


def ward() -> WardState:
    return WardState(("bed-01",), CATALOGUE)


def admission(stay: str, *, name: str = "Ada", since_ms: int = 0) -> Admission:
    return Admission.model_validate(
        {
            **{"admission": stay, "patient": "p-1", "name": name, "mrn": "1"},
            **{"category": "adult", "admitted_ms": since_ms, "since_ms": since_ms},
        },
        strict=False,
    )


def alarm(stay: str | None, kind: str = "physiological") -> Alarm:
    return Alarm.model_validate(
        {
            **{"id": "e-1", "code": "heart_rate_high", "kind": kind},
            **{"priority": "medium", "state": "active", "text": "HR 150 ≥ 120"},
            **{"raised_ms": NOW_MS, "since_ms": NOW_MS, "time_ms": NOW_MS},
            "admission": stay,
        },
        strict=False,
    )


def take(
    state: WardState,
    value: ReadingValue,
    *,
    seq: int = 1,
    at_ms: int = NOW_MS,
    device: str = "d-1",
    boot: str = "b1",
    vital: str = "heart_rate",
) -> bool:
    reading = Reading(device, boot, seq, at_ms, value, "good")
    judged = judge(reading, CATALOGUE[vital], NOW_MS)
    return state.take_reading("bed-01", vital, reading, judged, NOW_MS)


def bed(state: WardState) -> Json:
    return state.snapshot()[0]


def test_an_alarm_of_the_patient_before_is_not_shown_under_the_new_name() -> None:
    state = ward()
    state.take_admission("bed-01", admission("a-1"))
    state.take_alarm("bed-01", "heart_rate_high", alarm("a-1"))
    assert list(bed(state)["alarms"]) == ["heart_rate_high"]
    state.take_admission("bed-01", admission("a-2", name="Ben"))
    assert bed(state)["alarms"] == {}


def test_an_alarm_that_comes_before_its_admission_is_shown_with_it() -> None:
    state = ward()
    state.take_alarm("bed-01", "heart_rate_high", alarm("a-1"))
    assert state.delta()["bed-01"]["alarms"] == {"heart_rate_high": None}
    state.take_admission("bed-01", admission("a-1"))
    assert list(state.delta()["bed-01"]["reset"]["alarms"]) == ["heart_rate_high"]


def test_an_alarm_of_no_patient_stays_through_a_transfer() -> None:
    state = ward()
    state.take_alarm("bed-01", "device_silent_d_1", alarm(None, "technical"))
    state.take_admission("bed-01", admission("a-1"))
    state.take_admission("bed-01", None)
    assert list(bed(state)["alarms"]) == ["device_silent_d_1"]


def test_a_corrected_name_keeps_the_values() -> None:
    state = ward()
    state.take_admission("bed-01", admission("a-1", name="Adda"))
    assert take(state, 72.0)
    state.take_admission("bed-01", admission("a-1", name="Ada"))
    assert bed(state)["values"]["heart_rate"]["v"] == 72.0


def test_a_late_reading_is_shown_with_its_own_age() -> None:
    state = ward()
    state.take_admission("bed-01", admission("a-1"))
    assert take(state, 72.0, at_ms=NOW_MS - 300_000)
    assert bed(state)["values"]["heart_rate"]["rx"] == NOW_MS - 300_000


def test_a_late_block_is_not_drawn_as_a_live_wave() -> None:
    state = ward()
    state.take_admission("bed-01", admission("a-1"))
    block: ReadingValue = {"II": Lead(250.0, "mV", 0.005, [1, 2, 3])}
    take(state, block, at_ms=NOW_MS - 300_000, vital="ecg")
    change = state.delta()["bed-01"]
    assert "waves" not in change
    take(state, block, seq=2, vital="ecg")
    assert state.delta()["bed-01"]["waves"]["ecg"][0]["samples"] == [1, 2, 3]


def test_of_two_devices_the_newer_reading_is_shown() -> None:
    state = ward()
    state.take_admission("bed-01", admission("a-1"))
    assert take(state, 72.0, seq=9)
    assert not take(state, 60.0, seq=10, at_ms=NOW_MS - 1_000, device="d-2")
    assert take(state, 75.0, seq=1, at_ms=NOW_MS + 10, boot="b2")
    assert bed(state)["values"]["heart_rate"]["v"] == 75.0


def limits(stay: str, low: float = 50.0) -> LimitsInForce:
    return LimitsInForce.model_validate(
        {
            **{"admission": stay, "sleep": "awake", "time_ms": NOW_MS},
            "limits": {"heart_rate": {"low": low}},
        },
        strict=False,
    )


def test_limits_are_those_of_the_patient_in_the_bed() -> None:
    state = ward()
    state.take_limits("bed-01", limits("a-1"))
    assert bed(state)["limits"] is None, "nobody lies there"
    state.take_admission("bed-01", admission("a-1"))
    assert bed(state)["limits"]["limits"] == {"heart_rate": {"low": 50.0}}
    state.take_admission("bed-01", admission("a-2", name="Ben"))
    assert bed(state)["limits"] is None, "they were Ada's"
    state.delta()
    state.take_limits("bed-01", limits("a-1", low=45))
    assert "bed-01" not in state.delta()
    state.take_limits("bed-01", limits("a-2", low=40))
    assert state.delta()["bed-01"]["limits"]["limits"] == {"heart_rate": {"low": 40.0}}
    state.take_limits("bed-01", None)
    assert state.delta()["bed-01"]["limits"] is None
