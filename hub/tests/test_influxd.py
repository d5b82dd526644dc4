"""A managed InfluxDB: set up once, with a token that only its owner can read."""

import stat
from pathlib import Path

import pytest

from monitorme.errors import ConfigError, ListenRefused, MonitorMeError
from monitorme.influxd import PROGRAM_VARIABLE, Influxd
from monitorme.testing import needs


def test_it_is_set_up_once_and_keeps_its_token(tmp_path: Path) -> None:
    needs.influxd()
    influxd = Influxd(folder=tmp_path / "influxdb")
    with influxd:
        token = influxd.token
        assert stat.S_IMODE(influxd.token_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(influxd.folder.stat().st_mode) == 0o700
        influxd.set_up()
    with influxd:
        assert influxd.token == token


def test_the_token_is_in_no_command_and_no_environment(tmp_path: Path) -> None:
    needs.influxd()
    with Influxd(folder=tmp_path / "influxdb") as influxd:
        said = repr((influxd.command(), influxd.environment, influxd.url))
        assert influxd.token not in said


def test_one_that_somebody_else_set_up_says_what_to_do(tmp_path: Path) -> None:
    needs.influxd()
    with Influxd(folder=tmp_path / "influxdb") as influxd:
        influxd.token_file.unlink()
        with pytest.raises(ConfigError, match="mode 600"):
            influxd.set_up()


def test_without_the_program_it_says_where_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRAM_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(ConfigError, match="influxdata"):
        Influxd(folder=tmp_path).command()


def test_it_listens_on_loopback_alone(tmp_path: Path) -> None:
    with pytest.raises(ListenRefused):
        Influxd(folder=tmp_path, host="0.0.0.0")


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    needs.influxd()
    with Influxd(folder=tmp_path / "one") as influxd:
        other = Influxd(folder=tmp_path / "other", port=influxd.port)
        with pytest.raises(MonitorMeError, match=r"\[influxdb\] port"):
            other.require_port()
