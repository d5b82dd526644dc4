"""Faults on the running system: nothing confirmed is lost, and the rest goes on."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from monitorme.contract.topics import BedId, DeviceTopic, VitalTopic
from monitorme.testing import needs
from monitorme.testing.brokers import running_broker

from .conftest import System, eventually

pytestmark = [pytest.mark.broker, pytest.mark.slow]

EXACT = {"lost": 0, "doubled": 0, "altered": 0}
PLUGINS = (
    *("registry", "recorder", "analysis", "alerting", "nurse_station"),
    *("record_forwarding", "firmware_bridge"),
)


def assert_exact(system: System, ledger: Path) -> int:
    """Every reading that was made is stored once, as it was made."""

    def is_complete() -> bool:
        return system.verify(ledger)["lost"] == 0

    eventually(is_complete, "every reading is stored", 40)
    found = system.verify(ledger)
    assert {name: found[name] for name in EXACT} == EXACT
    return found["made"]


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_every_plugin_is_killed_and_nothing_is_lost(
    make_system: Callable[..., System], tmp_path: Path, kind: str
) -> None:
    if kind == "mosquitto":
        needs.program("mosquitto")
    system = make_system(broker=kind)
    ledger = tmp_path / "ledger.jsonl"
    command = system.sim("load", "--beds", "20", "--ledger", str(ledger))
    load = subprocess.Popen(
        [*command, "--data", str(tmp_path / "sim")],
        stdout=system.log,
        stderr=system.log,
    )
    for name in PLUGINS:
        before = system.service(name)["pid"]
        system.kill(name)

        def is_back(name: str = name, before: int = before) -> bool:
            found = system.service(name)
            return found["pid"] != before and found["state"] == "running"

        eventually(is_back, f"{name} is back")
        eventually(system.is_running, "the rest never noticed")
    load.terminate()
    load.wait(40)
    made = assert_exact(system, ledger)
    assert made > 500
    assert system.down() == 0


@pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
def test_the_broker_is_killed_and_nothing_is_lost(
    make_system: Callable[..., System], tmp_path: Path, kind: str
) -> None:
    if kind == "mosquitto":
        needs.program("mosquitto")
    system = make_system(broker=kind)
    ledger = tmp_path / "ledger.jsonl"
    command = system.sim("load", "--beds", "20", "--ledger", str(ledger))
    load = subprocess.Popen(
        [*command, "--data", str(tmp_path / "sim"), "--seconds", "12"],
        stdout=system.log,
        stderr=system.log,
    )
    name = "mosquitto -c" if kind == "mosquitto" else "monitorme.broker.embedded"
    for _ in range(2):
        eventually(
            lambda: system.service("recorder")["counts"].get("recorded", 0) > 0,
            "readings come",
        )
        subprocess.run(
            ["pkill", "-9", "-f", f"{name}.*{tmp_path}"], check=True, timeout=5
        )
        eventually(system.is_running, "all services are back")
    load.wait(60)
    assert_exact(system, ledger)


def test_bad_input_is_counted_kept_and_stops_nothing(
    make_system: Callable[..., System], tmp_path: Path
) -> None:
    needs.program("mosquitto")
    system = make_system()
    system.admit("bed-01")
    topic = str(VitalTopic(BedId("ward-a", "bed-01"), "heart_rate"))
    now_ms = system.service("recorder")["time_ms"]

    def reading(seq: int, value: object, **fields: object) -> bytes:
        given = {"device": "d-1", "boot": "b1", "seq": seq, "time_ms": now_ms + seq}
        return json.dumps(
            {**given, "value": value, "quality": "good", **fields}
        ).encode()

    sent: list[tuple[str, bytes]] = [
        (topic, reading(1, 72)),
        (topic, reading(1, 72)),  # a duplicate
        (topic, reading(4, 75)),  # before 2 and 3: reordered
        (topic, reading(2, 73)),
        (topic, reading(3, 74)),
        (topic, b"\xff\x00 not JSON"),
        (topic, b'{"device":"d-1","boot":"b1","seq":9,"time_ms":1,"value":NaN,'
         b'"quality":"good"}'),
        (topic, reading(5, "fast")),
        (topic, reading(6, 9999)),  # out of range
        (topic, reading(7, 70, time_ms=now_ms + 3_600_000)),  # from the future
        (topic, b" " * (256 * 1024 + 1)),
        ("monitorme/v1/ward-a/bed-01/vital/phlogiston", reading(8, 1)),
        ("monitorme/v9/of/another/world", b"x"),
        (str(DeviceTopic(BedId("ward-a", "bed-01"), "d-1", "status")), b"[]"),
    ]  # fmt: skip
    from monitorme.bus import BusSettings, connect

    settings = BusSettings("127.0.0.1", system.port, "vandal-1", clean_session=True)
    with connect(settings) as bus:
        assert bus.wait_connected(30)
        for where, payload in sent:
            bus.publish(where, payload)
        assert bus.flush(timeout_s=30)
        expected = {
            "recorded": 6,
            "duplicates": 1,
            "refused_unparsable": 2,
            "refused_wrong_kind": 1,
            "refused_oversized": 1,
            "refused_unknown_vital": 1,
            "refused_wrong_type": 1,
            "kept_out_of_range": 1,
            "kept_clock_ahead": 1,
        }

        def is_counted() -> bool:
            counts = system.service("recorder")["counts"]
            return {name: counts.get(name, 0) for name in expected} == expected

        eventually(is_counted, f"the recorder counts {expected}", 20)
    assert system.is_running()
    refused = system.json("recorder", "quarantine")["refused"]
    assert len(refused) == 6
    assert all(one["reason"] for one in refused)


def test_up_is_not_started_twice_and_leaves_nothing_behind(
    make_system: Callable[..., System],
) -> None:
    needs.program("mosquitto")
    system = make_system()
    twice = system.run("up", "--config", str(system.config), check=False)
    assert twice.returncode == 2
    assert "in use by process" in twice.stderr
    assert system.is_running(), "the one that runs is still found"
    pids = [one["pid"] for one in system.services()]
    assert system.down() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_children_end_with_a_killed_up(make_system: Callable[..., System]) -> None:
    needs.program("mosquitto")
    system = make_system()
    pids = [one["pid"] for one in system.services()]
    assert system.process is not None
    system.process.kill()
    system.process.wait()
    eventually(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids),
        "the services end with their supervisor",
    )


def test_an_external_broker_is_used_as_it_is(
    make_system: Callable[..., System], tmp_path: Path
) -> None:
    with running_broker(tmp_path / "elsewhere") as broker:
        system = make_system(broker="external", port=broker.port)
        system.admit("bed-01")
        assert system.json("beds")["beds"][0]["admission"]["mrn"] == "bed-01"
        assert system.down() == 0
        assert broker.pid is not None
        assert Path(f"/proc/{broker.pid}").exists()


def test_a_damaged_journal_rings_for_technicians_until_it_is_seen_to(
    make_system: Callable[..., System],
) -> None:
    needs.program("mosquitto")
    system = make_system()

    def codes() -> list[str]:
        return [one["code"] for one in system.json("alarms")["services"]]

    assert codes() == []
    damaged = system.data / "recorder" / "20990101T00.damaged"
    damaged.write_bytes(b"torn")
    eventually(lambda: codes() == ["journal_damaged"], "the alarm is raised")
    assert "ALARM since" in system.run("status", check=False).stdout
    assert "2099-01-01 00:00" in system.run("alarms").stdout
    damaged.unlink()
    eventually(lambda: codes() == [], "the alarm ends by itself")
