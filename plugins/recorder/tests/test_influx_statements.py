"""Statements of history: nothing that is asked for can become a statement of its own."""

from collections.abc import Iterator

import pytest

from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme.influxd import ORG, Influxd
from monitorme.testing.faulty_http import faulty_http
from monitorme.testing.influxdb import running_influxdb
from monitorme_recorder.history_store import Period, Series, grid_of
from monitorme_recorder.influx import statements
from monitorme_recorder.influx.history import InfluxHistory
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings

AT_MS = 1_795_651_200_000
DAY = Period(AT_MS, AT_MS + 86_400_000)
NASTY = [
    "bed-01' OR 'a' = 'a",
    'bed-01" or true) //',
    "bed-01\\",
    "${1}",
    "bed\n01",
    "a,b = c d",
    "bed-01; DROP MEASUREMENT heart_rate",
    "ä 🫀",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxSettings]:
    with running_influxdb(tmp_path_factory.mktemp("influxd")) as influxd:
        yield settings_of(influxd)


def settings_of(influxd: Influxd) -> InfluxSettings:
    made = InfluxSettings(
        url=influxd.url, org=ORG, retention_days=0, token_file=influxd.token_file
    )
    with InfluxServer(made) as server:
        server.make_buckets()
        server.write(
            "vitals",
            [
                "heart_rate,bed=bed-01,device=d,ward=w value=72,seq=1,delay_ms=3,"
                f'boot="b" {AT_MS}000001',
                f"heart_rate,bed=bed-01,ward=w value=1 {AT_MS}000002",
            ],
        )
    return made


@pytest.mark.parametrize("nasty", NASTY)
def test_a_name_that_looks_like_a_statement_finds_nothing(
    settings: InfluxSettings, nasty: str
) -> None:
    history = InfluxHistory(settings, Catalogue.load())
    for series in (Series("w", nasty, "heart_rate"), Series("w", "bed-01", nasty)):
        assert list(history.readings(series, DAY)) == []
        assert history.buckets(series, DAY, grid_of(DAY, 10), None) == []
    assert history.vitals(nasty, "bed-01") == []
    assert history.latest("w", (nasty, "bed-02"), 0) == {nasty: {}, "bed-02": {}}
    usual = list(history.readings(Series("w", "bed-01", "heart_rate"), DAY))
    assert [one.kept.value for one in usual] == [72.0]
    history.close()


def test_beds_of_any_number_are_asked_for_in_urls_that_a_proxy_takes(
    settings: InfluxSettings,
) -> None:
    others = (f"intensive-care-bed-{number:03}" for number in range(300))
    beds = (*others, "bed-01")
    with faulty_http(settings.url) as proxy:
        behind = settings.model_copy(update={"url": proxy.url})
        history = InfluxHistory(behind, Catalogue.load())
        found = history.latest("w", beds, 0)
        history.close()
        assert max(map(len, proxy.requests)) < 8_000
    assert tuple(found) == beds
    assert [bed for bed, latest in found.items() if latest] == ["bed-01"]


def test_a_period_beyond_what_influxdb_knows_is_clamped() -> None:
    assert statements.clamped(Period(-5, 2**53)) == (0, 9_223_372_036_854)
    assert statements.moment(9_223_372_036_854) == "2262-04-11T23:47:16.854Z"


def test_a_bucket_that_is_not_there_yet_has_nothing(settings: InfluxSettings) -> None:
    fresh = settings.model_copy(
        update={"bucket": "b1", "waveform_bucket": "b2", "curve_bucket": "b3"}
    )
    history = InfluxHistory(fresh, Catalogue.load())
    series = Series("w", "bed-01", "heart_rate")
    assert list(history.readings(series, DAY)) == []
    assert history.buckets(series, DAY, grid_of(DAY, 10), None) == []
    assert history.vitals("w", "bed-01") == []
    assert history.latest("w", ("bed-01",), 0) == {"bed-01": {}}
    history.close()


def test_an_influxdb_that_is_away_is_an_error_and_no_empty_answer(
    settings: InfluxSettings,
) -> None:
    away = settings.model_copy(update={"url": "http://127.0.0.1:9"})
    history = InfluxHistory(away, Catalogue.load())
    series = Series("w", "bed-01", "heart_rate")
    with pytest.raises(StorageError, match="does not answer"):
        list(history.readings(series, DAY))
    with pytest.raises(StorageError, match="does not answer"):
        history.buckets(series, DAY, grid_of(DAY, 10), None)
    history.close()
