"""Shipping to a real InfluxDB: everything once, in any trouble."""

import csv
import io
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import BedId, VitalTopic
from monitorme.influxd import ORG, Influxd
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme.testing.faulty_http import (
    FaultyHttp,
    done_and_reset,
    faulty_http,
    half_an_answer,
    hang,
    reset,
    status,
)
from monitorme.testing.influxdb import running_influxdb
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.history_store import Period, Series, grid_of
from monitorme_recorder.hours import hour_of
from monitorme_recorder.influx.errors import NotThere
from monitorme_recorder.influx.history import InfluxHistory
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.plugin import Recorder

BED = BedId("ward-a", "bed-01")
WITHIN_S = 20.0


@pytest.fixture
def proxy(influxd: Influxd) -> Iterator[FaultyHttp]:
    with faulty_http(influxd.url, only="/api/v2/write") as one:
        yield one


@pytest.fixture
def bucket() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


class Shipped:
    """A recorder on an InfluxDB, with a bucket of the test's own."""

    def __init__(
        self, folder: Path, influxd: Influxd, bucket: str, url: str = "", **more: object
    ) -> None:
        fields = {"timeout_s": 2.0, "linger_s": 0.05, **more}
        self.settings = InfluxSettings(
            url=url or influxd.url,
            org=ORG,
            bucket=bucket,
            waveform_bucket=f"{bucket}-waves",
            curve_bucket=f"{bucket}-curves",
            token_file=influxd.token_file,
            **fields,  # type: ignore[arg-type]  # of the test's making
        )
        self.influxd = influxd
        self.run = PluginRun(
            Recorder,
            folder,
            config=RecorderConfig(port=0, influxdb=self.settings),
            now_ms=wall_clock_ms(),
        )
        self.seq = 0

    def send(
        self, count: int = 1, vital: str = "heart_rate", value: ReadingValue = 72.0
    ) -> None:
        """Have a device send readings, and the recorder store them."""
        for _ in range(count):
            self.seq += 1
            reading = Reading("d-17", "b1", self.seq, self.run.now_ms, value, "good")
            self.run.send(VitalTopic(BED, vital), reading.to_json())

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; the recorder ticks meanwhile."""
        deadline = time.monotonic() + WITHIN_S
        while not holds():
            assert time.monotonic() < deadline, (
                self.run.context.trouble,
                self.run.context.counts,
            )
            self.run.tick(after_ms=1)
            time.sleep(0.02)

    def seqs(self, vital: str = "heart_rate", bucket: str = "") -> list[int]:
        """Return the seqs that InfluxDB has, in order of time."""
        text = (
            f'from(bucket: "{bucket or self.settings.bucket}")'
            " |> range(start: 0, stop: 2100-01-01T00:00:00Z)"
            f' |> filter(fn: (r) => r._measurement == "{vital}" and r._field == "seq")'
            ' |> sort(columns: ["_time"])'
        )
        direct = self.settings.model_copy(update={"url": self.influxd.url})
        with InfluxServer(direct) as server:
            try:
                answer = server.flux(text).decode()
            except NotThere:
                return []
        rows = csv.DictReader(io.StringIO(answer.split("\r\n", 3)[-1]))
        return [int(float(row["_value"])) for row in rows if row.get("_value")]

    def has_all(self) -> bool:
        """Say whether InfluxDB has every reading sent, once."""
        return self.seqs() == list(range(1, self.seq + 1))

    def unshipped_from_ms(self) -> int:
        """Return the beginning of the oldest hour that must be kept."""
        assert isinstance(self.run.plugin, Recorder)
        service = self.run.plugin._influx
        assert service is not None
        return service.unshipped_from_ms

    def count(self, name: str) -> int:
        return self.run.context.counts[f"influxdb_{name}"]

    def trouble(self) -> str:
        return " ".join(self.run.context.trouble.values())


@pytest.fixture
def ward(tmp_path: Path, influxd: Influxd, bucket: str) -> Iterator[Shipped]:
    shipped = Shipped(tmp_path, influxd, bucket)
    yield shipped
    shipped.run.stop()


@pytest.fixture
def faulty(
    tmp_path: Path, influxd: Influxd, bucket: str, proxy: FaultyHttp
) -> Iterator[Shipped]:
    shipped = Shipped(tmp_path, influxd, bucket, proxy.url)
    yield shipped
    shipped.run.stop()


def test_readings_arrive_in_a_bucket_that_is_made_with_its_retention(
    ward: Shipped,
) -> None:
    ward.send(20)
    ward.until(lambda: ward.count("lines") == 20)
    assert ward.has_all()
    with InfluxServer(ward.settings) as server:
        assert server.make_buckets() == []
        found = server._client.buckets_api().find_buckets(name=ward.settings.bucket)
    assert found.buckets[0].retention_rules[0].every_seconds == 30 * 86_400


def test_a_block_of_a_waveform_goes_to_a_bucket_of_its_own(ward: Shipped) -> None:
    block: ReadingValue = {"II": Lead(250.0, "mV", 0.005, list(range(250)))}
    ward.send(3, "ecg", block)
    ward.until(lambda: ward.count("lines") == 3)
    assert ward.seqs("ecg", ward.settings.waveform_bucket) == [1, 2, 3]
    assert ward.seqs("ecg") == []


FAULTS = {
    "503": status(503, "unavailable"),
    "429 with Retry-After": status(429, "too many requests", {"Retry-After": "0.1"}),
    "500": status(500, "internal error"),
    "a page of somebody else with 400": status(400),
    "a reset": reset,
    "a reset after the write": done_and_reset,
    "half an answer": half_an_answer,
    "silence": hang,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_write_is_tried_again_until_it_works_and_stores_once(
    faulty: Shipped, proxy: FaultyHttp, fault: str
) -> None:
    proxy.faults.extend([FAULTS[fault]] * 2)
    faulty.send(5)
    faulty.until(faulty.has_all)
    assert faulty.count("refused") == 0
    faulty.until(lambda: faulty.count("retries") >= 1 and not faulty.trouble())


def test_retry_after_is_waited_for(faulty: Shipped, proxy: FaultyHttp) -> None:
    # Before the fault: the shipper may meet it as soon as it is there.
    began_s = time.monotonic()
    proxy.faults.append(status(429, "too many requests", {"Retry-After": "1"}))
    faulty.send(1)
    faulty.until(faulty.has_all)
    assert time.monotonic() - began_s >= 1


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (401, "see to its token"),
        (403, "see to its token"),
        (404, "see to organisation and bucket"),
    ],
)
def test_what_needs_a_technician_is_a_technical_alarm_and_is_tried_on(
    faulty: Shipped, proxy: FaultyHttp, number: int, advice: str
) -> None:
    proxy.always = status(number, "unauthorized")
    faulty.send(3)
    faulty.until(lambda: advice in faulty.trouble())
    (alarm,) = faulty.run.context.alarms.values()
    assert advice in alarm.text
    proxy.always = None
    faulty.until(lambda: faulty.has_all() and not faulty.trouble())
    assert not faulty.run.context.alarms


def test_a_bucket_that_is_deleted_is_made_again(ward: Shipped) -> None:
    ward.send(1)
    ward.until(ward.has_all)
    with InfluxServer(ward.settings) as server:
        buckets = server._client.buckets_api()
        buckets.delete_bucket(buckets.find_bucket_by_name(ward.settings.bucket))
    ward.send(1)
    ward.until(lambda: ward.count("lines") == 2 and ward.seqs() == [2])


def test_a_line_that_is_refused_is_named_and_the_rest_is_stored(
    ward: Shipped, tmp_path: Path
) -> None:
    ward.until(lambda: "influxdb_lag_s" in ward.run.context.figures)
    with InfluxServer(ward.settings) as server:
        server.make_buckets()
        server.write(
            ward.settings.bucket,
            [f"body_temperature value=1i {wall_clock_ms()}000000"],
        )
    ward.send(40)
    ward.send(2, "body_temperature", 37.0)
    ward.send(40)
    ward.until(lambda: ward.count("lines") == 80)
    assert sorted([*ward.seqs(), 41, 42]) == list(range(1, 83))
    assert ward.count("refused") == 2
    assert "body_temperature,bed=bed-01" in ward.trouble()
    kept = (tmp_path / "influx" / "refused.jsonl").read_text().splitlines()
    assert len(kept) == 2
    assert "field type conflict" in kept[0]


def test_what_is_older_than_the_bucket_keeps_is_counted_and_stops_nothing(
    ward: Shipped,
) -> None:
    old = Reading("d-99", "b0", 1, 86_400_000, 71.0, "good")
    ward.run.send(VitalTopic(BED, "heart_rate"), old.to_json())
    ward.send(5)
    ward.until(lambda: ward.count("lines") == 5)
    assert ward.has_all()
    assert ward.count("too_old") == 1
    assert ward.count("refused") == 0


def test_a_killed_recorder_ships_on_where_it_was(ward: Shipped) -> None:
    ward.send(10)
    ward.until(ward.has_all)
    ward.run.restart()
    ward.send(10)
    ward.until(ward.has_all)


def test_a_lost_cursor_ships_again_and_doubles_nothing(
    ward: Shipped, tmp_path: Path
) -> None:
    ward.send(10)
    ward.until(ward.has_all)
    ward.run.plugin.stop()
    for path in (tmp_path / "influx").glob("cursor.db*"):
        path.unlink()
    ward.run.start()
    ward.until(lambda: ward.count("lines") == 10)
    assert ward.has_all()


def test_an_influxdb_that_is_killed_gets_everything_when_it_is_back(
    tmp_path: Path,
) -> None:
    with running_influxdb(tmp_path / "influxd") as influxd:
        ward = Shipped(tmp_path / "recorder", influxd, "vitals")
        ward.send(50)
        influxd.kill()
        ward.send(50)
        ward.until(lambda: "does not answer" in ward.trouble())
        influxd.start()
        ward.until(ward.has_all)
        ward.run.stop()


def test_hours_that_influxdb_has_not_yet_are_kept_beyond_their_time(
    faulty: Shipped, proxy: FaultyHttp, tmp_path: Path
) -> None:
    proxy.always = status(503, "unavailable")
    faulty.send(3)
    faulty.run.now_ms += 60 * 3_600_000
    faulty.send(3)
    faulty.run.tick(after_ms=120_000)
    assert len(list(tmp_path.glob("*.journal"))) == 2
    proxy.always = None
    faulty.until(lambda: faulty.count("lines") == 6)
    faulty.until(lambda: faulty.count("curves") == 1)
    oldest, newest = sorted(tmp_path.glob("*.journal"))
    faulty.until(lambda: faulty.unshipped_from_ms() == hour_of(newest))
    faulty.run.tick(after_ms=120_000)
    assert not oldest.exists()


def test_buckets_of_hours_that_are_gone_come_from_curves(
    ward: Shipped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_ms = ward.run.now_ms
    ward.send(20)
    ward.run.now_ms += 60 * 3_600_000
    ward.send(1)
    (gone, kept) = sorted(tmp_path.glob("*.journal"))
    ward.until(lambda: ward.unshipped_from_ms() == hour_of(kept))
    ward.run.tick(after_ms=120_000)
    assert not gone.exists()
    assert isinstance(ward.run.plugin, Recorder)
    past = ward.run.plugin._past
    assert past is not None

    def refuse(*_: object) -> None:
        raise AssertionError("InfluxDB is asked to sum up readings")

    period = Period(hour_of(gone) + 6_000, hour_of(kept))
    series = Series("ward-a", "bed-01", "heart_rate")
    numbers = sum(began_ms + n >= period.from_ms for n in range(20))
    expected = [(numbers, 72.0)] if numbers else []

    def sums() -> list[tuple[int, float]]:
        found = past.readings.buckets(series, period, grid_of(period, 1), None)
        return [(one.numbers, one.mean) for one in found]

    with monkeypatch.context() as patched:
        patched.setattr(InfluxHistory, "buckets", refuse)
        assert sums() == expected
    with InfluxServer(ward.settings) as server:
        hour, at_ns = gone.stem, period.from_ms * 1_000_000
        fields = f'curve="noise",boot="b1",hour="{hour}"'
        line = f"heart_rate,bed=bed-01,device=d-17,ward=ward-a {fields} {at_ns}"
        server.write(ward.settings.curve_bucket, [line])
    assert sums() == expected, "a curve that cannot be read is not the end of a chart"


def test_an_hour_that_is_dropped_all_the_same_is_said(
    tmp_path: Path, influxd: Influxd, bucket: str, proxy: FaultyHttp
) -> None:
    proxy.always = status(503, "unavailable")
    ward = Shipped(tmp_path, influxd, bucket, proxy.url, batch_lines=1)
    ward.send(3)
    ward.until(lambda: ward.count("retries") > 0)
    (hour,) = tmp_path.glob("*.journal")
    ward.run.now_ms += 2 * 3_600_000
    ward.send(3)
    hour.unlink()
    proxy.always = None
    ward.until(lambda: ward.count("hours_lost") == 1)
    ward.until(lambda: ward.count("lines") == 4)
    assert ward.seqs() == [1, 4, 5, 6]
    assert hour.stem in ward.trouble()
    ward.run.stop()


def test_the_token_is_in_no_trouble_no_log_and_no_status(
    faulty: Shipped, proxy: FaultyHttp, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.always = status(401, "unauthorized")
    faulty.send(1)
    faulty.until(lambda: bool(faulty.trouble()))
    token = faulty.influxd.token
    context = faulty.run.context
    said = repr((context.trouble, context.counts, context.figures, faulty.settings))
    assert token not in said + caplog.text


def test_a_token_that_others_can_read_is_not_used(
    tmp_path: Path, influxd: Influxd, bucket: str
) -> None:
    loose = tmp_path / "token"
    loose.write_text(influxd.token)
    os.chmod(loose, 0o644)
    ward = _with_token(tmp_path / "recorder", influxd, bucket, loose)
    ward.until(lambda: "chmod 600" in ward.trouble())
    ward.send(1)
    os.chmod(loose, 0o600)
    ward.until(ward.has_all)
    ward.run.stop()


def _with_token(folder: Path, influxd: Influxd, bucket: str, token: Path) -> Shipped:
    class Other(Influxd):
        @property
        def token_file(self) -> Path:
            return token

    other = Other(folder=influxd.folder, port=influxd.port)
    return Shipped(folder, other, bucket)
