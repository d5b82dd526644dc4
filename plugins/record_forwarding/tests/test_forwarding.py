"""Record forwarding: a snapshot arrives whole, once, whatever the other side does."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from monitorme.contract.payloads import Admission, Event
from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import AdmissionTopic, BedId, EventTopic, VitalTopic
from monitorme.contract.vitals import Catalogue
from monitorme.testing import PluginRun
from monitorme.web import WebServer
from monitorme_device_sim.stand_ins.bundle_check import defects
from monitorme_device_sim.stand_ins.monitorthem import monitorthem_app
from monitorme_device_sim.stand_ins.mymedicaldata import mymedicaldata_app
from monitorme_record_forwarding.bundle import Newest, snapshot_bundle
from monitorme_record_forwarding.config import RecordForwardingConfig
from monitorme_record_forwarding.plugin import RecordForwarding
from monitorme_record_forwarding.sending import judge_answer

BED = BedId("ward-a", "bed-01")
HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture
def records() -> Iterator[str]:
    server = WebServer(mymedicaldata_app(), host="127.0.0.1", port=0).start()
    yield server.url
    server.stop()


@pytest.fixture
def analytics() -> Iterator[str]:
    server = WebServer(monitorthem_app(), host="127.0.0.1", port=0).start()
    yield server.url
    server.stop()


def someone(now_ms: int) -> Admission:
    fields = {
        "admission": "a-1",
        "patient": "p-1",
        "name": "Ada Abel",
        "mrn": "4711",
        "category": "adult",
        "birth_date": "1980-02-29",
        "sex": "female",
        "admitted_ms": now_ms,
        "since_ms": now_ms,
    }
    return Admission.model_validate(fields, strict=False)


VALUES: dict[str, ReadingValue] = {
    "heart_rate": 72.0,
    "ecg": {"II": Lead(250.0, "mV", 0.005, [0, 1, 180, -3])},
    "respiratory_rate": 14.0,
    "oxygen_saturation": 97.0,
    "blood_glucose": 110.0,
    "sleep_state": "awake",
    "body_temperature": 37.2,
    "blood_pressure": {"systolic": 120.0, "diastolic": 80.0, "mean": 93.0},
}


def forwarding(folder: Path, **config: Any) -> PluginRun:
    settings = {"first_retry_s": 0.05, "longest_retry_s": 0.2, **config}
    run = PluginRun(RecordForwarding, folder, config=RecordForwardingConfig(**settings))
    run.send(AdmissionTopic(BED), someone(run.now_ms), retain=True)
    for seq, (vital, value) in enumerate(VALUES.items(), 1):
        reading = Reading("d-1", "b1", seq, run.now_ms, value, "good")
        run.send(VitalTopic(BED, vital), reading.to_json())
    return run


def eventually(check: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def snapshots(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        HTTP.request("GET", f"{url}/snapshots").data
    )["snapshots"]
    return found


def state_of(run: PluginRun) -> str:
    return str(run.request("list").result["documents"][0]["state"])


def test_a_snapshot_arrives_with_everything_in_it(tmp_path: Path, records: str) -> None:
    run = forwarding(tmp_path, mymedicaldata_url=records)
    reply = run.request("snapshot", ward="ward-a", bed="bed-01")
    assert reply.ok, reply.error
    eventually(lambda: len(snapshots(records)) == 1)
    (snapshot,) = snapshots(records)
    assert snapshot["key"] == reply.result["snapshot"]
    kinds = [entry["resource"]["resourceType"] for entry in snapshot["bundle"]["entry"]]
    assert kinds == ["Patient", "Device", *["Observation"] * 9]
    assert "4711" in json.dumps(snapshot)
    eventually(lambda: state_of(run) == "accepted")
    run.stop()


def test_it_is_sent_again_until_accepted_and_arrives_once(
    tmp_path: Path, records: str
) -> None:
    fault = {"status": 503, "times": 3}
    HTTP.request("POST", f"{records}/faults", json=fault)
    run = forwarding(tmp_path, mymedicaldata_url=records)
    run.request("snapshot", ward="ward-a", bed="bed-01")
    eventually(lambda: state_of(run) == "accepted")
    assert len(snapshots(records)) == 1
    assert run.context.trouble == {}
    run.stop()


def test_it_survives_a_crash_before_it_was_sent(tmp_path: Path, records: str) -> None:
    run = forwarding(tmp_path)  # nowhere to send to yet
    assert run.request("snapshot", ward="ward-a", bed="bed-01").ok
    assert "not configured" in run.context.trouble["mymedicaldata"]
    run.stop()
    again = forwarding(tmp_path, mymedicaldata_url=records)
    eventually(lambda: len(snapshots(records)) == 1)
    again.stop()


def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    run = forwarding(tmp_path, mymedicaldata_url="http://127.0.0.1:9")
    run.request("snapshot", ward="ward-a", bed="bed-01")
    eventually(lambda: "no answer" in run.context.trouble.get("mymedicaldata", ""))
    assert state_of(run) == "queued"
    run.stop()


def test_what_is_refused_is_kept_with_the_reason(tmp_path: Path, records: str) -> None:
    HTTP.request("POST", f"{records}/faults", json={"status": 422, "times": 1})
    run = forwarding(tmp_path, mymedicaldata_url=records)
    run.request("snapshot", ward="ward-a", bed="bed-01")
    eventually(lambda: state_of(run) == "refused")
    eventually(lambda: "422" in run.context.trouble.get("refused", ""))
    run.request("snapshot", ward="ward-a", bed="bed-01")
    eventually(lambda: state_of(run) == "accepted")
    run.stop()


def test_a_free_bed_has_no_snapshot(tmp_path: Path) -> None:
    run = forwarding(tmp_path)
    reply = run.request("snapshot", ward="ward-a", bed="bed-02")
    assert "nobody lies" in (reply.error or "")
    run.stop()


def test_nothing_of_a_predecessor_is_in_a_snapshot(
    tmp_path: Path, records: str
) -> None:
    run = forwarding(tmp_path, mymedicaldata_url=records)
    run.now_ms += 60_000
    next_one = someone(run.now_ms).model_copy(update={"admission": "a-2", "mrn": "9"})
    run.send(AdmissionTopic(BED), next_one, retain=True)
    run.request("snapshot", ward="ward-a", bed="bed-01")
    eventually(lambda: len(snapshots(records)) == 1)
    text = json.dumps(snapshots(records)[0])
    assert "valueQuantity" not in text
    run.stop()


def test_response_times_reach_monitorthem_without_names(
    tmp_path: Path, analytics: str
) -> None:
    run = forwarding(tmp_path, monitorthem_url=f"{analytics}/events")
    event = Event(
        id="e-1",
        time_ms=run.now_ms,
        service="alerting",
        kind="alarm_acknowledged",
        admission="a-1",
        details={"code": "oxygen_saturation_low", "response_time_ms": 9000},
    )
    run.send(EventTopic(BED), event)
    run.send(EventTopic(BED), event)

    def arrived() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            HTTP.request("GET", f"{analytics}/events").data
        )["events"]
        return found

    eventually(lambda: len(arrived()) == 1)
    assert arrived()[0]["data"]["response_time_ms"] == 9000
    assert "Ada" not in json.dumps(arrived())
    run.stop()


@pytest.mark.parametrize("url", ["http://records.example", "ftp://x", "records"])
def test_records_leave_only_encrypted(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        RecordForwardingConfig(mymedicaldata_url=url)


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "accepted"), (201, "accepted"), (400, "refused"), (422, "refused"),
     (401, "queued"), (404, "queued"), (429, "queued"), (500, "queued"), (503, "queued")],
)  # fmt: skip
def test_what_an_answer_means(status: int, state: str) -> None:
    assert judge_answer(status, None, b"").state == state


def test_a_server_says_how_long_to_wait() -> None:
    assert judge_answer(429, "17", b"").retry_s == 17.0


def newest(value: ReadingValue, reason: str | None = None) -> Newest:
    return Newest("d-1", 1_796_000_000_000, value, reason, is_stale=False)


def test_missing_values_are_said_and_never_left_out() -> None:
    catalogue = Catalogue.load()
    one = {"heart_rate": newest(None, "lead_off")}
    bundle = snapshot_bundle(someone(1), one, catalogue, 1_796_000_000_000)
    assert defects(bundle) == []
    observations = [
        entry["resource"]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Observation"
    ]
    absent = [one for one in observations if "dataAbsentReason" in one]
    assert len(absent) == len(catalogue)


def test_a_snapshot_made_twice_is_the_same_but_for_its_time() -> None:
    values = {name: newest(value) for name, value in VALUES.items()}
    first = snapshot_bundle(someone(1), values, Catalogue.load(), 5)
    assert first == snapshot_bundle(someone(1), values, Catalogue.load(), 5)


@pytest.mark.parametrize(
    "field", ["subject", "code", "category", "status", "effectiveDateTime"]
)
def test_the_stand_in_notices_what_is_missing(field: str) -> None:
    values = {name: newest(value) for name, value in VALUES.items()}
    bundle = snapshot_bundle(someone(1), values, Catalogue.load(), 5)
    del bundle["entry"][2]["resource"][field]
    assert defects(bundle)
