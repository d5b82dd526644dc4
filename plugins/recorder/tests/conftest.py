"""What many tests of the recorder begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitorme.influxd import Influxd
from monitorme.testing import START_MS, PluginRun
from monitorme.testing.influxdb import running_influxdb
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.plugin import Recorder


@pytest.fixture
def run(tmp_path: Path) -> Iterator[PluginRun]:
    """Run a recorder."""
    started = PluginRun(
        Recorder, tmp_path / "recorder", config=RecorderConfig(port=0), now_ms=START_MS
    )
    yield started
    started.stop()


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """Run an InfluxDB for the tests of a file."""
    with running_influxdb(tmp_path_factory.mktemp("influxd")) as server:
        yield server
