"""What a station that has just started shows of the time before."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import urllib3
from websockets.sync.client import connect

from monitorme.contract.payloads import Admission, Service
from monitorme.contract.readings import Reading
from monitorme.contract.topics import AdmissionTopic, BedId, ServiceTopic, VitalTopic
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_nurse_station.config import NurseStationConfig
from monitorme_nurse_station.plugin import NurseStation

BED = BedId("ward-a", "bed-01")
PRESSURE = {"systolic": 121.0, "diastolic": 79.0, "mean": 93.0}


class Recorder:
    """Serves the newest readings over real HTTP, as the recorder does."""

    def __init__(self) -> None:
        self.latest: dict[str, Any] = {}
        self.wards = {"ward-a": [f"bed-{n:02}" for n in range(1, 21)]}
        """The beds that it knows of."""
        self.history: dict[str, Any] = {}
        self.gaps: Any = []
        self.status = 200
        self.asked: list[str] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                recorder.asked.append(self.path)
                is_first = "/bed-01/" in self.path
                found: Any = recorder.latest if is_first else {}
                if "/wards/ward-a/" in self.path:
                    beds = recorder.wards["ward-a"]
                    found = {bed: {} for bed in beds}
                    if "bed-01" in beds:
                        found["bed-01"] = recorder.latest
                if "/history" in self.path:
                    found = recorder.history
                if "/gaps" in self.path:
                    found = recorder.gaps
                body = json.dumps(found).encode()
                self.send_response(recorder.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    started = Recorder()
    yield started
    started.stop()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[PluginRun]:
    config = NurseStationConfig(port=0, frame_every_ms=5)
    started = PluginRun(NurseStation, tmp_path, config=config, now_ms=wall_clock_ms())
    yield started
    started.stop()


def latest(run: PluginRun, value: object, *, ago_ms: int = 1_200_000) -> dict[str, Any]:
    at_ms = run.now_ms - ago_ms
    return {"at_ms": at_ms, "value": value, "quality": "good", "reason": None}


def admit(run: PluginRun, *, since_ms: int) -> None:
    someone = Admission.model_validate(
        {
            **{"admission": "a-1", "patient": "p-1", "name": "Ada", "mrn": "1"},
            **{"category": "adult", "admitted_ms": since_ms, "since_ms": since_ms},
        },
        strict=False,
    )
    run.send(AdmissionTopic(BED), someone, retain=True)


def introduce(run: PluginRun, recorder: Recorder) -> None:
    said = Service.model_validate(
        {
            **{"service": "recorder", "instance": "1", "state": "running", "pid": 1},
            **{"version": "1", "started_ms": run.now_ms, "time_ms": run.now_ms},
            "endpoints": {"history": recorder.url},
        },
        strict=False,
    )
    run.send(ServiceTopic("recorder", "1"), said, retain=True)


def shown(run: PluginRun) -> dict[str, Any]:
    url = run.context.endpoints["page"].replace("http", "ws")
    with connect(f"{url}/ws/ward-a", close_timeout=1) as socket:
        values: dict[str, Any] = json.loads(socket.recv(timeout=5))["beds"][0]["values"]
        return values


def wait_until_asked(recorder: Recorder, times: int) -> None:
    deadline = time.monotonic() + 5
    while len(recorder.asked) < times:
        assert time.monotonic() < deadline, f"asked {len(recorder.asked)} times"
        time.sleep(0.01)


def wait_for_pressure(run: PluginRun) -> dict[str, Any]:
    deadline = time.monotonic() + 5
    while "blood_pressure" not in (values := shown(run)):
        assert time.monotonic() < deadline, "the pressure is not shown"
        time.sleep(0.02)
    return values


def test_a_pressure_from_before_the_start_is_shown_with_its_age(
    run: PluginRun, recorder: Recorder
) -> None:
    recorder.latest = {"blood_pressure": latest(run, PRESSURE)}
    admit(run, since_ms=run.now_ms - 3_600_000)
    introduce(run, recorder)
    pressure = wait_for_pressure(run)["blood_pressure"]
    assert pressure["v"] == PRESSURE
    assert pressure["rx"] == run.now_ms - 1_200_000


def test_a_reading_of_the_patient_before_is_not(
    run: PluginRun, recorder: Recorder
) -> None:
    recorder.latest = {
        "blood_pressure": latest(run, PRESSURE),
        "body_temperature": latest(run, 39.5, ago_ms=7_200_000),
    }
    admit(run, since_ms=run.now_ms - 3_600_000)
    introduce(run, recorder)
    assert set(wait_for_pressure(run)) == {"blood_pressure"}


def test_what_has_come_since_is_newer(run: PluginRun, recorder: Recorder) -> None:
    recorder.latest = {
        "blood_pressure": latest(run, PRESSURE),
        "heart_rate": latest(run, 40.0),
        "phlogiston": latest(run, 1.0),
        "sleep_state": latest(run, 7.0),
    }
    admit(run, since_ms=run.now_ms - 3_600_000)
    reading = Reading("d-1", "b1", 1, run.now_ms, 72.0, "good")
    run.send(VitalTopic(BED, "heart_rate"), reading.to_json())
    introduce(run, recorder)
    values = wait_for_pressure(run)
    assert set(values) == {"blood_pressure", "heart_rate"}
    assert values["heart_rate"]["v"] == 72.0


def test_a_recorder_that_fails_is_asked_again(
    run: PluginRun, recorder: Recorder
) -> None:
    recorder.latest = {"blood_pressure": latest(run, PRESSURE)}
    recorder.status = 500
    admit(run, since_ms=run.now_ms - 3_600_000)
    introduce(run, recorder)
    wait_until_asked(recorder, 1)
    recorder.status = 200
    deadline = time.monotonic() + 5
    while "blood_pressure" not in shown(run):
        assert time.monotonic() < deadline, "the recorder is not asked again"
        introduce(run, recorder)
    wait_until_asked(recorder, 2)
    asked = len(recorder.asked)
    introduce(run, recorder)
    assert len(recorder.asked) == asked
    assert set(recorder.asked) == {"/v1/wards/ward-a/latest"}, "one question a ward"


def test_a_bed_that_the_recorder_has_in_no_ward_is_asked_about(
    run: PluginRun, recorder: Recorder
) -> None:
    recorder.latest = {"blood_pressure": latest(run, PRESSURE)}
    recorder.wards["ward-a"].remove("bed-01")
    admit(run, since_ms=run.now_ms - 3_600_000)
    introduce(run, recorder)
    assert wait_for_pressure(run)["blood_pressure"]["v"] == PRESSURE
    assert recorder.asked == [
        "/v1/wards/ward-a/latest",
        "/v1/beds/ward-a/bed-01/latest",
    ]


def test_a_reading_that_comes_before_its_admission_is_shown_with_it(
    run: PluginRun,
) -> None:
    reading = Reading("d-1", "b1", 1, run.now_ms, 72.0, "good")
    run.send(VitalTopic(BED, "heart_rate"), reading.to_json())
    assert shown(run) == {}
    admit(run, since_ms=run.now_ms)
    assert shown(run)["heart_rate"]["v"] == 72.0


def test_a_clock_that_is_ahead_does_not_carry_a_value_over_to_the_next_patient(
    run: PluginRun,
) -> None:
    admit(run, since_ms=run.now_ms - 3_600_000)
    ahead = Reading("d-1", "b1", 1, run.now_ms + 4_000, 140.0, "good")
    run.send(VitalTopic(BED, "heart_rate"), ahead.to_json())
    assert shown(run)["heart_rate"]["v"] == 140.0
    run.now_ms += 1_000
    admit(run, since_ms=run.now_ms)
    assert shown(run) == {}


def trend(run: PluginRun) -> tuple[int, dict[str, Any]]:
    url = run.context.endpoints["page"] + "/api/trend/ward-a/bed-01?vital=heart_rate"
    answer = urllib3.request("GET", url, retries=False)
    return answer.status, json.loads(answer.data)


def test_a_trend_has_nothing_of_the_patient_before(
    run: PluginRun, recorder: Recorder
) -> None:
    introduce(run, recorder)
    assert trend(run) == (404, {"detail": "nobody lies there"})
    admit(run, since_ms=run.now_ms - 60_000)
    before, after = (
        {"start_ms": run.now_ms - ago_ms, "end_ms": run.now_ms, "mean": 72.0}
        for ago_ms in (60_001, 60_000)
    )
    recorder.history = {"vital": "heart_rate", "buckets": [before, after]}
    found = {"vital": "heart_rate", "buckets": [after], "gaps": []}
    assert trend(run) == (200, found)


def test_a_trend_has_its_gaps_since_the_patient_came(
    run: PluginRun, recorder: Recorder
) -> None:
    introduce(run, recorder)
    since_ms = run.now_ms - 60_000
    admit(run, since_ms=since_ms)
    recorder.history = {"vital": "heart_rate", "buckets": []}
    recorder.gaps = [
        {"from_ms": since_ms, "to_ms": run.now_ms - 1, "reason": "lead_off"}
    ]
    _, found = trend(run)
    assert found["gaps"] == recorder.gaps
    (asked,) = (path for path in recorder.asked if "/gaps" in path)
    assert f"from_ms={since_ms}&" in asked


def test_a_page_is_told_what_is_not_there(run: PluginRun) -> None:
    run.now_ms += 6_000
    url = run.context.endpoints["page"].replace("http", "ws")
    with connect(f"{url}/ws/ward-a", close_timeout=1) as socket:
        frame = json.loads(socket.recv(timeout=5))
        while frame["t"] != "beat":
            frame = json.loads(socket.recv(timeout=5))
    assert frame["troubles"][0].startswith("ANALYSIS IS NOT RUNNING")
