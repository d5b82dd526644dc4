"""Settings of InfluxDB: where it is, and a token that stays secret."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitorme.errors import ConfigError
from monitorme_recorder.influx.settings import InfluxSettings, in_effect, token_of


def test_without_settings_and_environment_there_is_no_influxdb() -> None:
    assert in_effect(None, {}) is None


def test_the_environment_goes_before_the_file() -> None:
    written = InfluxSettings(org="written", bucket="kept")
    there = {"MONITORME_INFLUXDB_URL": "https://influx.example:8086"}
    found = in_effect(written, {**there, "MONITORME_INFLUXDB_ORG": "given"})
    assert found is not None
    assert (found.url, found.org) == ("https://influx.example:8086", "given")
    assert found.bucket == "kept"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://influx.example:8086", "use https"),
        ("ftp://127.0.0.1", "not an http"),
        ("https://me:secret@influx.example", "no user"),
        ("https://influx.example/?token=secret", "no user"),
    ],
)
def test_a_url_that_would_give_the_token_away_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        InfluxSettings(url=url)


def test_a_bad_url_of_the_environment_is_a_mistake_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match="MONITORME_INFLUXDB_URL"):
        in_effect(None, {"MONITORME_INFLUXDB_URL": "http://far.example"})


def test_the_token_of_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    settings = InfluxSettings(token_file=tmp_path / "absent")
    assert token_of(settings, {"MONITORME_INFLUXDB_TOKEN": " t-1 "}) == "t-1"


def test_a_token_file_is_read_only_where_others_cannot(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("t-2\n")
    settings = InfluxSettings(token_file=path)
    os.chmod(path, 0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        token_of(settings, {})
    os.chmod(path, 0o600)
    assert token_of(settings, {}) == "t-2"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_token_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    os.chmod(path, 0o600)
    with pytest.raises(ConfigError, match=str(path)):
        token_of(InfluxSettings(token_file=path), {})


def test_no_token_at_all_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="MONITORME_INFLUXDB_TOKEN"):
        token_of(InfluxSettings(), {})
