"""An InfluxDB beside the services: what devices made is there, whoever is killed."""

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitorme import running
from monitorme.contract.vitals import Catalogue
from monitorme.influxd import ORG
from monitorme.testing import needs
from monitorme_recorder.api.lines import for_comparison
from monitorme_recorder.history_store import Period, Series
from monitorme_recorder.influx.history import InfluxHistory
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.verify import Comparison, compare, read_ledger

from .conftest import System, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]

WARD, BEDS = "load-01", 10
EVER = Period(0, 2**53)


def child(system: System, program: str) -> int | None:
    """Return the process of a program that `up` started."""
    assert system.process is not None
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, parent = (folder / "stat").read_text().rpartition(")")[::2]
        except OSError:
            continue
        is_ours = int(parent.split()[1]) == system.process.pid
        if is_ours and name.endswith(f"({program}"):
            return int(folder.name)
    return None


def in_influxdb(system: System, ledger: Path) -> Comparison:
    """Compare a ledger with what InfluxDB has, reading by reading."""
    history = history_of(system)
    try:
        return compare(read_ledger(ledger), stored(history))
    finally:
        history.close()


def history_of(system: System) -> InfluxHistory:
    url = running.require(system.data).influxdb_url
    assert url is not None
    token_file = system.data / "influxdb" / "token"
    settings = InfluxSettings(url=url, org=ORG, token_file=token_file)
    return InfluxHistory(settings, Catalogue.load())


def stored(history: InfluxHistory) -> Iterator[bytes]:
    for number in range(1, BEDS + 1):
        bed = f"bed-{number:02}"
        for vital in history.vitals(WARD, bed):
            for one in history.readings(Series(WARD, bed, vital), EVER):
                yield for_comparison(one)


def test_influxdb_and_recorder_are_killed_and_influxdb_has_everything_once(
    make_system: Callable[..., System], tmp_path: Path
) -> None:
    needs.program("mosquitto")
    needs.influxd()
    system = make_system(more="[influxdb]\nmanaged = true\nport = 0\n")
    token = system.data / "influxdb" / "token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600

    ledger = tmp_path / "ledger.jsonl"
    command = system.sim("load", "--beds", str(BEDS), "--ledger", str(ledger))
    load = subprocess.Popen(
        [*command, "--data", str(tmp_path / "sim"), "--rate-factor", "5"],
        stdout=system.log,
        stderr=system.log,
    )
    eventually(lambda: lines_in_influxdb(system) > 200, "InfluxDB has readings")
    before = child(system, "influxd")
    assert before is not None
    os.kill(before, 9)
    system.kill("recorder")
    eventually(lambda: child(system, "influxd") not in (None, before), "it is back")
    eventually(system.is_running, "the recorder is back")
    load.terminate()
    load.wait(40)

    eventually(lambda: system.verify(ledger)["lost"] == 0, "the journal has all", 40)
    eventually(lambda: in_influxdb(system, ledger).lost == 0, "InfluxDB has all", 40)
    found = in_influxdb(system, ledger)
    assert found.is_exact
    assert found.made > 500

    doctor = system.run("doctor", "--config", str(system.config), check=False).stdout
    assert "InfluxDB: answers at" in doctor
    secret = token.read_text().strip()
    status = system.run("status", "--json", check=False).stdout
    system.log.flush()
    said = Path(system.log.name).read_text(encoding="utf-8", errors="replace")
    assert secret not in doctor + status + said
    assert system.down() == 0


def lines_in_influxdb(system: System) -> int:
    counts: dict[str, int] = system.service("recorder")["counts"]
    return counts.get("influxdb_lines", 0)
