"""The station's server: what a page is sent, and what it never is."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from monitorme.contract.payloads import Admission, Service
from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ServiceTopic,
    Topic,
    VitalTopic,
)
from monitorme.contract.vitals import Catalogue
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_nurse_station.config import NurseStationConfig
from monitorme_nurse_station.latency import Latency
from monitorme_nurse_station.plugin import NurseStation

BED = BedId("ward-a", "bed-01")
HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[PluginRun]:
    config = NurseStationConfig(port=0, frame_every_ms=5)
    started = PluginRun(NurseStation, tmp_path, config=config, now_ms=wall_clock_ms())
    yield started
    started.stop()


def admit(run: PluginRun, name: str, since_ms: int) -> None:
    fields = {"patient": "p-1", "name": name, "mrn": "1", "category": "adult"}
    times = {"admitted_ms": since_ms, "since_ms": since_ms}
    someone = Admission.model_validate(
        {"admission": f"a-{name.lower()}", **fields, **times}, strict=False
    )
    run.send(AdmissionTopic(BED), someone, retain=True)


def send(
    run: PluginRun, seq: int, value: ReadingValue, *, at_ms: int | None = None
) -> None:
    time_ms = run.now_ms if at_ms is None else at_ms
    reading = Reading("d-1", "b1", seq, time_ms, value, "good")
    run.send(VitalTopic(BED, "heart_rate"), reading.to_json())


def page(run: PluginRun) -> ClientConnection:
    url = run.context.endpoints["page"].replace("http", "ws")
    return connect(f"{url}/ws/ward-a", ping_interval=None, close_timeout=1)


def next_frame(socket: ClientConnection, kind: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        frame: dict[str, Any] = json.loads(socket.recv(timeout=5))
        if frame["t"] == kind:
            return frame
    pytest.fail(f"no {kind} came")


def wait_for_value(socket: ClientConnection, value: float) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        changed = next_frame(socket, "delta")["beds"]["bed-01"]
        if changed.get("values", {}).get("heart_rate", {}).get("v") == value:
            return
    pytest.fail(f"{value} did not come")


def figures(run: PluginRun) -> dict[str, Any]:
    answer = HTTP.request("GET", run.context.endpoints["page"] + "/api/figures")
    return dict(json.loads(answer.data))


def shown(run: PluginRun) -> dict[str, Any]:
    with page(run) as socket:
        (bed,) = [
            one
            for one in next_frame(socket, "snapshot")["beds"]
            if one["bed"] == "bed-01"
        ]
        return dict(bed)


def test_a_page_gets_the_ward_whole_and_then_what_changes(run: PluginRun) -> None:
    admit(run, "Ada", run.now_ms)
    with page(run) as socket:
        snapshot = next_frame(socket, "snapshot")
        assert len(snapshot["beds"]) == 20
        assert snapshot["catalogue"]["heart_rate"]["label"] == "HR"
        send(run, 1, 72.0)
        wait_for_value(socket, 72.0)


def test_a_transfer_leaves_no_value_behind(run: PluginRun) -> None:
    admit(run, "Ada", run.now_ms)
    send(run, 1, 140.0)
    run.now_ms += 1_000
    admit(run, "Ben", run.now_ms)
    send(run, 2, 141.0, at_ms=run.now_ms - 500)  # taken before Ben came
    bed = shown(run)
    assert (bed["patient"]["name"], bed["values"]) == ("Ben", {})


def test_a_free_bed_shows_nothing(run: PluginRun) -> None:
    send(run, 1, 72.0)
    assert shown(run)["values"] == {}


def test_an_older_reading_never_overrides_a_newer(run: PluginRun) -> None:
    admit(run, "Ada", run.now_ms)
    send(run, 5, 75.0)
    send(run, 4, 74.0)
    assert shown(run)["values"]["heart_rate"]["v"] == 75.0


def test_an_impossible_value_is_never_sent_as_a_number(run: PluginRun) -> None:
    admit(run, "Ada", run.now_ms)
    send(run, 1, 9999.0)
    value = shown(run)["values"]["heart_rate"]
    assert (value["v"], value["r"]) == (None, "out_of_range")


def test_a_page_that_does_not_read_slows_nobody_and_begins_anew(
    run: PluginRun,
) -> None:
    admit(run, "Ada", run.now_ms)
    with page(run) as sleeping, page(run) as awake:
        next_frame(sleeping, "snapshot")
        fill_until_it_begins_anew(run, awake)
        send(run, 99_999, 123.0)
        wait_for_value(awake, 123.0)
        anew = next_frame(sleeping, "snapshot")
        assert anew["beds"][0]["values"]["heart_rate"]["v"] is not None


def fill_until_it_begins_anew(run: PluginRun, awake: ClientConnection) -> None:
    """Send large frames, which the awake page reads one by one."""
    samples = [1_234_567] * 25_000
    block: ReadingValue = {"II": Lead(500.0, "mV", 0.005, samples)}
    deadline = time.monotonic() + 30
    for seq in range(1, 5_000):
        large = Reading("d-2", "b1", seq, run.now_ms, block, "good")
        run.send(VitalTopic(BED, "ecg"), large.to_json())
        send(run, seq, float(seq % 100))
        wait_for_value(awake, float(seq % 100))
        if figures(run)["fresh_starts"] or time.monotonic() > deadline:
            break
    assert figures(run)["fresh_starts"] == 1


def test_a_heartbeat_comes_each_second(run: PluginRun) -> None:
    with page(run) as socket:
        assert next_frame(socket, "beat")["now_ms"] == run.now_ms


def test_readings_are_counted_and_timed(run: PluginRun) -> None:
    admit(run, "Ada", run.now_ms)
    for seq in range(1, 11):
        send(run, seq, 70.0)
    time.sleep(0.1)
    run.tick()
    assert run.context.counts["shown"] == 10
    answer = HTTP.request("GET", run.context.endpoints["page"] + "/api/figures")
    assert json.loads(answer.data)["latency_p50_ms"] >= 0


def test_without_a_recorder_there_is_no_trend_but_a_reason(run: PluginRun) -> None:
    url = run.context.endpoints["page"] + "/api/trend/ward-a/bed-01?vital=heart_rate"
    answer = HTTP.request("GET", url)
    assert answer.status == 503
    assert "recorder" in json.loads(answer.data)["detail"]


def test_a_recorder_that_has_gone_is_not_asked(run: PluginRun) -> None:
    admit(run, "Ada", run.now_ms)
    for state, port in (("running", 9), ("offline", 9)):
        recorder = Service.model_validate(
            {
                **{"service": "recorder", "instance": "1", "state": state, "pid": 1},
                **{"version": "1", "started_ms": run.now_ms, "time_ms": run.now_ms},
                "endpoints": {"history": f"http://127.0.0.1:{port}"},
            },
            strict=False,
        )
        run.send(ServiceTopic("recorder", "1"), recorder, retain=True)
        url = (
            run.context.endpoints["page"] + "/api/trend/ward-a/bed-01?vital=heart_rate"
        )
        answer = HTTP.request("GET", url)
        assert answer.status == 503
    assert "no recorder" in json.loads(answer.data)["detail"]


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        (VitalTopic(BED, "heart_rate"), b"{", "unparsable"),
        (VitalTopic(BED, "heart_rate"), b"x" * 300_000, "oversized"),
        (VitalTopic(BED, "aura"), b"{}", "unknown_vital"),
        (AdmissionTopic(BED), b'{"patient": 3}', "wrong_type"),
    ],
)
def test_garbage_is_counted_and_stops_nothing(
    run: PluginRun, topic: Topic, payload: bytes, reason: str
) -> None:
    admit(run, "Ada", run.now_ms)
    run.send(topic, payload)
    send(run, 1, 72.0)
    assert run.context.counts[f"refused_{reason}"] == 1
    assert shown(run)["values"]["heart_rate"]["v"] == 72.0


def test_a_ninth_vital_needs_its_catalogue_entry_alone(tmp_path: Path) -> None:
    ninth = Catalogue.parse(
        """
        [capnometry]
        label = "EtCO2"
        name = "end-tidal carbon dioxide"
        kind = "numeric"
        unit = "mm[Hg]"
        cadence_ms = 1000
        stale_after_ms = 4000
        """
    )
    run = PluginRun(
        NurseStation, tmp_path, config=NurseStationConfig(port=0), catalogue=ninth
    )
    admit(run, "Ada", run.now_ms)
    reading = Reading("d-1", "b1", 1, run.now_ms, 38.0, "good")
    run.send(VitalTopic(BED, "capnometry"), reading.to_json())
    with page(run) as socket:
        snapshot = next_frame(socket, "snapshot")
    assert snapshot["catalogue"]["capnometry"]["label"] == "EtCO2"
    assert snapshot["beds"][0]["values"]["capnometry"]["v"] == 38.0
    run.stop()


def test_another_sites_page_gets_nothing(run: PluginRun) -> None:
    url = run.context.endpoints["page"]
    elsewhere = {"Origin": "http://elsewhere.example"}
    assert HTTP.request("GET", f"{url}/api/figures", headers=elsewhere).status == 403
    renamed = {"Host": "elsewhere.example"}
    assert HTTP.request("GET", f"{url}/api/figures", headers=renamed).status == 403
    assert (
        HTTP.request("GET", f"{url}/api/figures", headers={"Origin": url}).status == 200
    )
    with pytest.raises(InvalidStatus):
        connect(f"{url.replace('http', 'ws')}/ws/ward-a", origin=elsewhere["Origin"])


def test_an_unknown_ward_is_said_so(run: PluginRun) -> None:
    answer = HTTP.request("GET", run.context.endpoints["page"] + "/ward/moon")
    assert (answer.status, "ward-a" in answer.data.decode()) == (404, True)


def test_the_page_lets_nothing_in_from_elsewhere(run: PluginRun) -> None:
    answer = HTTP.request("GET", run.context.endpoints["page"] + "/ward/ward-a")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_percentiles_are_those_of_the_newest() -> None:
    latency = Latency()
    for milliseconds in range(1, 101):
        latency.add(float(milliseconds))
    assert latency.figures() == {
        "latency_p50_ms": 51.0,
        "latency_p99_ms": 100.0,
        "latency_max_ms": 100.0,
    }
    assert Latency().figures() == {}
