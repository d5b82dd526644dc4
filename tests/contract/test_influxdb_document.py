"""docs/influxdb.md and Grafana's files: every statement in them finds something."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.vitals import Catalogue
from monitorme.influxd import ORG, Influxd
from monitorme.plugin import wall_clock_ms
from monitorme.testing.influxdb import running_influxdb
from monitorme_recorder.influx import rows, schema
from monitorme_recorder.influx.lines import LineWriters
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.records import LogRecord, Stream

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "influxdb.md").read_text(encoding="utf-8")
GRAFANA = ROOT / "config" / "grafana"
DASHBOARD: dict[str, Any] = json.loads(
    (GRAFANA / "dashboards" / "bed.json").read_text(encoding="utf-8")
)
SOURCES = (GRAFANA / "provisioning" / "datasources" / "influxdb.yaml").read_text()
VALUES: dict[str, list[ReadingValue]] = {
    "heart_rate": [72.0, 900.0, None],
    "oxygen_saturation": [97.0],
    "respiratory_rate": [14.0],
    "body_temperature": [37.1],
    "blood_glucose": [101.0],
    "blood_pressure": [{"systolic": 120.0, "diastolic": 80.0, "mean": 93.0}],
    "sleep_state": ["asleep", "awake"],
    "ecg": [{"II": Lead(250.0, "mV", 0.005, list(range(250)))}],
}


def blocks(language: str) -> list[str]:
    """Return the document's statements in a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def in_grafana(query: str) -> str:
    """Return a query as Grafana asks it: with its variables filled in."""
    filled = {
        "v.timeRangeStart": "-1h",
        "v.timeRangeStop": "now()",
        "v.windowPeriod": "1m",
        "${ward}": "ward-a",
        "${bed}": "bed-01",
        "$timeFilter": "time > now() - 1h",
        "$__interval": "1m",
    }
    for name, value in filled.items():
        query = query.replace(name, value)
    assert "$" not in query, "a variable that this test does not know"
    return query


def targets() -> list[dict[str, Any]]:
    """Return everything that the dashboard asks."""
    return [target for panel in DASHBOARD["panels"] for target in panel["targets"]]


def flux_of_dashboard() -> list[str]:
    asked = [one["query"] for one in targets() if not one.get("rawQuery")]
    return asked + [one["query"] for one in DASHBOARD["templating"]["list"]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with (
        running_influxdb(tmp_path_factory.mktemp("influxd")) as influxd,
        InfluxServer(settings_of(influxd)) as connected,
    ):
        fill(connected)
        yield connected


def settings_of(influxd: Influxd) -> InfluxSettings:
    return InfluxSettings(url=influxd.url, org=ORG, token_file=influxd.token_file)


def lines() -> dict[str, list[str]]:
    """Return a few minutes of everything at one bed, by bucket."""
    now_ms, writers = wall_clock_ms(), LineWriters(Catalogue.load())
    found: dict[str, list[str]] = {"vitals": [], "waveforms": []}
    seq = 0
    for vital, values in VALUES.items():
        for value in values * 4:
            seq += 1
            quality, reason = (
                ("invalid", "lead_off") if value is None else ("good", None)
            )
            time_ms = now_ms - seq * 5_000
            one = Reading("d-1", "b1", seq, time_ms, value, quality, reason)  # type: ignore[arg-type]  # literals
            stream = Stream("ward-a", "bed-01", vital, "d-1", "b1")
            record = LogRecord(1, seq, time_ms + 20, one.to_json())
            writer = writers.of(stream)
            bucket = "waveforms" if writer.is_waveform else "vitals"
            found[bucket].append(writer.write(record))
    return found


def fill(server: InfluxServer) -> None:
    server.make_buckets()
    for bucket, texts in lines().items():
        server.write(bucket, texts)


def found_by_flux(server: InfluxServer, text: str) -> int:
    """Return how many rows an answer has; raises where InfluxDB does not take it."""
    answer = server.flux(text).decode()
    assert "\nerror," not in answer
    rows_found = [line for line in answer.splitlines() if line.startswith(",,")]
    return len(rows_found)


@pytest.mark.parametrize("number", range(len(blocks("flux"))))
def test_the_documents_flux_finds_something(server: InfluxServer, number: int) -> None:
    assert found_by_flux(server, blocks("flux")[number]) > 0


@pytest.mark.parametrize("number", range(len(blocks("influxql"))))
def test_the_documents_influxql_finds_something(
    server: InfluxServer, number: int
) -> None:
    statement = blocks("influxql")[number]
    assert list(rows.points(server.influxql("vitals", statement)))


@pytest.mark.parametrize("number", range(len(flux_of_dashboard())))
def test_the_dashboards_flux_finds_something(server: InfluxServer, number: int) -> None:
    assert found_by_flux(server, in_grafana(flux_of_dashboard()[number])) > 0


def test_the_dashboards_influxql_finds_something(server: InfluxServer) -> None:
    asked = [one["query"] for one in targets() if one.get("rawQuery")]
    assert len(asked) >= 2
    for query in asked:
        statement = in_grafana(query)
        assert list(rows.points(server.influxql("vitals", statement))), statement


def test_the_document_has_statements_in_both_languages() -> None:
    assert len(blocks("flux")) >= 4
    assert len(blocks("influxql")) >= 4


def test_every_vital_but_waveforms_is_on_the_dashboard() -> None:
    asked = json.dumps(DASHBOARD)
    for vital in set(VALUES) - {"ecg"}:
        assert f'\\"{vital}\\"' in asked, vital


def test_the_dashboard_asks_sources_that_are_provisioned() -> None:
    provisioned = set(re.findall(r"uid: (\S+)", SOURCES))
    used = {one["datasource"]["uid"] for one in targets()}
    assert used <= provisioned
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_no_token_is_written_into_grafanas_files() -> None:
    assert re.findall(r"^ +token: (.+)$", SOURCES, re.MULTILINE) == [
        "$MONITORME_INFLUXDB_TOKEN"
    ]


def test_every_field_that_is_written_is_in_the_document() -> None:
    written: set[str] = set()
    for texts in lines().values():
        for line in texts:
            fields = re.sub(r'"[^"]*"', '""', line.split(" ")[1])
            written |= {pair.partition("=")[0] for pair in fields.split(",")}
    named = set(re.findall(r"`(\w+)`", DOCUMENT))
    assert written <= named
    assert named >= {*schema.TAGS, *schema.ABOUT - {"time"}, *schema.BLOCK}
