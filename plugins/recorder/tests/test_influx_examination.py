"""What `monitorme doctor` says of InfluxDB."""

import pytest

from monitorme.finding import Verdict
from monitorme.influxd import ORG, Influxd
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.plugin import Recorder


def examined(
    settings: InfluxSettings | None, environment: dict[str, str]
) -> list[tuple[Verdict, str]]:
    config = RecorderConfig(influxdb=settings)
    return [(one.verdict, one.text) for one in Recorder.examine(config, environment)]


def test_without_influxdb_there_is_nothing_to_find() -> None:
    assert examined(None, {}) == []


def test_one_that_answers_is_fine(influxd: Influxd) -> None:
    settings = InfluxSettings(url=influxd.url, org=ORG, token_file=influxd.token_file)
    ((verdict, text),) = examined(settings, {})
    assert verdict is Verdict.FINE
    assert influxd.url in text


def test_one_that_the_environment_names_is_looked_at(influxd: Influxd) -> None:
    ((verdict, _),) = examined(None, influxd.environment)
    assert verdict is Verdict.FINE


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"MONITORME_INFLUXDB_TOKEN": "wrong"}, "see to its token"),
        ({}, "needs a token"),
    ],
)
def test_a_wrong_or_absent_token_is_wrong(
    influxd: Influxd, environment: dict[str, str], why: str
) -> None:
    ((verdict, text),) = examined(InfluxSettings(url=influxd.url, org=ORG), environment)
    assert verdict is Verdict.WRONG
    assert why in text


def test_one_that_does_not_answer_is_wrong() -> None:
    settings = InfluxSettings(url="http://127.0.0.1:9")
    ((verdict, text),) = examined(settings, {"MONITORME_INFLUXDB_TOKEN": "t"})
    assert verdict is Verdict.WRONG
    assert "does not answer" in text
