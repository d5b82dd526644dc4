"""What every store of history answers: the journal, InfluxDB, and the two joined.

A store is filled with readings as they come from devices, then asked. Answers are
compared with what a few lines of Python make of the same readings.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pytest_mock import MockerFixture

from monitorme.contract.readings import Lead, Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue
from monitorme.influxd import ORG, Influxd
from monitorme.testing.influxdb import running_influxdb
from monitorme_recorder.curve import Points
from monitorme_recorder.history import joined as joining
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.joined import JoinedHistory
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.reach import Reach
from monitorme_recorder.history.sums import bucketed
from monitorme_recorder.history_store import (
    Archive,
    Bucket,
    Grid,
    HistoryStore,
    Period,
    Series,
    grid_of,
)
from monitorme_recorder.hours import hour_of
from monitorme_recorder.influx.history import InfluxHistory
from monitorme_recorder.influx.lines import LineWriters
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.influx.shipper import Shipper
from monitorme_recorder.records import LogRecord, Stream
from monitorme_recorder.store import Arrival, Store

CATALOGUE = Catalogue.load()
HOUR_MS = 3_600_000
BEGIN_MS = 1_795_651_200_000
"""The beginning of an hour."""
HOURS = 4
END_MS = BEGIN_MS + HOURS * HOUR_MS
WHOLE = Period(BEGIN_MS, END_MS)
HEART_RATE = Series("ward-a", "bed-01", "heart_rate")
SAMPLES = [n % 91 - 45 for n in range(250)]


class Sent(NamedTuple):
    """A reading, where it came from and when it came."""

    series: Series
    reading: Reading
    received_ms: int

    @property
    def stream(self) -> Stream:
        return Stream(*self.series, self.reading.device, self.reading.boot)


Fill = Callable[[list[Sent]], HistoryStore]


def arrivals(sent: list[Sent]) -> list[Arrival]:
    return [
        Arrival(
            one.stream,
            one.reading,
            judge(one.reading, CATALOGUE[one.series.vital], one.received_ms),
            one.received_ms,
            one.reading.to_json(),
        )
        for one in sent
    ]


def write(folder: Path, sent: list[Sent]) -> Store:
    """Store readings as they come: in batches, folded now and then, hour after hour."""
    in_order = sorted(sent, key=lambda one: one.received_ms)
    begin_ms = in_order[0].received_ms if in_order else BEGIN_MS
    store = Store(folder, CATALOGUE, begin_ms)
    for start in range(0, len(in_order), 50):
        store.store(arrivals(in_order[start : start + 50]), [])
        if start % 400 == 0:
            store.fold()
    return store


def history_of(store: Store) -> tuple[JournalHistory, HourReaders]:
    readers = HourReaders(store.folder)
    return JournalHistory(store, readers), readers


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    with running_influxdb(tmp_path_factory.mktemp("influxd")) as server:
        yield server


class JournalAsArchive(JournalHistory):
    """A journal in an archive's place; it says that it has no curves."""

    curves_from_ms = None

    def points(self, series: Series, period: Period, before_hour: str | None) -> Points:  # type: ignore[override]  # an archive's
        raise AssertionError("an archive without curves is not asked for them")

    def buckets(
        self, series: Series, period: Period, grid: Grid, component: str | None
    ) -> list[Bucket]:
        found = JournalHistory.points(self, series, period, component)
        return bucketed(found, period, grid)


def settings_of(influxd: Influxd) -> InfluxSettings:
    """Return settings with buckets of their own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    return InfluxSettings(
        url=influxd.url,
        org=ORG,
        bucket=name,
        waveform_bucket=f"{name}-waves",
        curve_bucket=f"{name}-curves",
        retention_days=0,
        waveform_retention_hours=0,
        token_file=influxd.token_file,
    )


def ship(store: Store, settings: InfluxSettings) -> int:
    """Ship a journal but for its last hour's curves; returns from when there are any."""
    shipper = Shipper(store.folder, settings, CATALOGUE, lambda: END_MS)
    shipper.start()
    deadline_s = time.monotonic() + 20
    while shipper.unshipped_from_ms < hour_of(store.path):
        assert time.monotonic() < deadline_s, shipper.progress
        time.sleep(0.05)
    shipper.stop()
    assert shipper.curves_from_ms is not None
    return shipper.curves_from_ms


def shipped(influxd: Influxd, sent: list[Sent]) -> InfluxHistory:
    """Write readings to buckets of their own, as the recorder's shipper does."""
    settings = settings_of(influxd)
    writers = LineWriters(CATALOGUE)
    lines: dict[bool, list[str]] = {False: [], True: []}
    for one in sent:
        payload = one.reading.to_json()
        record = LogRecord(1, one.reading.seq, one.received_ms, payload)
        writer = writers.of(one.stream)
        lines[writer.is_waveform].append(writer.write(record))
    with InfluxServer(settings) as server:
        server.make_buckets()
        server.write(settings.bucket, lines[False])
        server.write(settings.waveform_bucket, lines[True])
    return InfluxHistory(settings, CATALOGUE)


JOINED = ["joined", "joined with influxdb", "joined with curves in influxdb"]
STORES = ["journal", "influxdb", *JOINED]


@pytest.fixture(params=STORES)
def fill(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fill]:
    """Return what fills a store and hands it over."""
    closing: list[Store | HourReaders | InfluxHistory | JoinedHistory] = []

    def influxdb(sent: list[Sent]) -> InfluxHistory:
        history = shipped(request.getfixturevalue("influxd"), sent)
        closing.append(history)
        return history

    def journal(sent: list[Sent], folder: str = "journal") -> JournalHistory:
        store = write(tmp_path / folder, sent)
        history, readers = history_of(store)
        closing.extend([readers, store])
        return history

    def joined(sent: list[Sent]) -> JoinedHistory:
        """Give all to an archive; the journal has dropped the first two hours."""
        store = write(tmp_path / "archive", sent)
        readers = HourReaders(store.folder)
        closing.extend([readers, store])
        return join(JournalAsArchive(store, readers), sent)

    def joined_with_influxdb(sent: list[Sent]) -> JoinedHistory:
        return join(influxdb(sent), sent)

    def joined_with_curves(sent: list[Sent]) -> JoinedHistory:
        """Ship as the recorder does; what is asked of readings is there as well."""
        store = write(tmp_path / "shipped", sent)
        settings = settings_of(request.getfixturevalue("influxd"))
        from_ms = ship(store, settings)
        history = InfluxHistory(settings, CATALOGUE, lambda: from_ms)
        closing.extend([history, store])
        return join(history, sent)

    def join(archive: Archive, sent: list[Sent]) -> JoinedHistory:
        store = write(tmp_path / "journal", sent)
        store.drop_older_than(BEGIN_MS + 2 * HOUR_MS)
        history, readers = history_of(store)
        closing.extend([readers, store])
        both = JoinedHistory(history, archive, Reach(readers, lambda: END_MS))
        closing.append(both)
        return both

    yield {
        "journal": journal,
        "influxdb": influxdb,
        "joined": joined,
        "joined with influxdb": joined_with_influxdb,
        "joined with curves in influxdb": joined_with_curves,
    }[request.param]
    for one in reversed(closing):
        one.close()


def heart_rates(seed: int) -> list[Sent]:
    """Return four hours of two devices: late ones, unusable ones, equal times."""
    dice = random.Random(seed)
    sent = []
    for device, boot in (("d-1", "b1"), ("d-1", "b2"), ("d-2", "b1")):
        for seq in range(1, 400):
            time_ms = BEGIN_MS + dice.randrange(0, HOURS * HOUR_MS - 60_000, 500)
            is_late = dice.random() < 0.1
            received_ms = time_ms + (dice.randrange(3 * HOUR_MS) if is_late else 20)
            received_ms = min(received_ms, END_MS - 1)
            value = dice.choice([None, 999.0, 60.0 + seq % 40, 71.5])
            sent.append(reading(seq, value, time_ms, received_ms, device, boot))
    return sent


def reading(
    seq: int,
    value: ReadingValue,
    time_ms: int,
    received_ms: int | None = None,
    device: str = "d-1",
    boot: str = "b1",
    series: Series = HEART_RATE,
) -> Sent:
    quality = "invalid" if value is None else "good"
    reason = "lead_off" if value is None else None
    made = Reading(device, boot, seq, time_ms, value, quality, reason)  # type: ignore[arg-type]  # a literal
    return Sent(series, made, time_ms + 10 if received_ms is None else received_ms)


def names(
    store: HistoryStore, series: Series, period: Period
) -> list[tuple[object, ...]]:
    found = store.readings(series, period)
    return [(one.kept.at_ms, *one.stream[3:], one.kept.seq) for one in found]


def expected_names(sent: list[Sent], period: Period) -> list[tuple[object, ...]]:
    return sorted(
        (one.reading.time_ms, one.reading.device, one.reading.boot, one.reading.seq)
        for one in sent
        if period.from_ms <= one.reading.time_ms < period.to_ms
    )


def expected_buckets(sent: list[Sent], period: Period, grid: Grid) -> list[Bucket]:
    parts: dict[int, list[float]] = {}
    for one in sent:
        value, time_ms = one.reading.value, one.reading.time_ms
        if (
            isinstance(value, float)
            and value < 300
            and (period.from_ms <= time_ms < period.to_ms)
        ):
            parts.setdefault((time_ms - grid.origin_ms) // grid.width_ms, []).append(
                value
            )
    return [
        Bucket(
            grid.origin_ms + index * grid.width_ms,
            grid.origin_ms + (index + 1) * grid.width_ms,
            len(part),
            min(part),
            max(part),
            pytest.approx(sum(part) / len(part)),
        )
        for index, part in sorted(parts.items())
    ]


PERIODS = [
    WHOLE,
    Period(BEGIN_MS + 1_234_567, BEGIN_MS + 9_876_543),
    Period(BEGIN_MS, BEGIN_MS + HOUR_MS),
    Period(BEGIN_MS + 2 * HOUR_MS - 1, BEGIN_MS + 2 * HOUR_MS + 1),
    Period(0, 2**53),
]


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("seed", [1, 2])
def test_readings_come_each_once_in_order_of_position(
    fill: Fill, seed: int, period: Period
) -> None:
    sent = heart_rates(seed)
    assert names(fill(sent), HEART_RATE, period) == expected_names(sent, period)


@pytest.mark.parametrize("count", [1, 7, 1_000])
@pytest.mark.parametrize("period", PERIODS[:3])
def test_buckets_are_the_numbers_of_the_readings_in_them(
    fill: Fill, period: Period, count: int
) -> None:
    sent = heart_rates(3)
    grid = grid_of(period, count)
    found = fill(sent).buckets(HEART_RATE, period, grid, None)
    assert found == expected_buckets(sent, period, grid)


def test_buckets_of_a_part_keep_to_the_grid_of_the_whole(fill: Fill) -> None:
    sent = heart_rates(4)
    grid, part = Grid(BEGIN_MS, 100_000), Period(BEGIN_MS + 1_500, END_MS - 777_777)
    found = fill(sent).buckets(HEART_RATE, part, grid, None)
    assert found == expected_buckets(sent, part, grid)


def test_a_reading_comes_back_as_it_was_stored(fill: Fill) -> None:
    sent = [
        reading(1, 71.25, END_MS - 5_000, END_MS - 4_990),
        reading(2, None, END_MS - 4_000, END_MS - 3_990),
    ]
    usable, invalid = (one.kept for one in fill(sent).readings(HEART_RATE, WHOLE))
    assert (usable.value, usable.quality, usable.reason) == (71.25, "good", None)
    assert (usable.time_ms, usable.received_ms) == (END_MS - 5_000, END_MS - 4_990)
    assert (invalid.is_usable, invalid.value) == (False, None)
    assert (invalid.quality, invalid.reason) == ("invalid", "lead_off")


def test_an_implausible_value_is_there_and_not_usable(fill: Fill) -> None:
    store = fill([reading(1, 999.0, END_MS - 5_000)])
    (one,) = store.readings(HEART_RATE, WHOLE)
    assert not one.kept.is_usable
    assert one.kept.reason == "out_of_range"
    assert store.buckets(HEART_RATE, WHOLE, grid_of(WHOLE, 1), None) == []


@pytest.mark.parametrize("at_ms", [BEGIN_MS + 1_000, END_MS - 1_000])
def test_a_waveform_comes_back_sample_by_sample(fill: Fill, at_ms: int) -> None:
    series = HEART_RATE._replace(vital="ecg")
    block = {
        "II": Lead(250.0, "mV", 0.005, SAMPLES),
        "V5": Lead(125.0, "mV", 0.0025, SAMPLES[:125], offset=-1.5),
    }
    store = fill([reading(1, block, at_ms, series=series)])  # type: ignore[arg-type]  # a dict of leads
    (one,) = store.readings(series, Period(at_ms, at_ms + 1))
    assert one.kept.value == block


@pytest.mark.parametrize("at_ms", [BEGIN_MS + 1_000, END_MS - 1_000])
def test_components_are_averaged_each_by_itself(fill: Fill, at_ms: int) -> None:
    series = HEART_RATE._replace(vital="blood_pressure")
    first = {"systolic": 120.0, "diastolic": 80.0, "mean": 93.0}
    second = {"systolic": 140.0, "diastolic": 90.0}
    store = fill(
        [
            reading(1, first, at_ms, series=series),  # type: ignore[arg-type]  # a dict of numbers
            reading(2, second, at_ms + 1, series=series),  # type: ignore[arg-type]
        ]
    )
    grid = Grid(BEGIN_MS, HOURS * HOUR_MS)
    (systolic,) = store.buckets(series, WHOLE, grid, "systolic")
    assert systolic == (BEGIN_MS, END_MS, 2, 120.0, 140.0, 130.0)
    (mean,) = store.buckets(series, WHOLE, grid, "mean")
    assert mean == (BEGIN_MS, END_MS, 1, 93.0, 93.0, 93.0)


@pytest.mark.parametrize("at_ms", [BEGIN_MS + 1_000, END_MS - 1_000])
def test_a_state_comes_back_as_a_word(fill: Fill, at_ms: int) -> None:
    series = HEART_RATE._replace(vital="sleep_state")
    (one,) = fill([reading(1, "asleep", at_ms, series=series)]).readings(series, WHOLE)
    assert one.kept.value == "asleep"


def test_the_latest_of_each_vital_is_the_last_by_position(fill: Fill) -> None:
    sent = heart_rates(5)
    saturation = HEART_RATE._replace(vital="oxygen_saturation")
    sent += [
        reading(400, 97.0, BEGIN_MS + 1_000, series=saturation),
        reading(401, 95.0, BEGIN_MS + 500, END_MS - 1, series=saturation),
    ]
    found = fill(sent).latest("ward-a", ("bed-01",), BEGIN_MS)["bed-01"]
    last = max(
        (one for one in sent if one.series == HEART_RATE),
        key=lambda one: (
            one.reading.time_ms,
            one.reading.device,
            one.reading.boot,
            one.reading.seq,
        ),
    )
    assert list(found) == ["heart_rate", "oxygen_saturation"]
    assert found["heart_rate"].kept.seq == last.reading.seq
    assert found["oxygen_saturation"].kept.seq == 400


@pytest.mark.parametrize("fill", ["journal", *JOINED], indirect=True)
def test_the_latest_are_at_hand_once_they_were_asked_for(fill: Fill) -> None:
    """Those of the first hour are in the archive alone."""
    temperature = HEART_RATE._replace(vital="body_temperature")
    sent = [
        *heart_rates(6),
        reading(1, 37.5, BEGIN_MS + 1_000, series=temperature, device="d-3"),
    ]
    beds, store = ("bed-01", "bed-02"), fill(sent)
    assert isinstance(store, JournalHistory | JoinedHistory)
    assert store.latest_at_hand("ward-a", beds, 0) is None
    found = store.latest("ward-a", beds, 0)
    assert list(found["bed-01"]) == ["body_temperature", "heart_rate"]
    assert store.latest_at_hand("ward-a", beds, 0) == found
    later = store.latest_at_hand("ward-a", beds, END_MS - HOUR_MS)
    assert later is not None
    assert list(later["bed-01"]) == ["heart_rate"]
    assert store.latest_at_hand("ward-a", ("bed-03",), 0) is None


@pytest.mark.parametrize("fill", JOINED[:1], indirect=True)
def test_what_is_at_hand_is_looked_after_now_and_then(
    fill: Fill, mocker: MockerFixture
) -> None:
    store = fill(heart_rates(7))
    assert isinstance(store, JoinedHistory)
    found = store.latest("ward-a", ("bed-01",), 0)
    assert store.latest_at_hand("ward-a", ("bed-01",), 0) == found
    later_s = time.monotonic() + joining.SEEN_FOR_S
    mocker.patch.object(time, "monotonic", return_value=later_s)
    assert store.latest_at_hand("ward-a", ("bed-01",), 0) is None


def test_beds_and_wards_are_kept_apart(fill: Fill) -> None:
    sent = [
        reading(1, 71.0, END_MS - 1_000),
        reading(
            1,
            72.0,
            END_MS - 1_000,
            device="d-2",
            series=Series("ward-b", "bed-01", "heart_rate"),
        ),
        reading(
            1,
            73.0,
            END_MS - 1_000,
            device="d-3",
            series=Series("ward-a", "bed-02", "heart_rate"),
        ),
    ]
    store = fill(sent)
    assert [one.kept.value for one in store.readings(HEART_RATE, WHOLE)] == [71.0]
    assert store.vitals("ward-a", "bed-01") == ["heart_rate"]
    assert store.vitals("ward-c", "bed-01") == []
    latest = store.latest("ward-a", ("bed-02", "bed-03", "bed-01"), 0)
    assert list(latest) == ["bed-02", "bed-03", "bed-01"]
    assert latest["bed-01"]["heart_rate"].kept.value == 71.0
    assert latest["bed-02"]["heart_rate"].kept.value == 73.0
    assert latest["bed-03"] == {}
    assert store.latest("ward-a", (), 0) == {}
    (bucket,) = store.buckets(HEART_RATE, WHOLE, grid_of(WHOLE, 1), None)
    assert bucket.numbers == 1


def test_nothing_stored_is_nothing_found(fill: Fill) -> None:
    store = fill([reading(1, 71.0, END_MS - 1_000)])
    nowhere = Series("ward-a", "bed-01", "body_temperature")
    assert list(store.readings(nowhere, WHOLE)) == []
    assert store.buckets(nowhere, WHOLE, grid_of(WHOLE, 10), None) == []
