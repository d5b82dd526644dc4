"""What everybody asks for is asked for before: by a recorder that has just started."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from pytest_mock import MockerFixture

from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId, VitalTopic
from monitorme.errors import StorageError
from monitorme.influxd import ORG, Influxd
from monitorme.plugin import Ward, wall_clock_ms
from monitorme.testing import PluginRun
from monitorme.testing.faulty_http import FaultyHttp, faulty_http, hang, reset
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.history.ahead import Ahead
from monitorme_recorder.history.older import PATIENCE_S
from monitorme_recorder.history.past import Past
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.plugin import Recorder

WARDS = {"ward-a": Ward("A", ("bed-01", "bed-02")), "ward-b": Ward("B", ("bed-01",))}
BED = BedId("ward-a", "bed-01")
HTTP = urllib3.PoolManager(retries=False)
ASKED = "asked ahead"
AWAY = "without the archive's"


@pytest.fixture
def proxy(influxd: Influxd) -> Iterator[FaultyHttp]:
    with faulty_http(influxd.url, only="/query") as one:
        yield one


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def new_recorder(
    tmp_path: Path,
    influxd: Influxd,
    proxy: FaultyHttp,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Callable[[], PluginRun]]:
    """Return what starts a recorder on an empty disk: a heart rate is in InfluxDB."""
    caplog.set_level(logging.INFO)
    bucket = f"test-{uuid.uuid4().hex[:8]}"
    running: list[PluginRun] = []

    def start(folder: str = "new", url: str = proxy.url) -> PluginRun:
        settings = InfluxSettings(
            url=url,
            org=ORG,
            bucket=bucket,
            waveform_bucket=f"{bucket}-waves",
            curve_bucket=f"{bucket}-curves",
            linger_s=0.05,
            token_file=influxd.token_file,
        )
        config = RecorderConfig(port=0, influxdb=settings)
        folder_ = tmp_path / folder
        run = PluginRun(Recorder, folder_, config=config, now_ms=wall_clock_ms())
        running.append(run)
        return run

    before = start("before", influxd.url)
    send(before, 1, "heart_rate")
    wait_until(
        lambda: before.tick(after_ms=1) or before.context.counts["influxdb_lines"] == 1
    )  # type: ignore[func-returns-value]  # it ticks first
    running.remove(before)
    before.stop()
    caplog.clear()
    yield start
    proxy.ending.set()
    for run in running:
        run.stop()


def send(run: PluginRun, seq: int, vital: str) -> None:
    reading = Reading("d-1", "b1", seq, run.now_ms, 30.0 + seq, "good")
    run.send(VitalTopic(BED, vital), reading.to_json())


def latest(run: PluginRun) -> dict[str, Any]:
    url = run.context.endpoints["history"]
    answer = HTTP.request("GET", f"{url}/v1/wards/ward-a/latest")
    assert answer.status == 200, answer.data
    found: dict[str, Any] = json.loads(answer.data)[BED.bed]
    return {vital: one["value"] for vital, one in found.items()}


def questions(proxy: FaultyHttp) -> int:
    return sum(path.startswith("/query") for path in proxy.requests)


def test_nobody_waits_for_what_was_asked_ahead(
    new_recorder: Callable[[], PluginRun],
    proxy: FaultyHttp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = new_recorder()
    wait_until(lambda: ASKED in caplog.text)
    before = questions(proxy)
    assert before > 0
    send(run, 2, "respiratory_rate")
    assert latest(run) == {"heart_rate": 31.0, "respiratory_rate": 32.0}
    assert questions(proxy) == before


def test_what_is_at_hand_is_answered_without_a_thread(
    new_recorder: Callable[[], PluginRun],
    caplog: pytest.LogCaptureFixture,
    mocker: MockerFixture,
) -> None:
    run = new_recorder()
    wait_until(lambda: ASKED in caplog.text)
    asked = mocker.spy(Past, "latest")
    assert latest(run) == {"heart_rate": 31.0}
    url = run.context.endpoints["history"]
    answer = HTTP.request("GET", f"{url}/v1/beds/ward-a/bed-01/latest")
    assert answer.json()["heart_rate"]["value"] == 31.0
    assert asked.call_count == 0


def test_who_asks_sooner_is_answered_rightly(
    new_recorder: Callable[[], PluginRun],
) -> None:
    assert latest(new_recorder()) == {"heart_rate": 31.0}


def test_the_latest_are_the_journals_while_influxdb_is_away(
    new_recorder: Callable[[], PluginRun],
    proxy: FaultyHttp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy.always = reset
    run = new_recorder()
    send(run, 2, "respiratory_rate")
    assert latest(run) == {"respiratory_rate": 32.0}
    assert AWAY in caplog.text


def test_an_influxdb_that_hangs_makes_nobody_wait(
    new_recorder: Callable[[], PluginRun],
    proxy: FaultyHttp,
    caplog: pytest.LogCaptureFixture,
) -> None:
    proxy.always = hang
    run = new_recorder()
    send(run, 2, "respiratory_rate")
    wait_until(lambda: AWAY in caplog.text)
    began_s = time.monotonic()
    for _ in range(10):
        assert latest(run) == {"respiratory_rate": 32.0}
    assert time.monotonic() - began_s < PATIENCE_S


def test_every_ward_is_asked_for_again_and_again_until_the_end() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []
    rounds = threading.Semaphore(0)

    def ask(ward: str, beds: tuple[str, ...]) -> None:
        asked.append((ward, beds))
        rounds.release()
        if ward == "ward-a":
            raise StorageError("busy")

    ahead = Ahead(ask, WARDS, every_s=0.001, pause_s=0.001)
    ahead.start()
    for _ in range(4):
        assert rounds.acquire(timeout=10)
    ahead.stop()
    both = [("ward-a", ("bed-01", "bed-02")), ("ward-b", ("bed-01",))]
    assert asked[:4] == both * 2
    count = len(asked)
    assert not rounds.acquire(timeout=0.05) or len(asked) == count
