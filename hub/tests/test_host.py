"""The host: a batch is acknowledged on return, and one bad message stops nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitorme.contract.payloads import Priority, Service, ServiceState, decode
from monitorme.contract.topics import ServiceTopic
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme.host import Host, birth, subscriptions
from monitorme.messaging import Message
from monitorme.plugin import Context, Plugin, PluginConfig
from monitorme.quarantine import FILE_NAME
from monitorme.testing import MemoryBroker, PluginRun


class EchoConfig(PluginConfig):
    """No settings of its own."""


class Echo(Plugin[EchoConfig]):
    """Notes what it handles; raises on what the test says is bad."""

    name = "echo"
    Config = EchoConfig
    subscriptions = ("monitorme/v1/+/+/event", "test/#")
    bad: frozenset[bytes] = frozenset()
    full = 0

    def start(self) -> None:
        self.handled: list[bytes] = []

    def handle(self, batch: Sequence[Message]) -> None:
        if Echo.full:
            Echo.full -= 1
            raise StorageError("the disk is full")
        for message in batch:
            if message.payload in Echo.bad:
                raise ValueError("cannot handle this")
        self.handled += [message.payload for message in batch]


@pytest.fixture
def echo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PluginRun:
    monkeypatch.setattr(Echo, "bad", frozenset())
    monkeypatch.setattr(Echo, "full", 0)
    return PluginRun(Echo, tmp_path)


def handled(run: PluginRun) -> list[bytes]:
    plugin = run.plugin
    assert isinstance(plugin, Echo)
    return plugin.handled


def test_a_message_that_raises_is_set_aside_and_the_others_are_handled(
    echo: PluginRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Echo, "bad", frozenset({b"2"}))
    elsewhere = echo.broker.connect("elsewhere")
    for number in range(4):
        elsewhere.publish("test/x", str(number).encode())
    echo.settle()
    assert handled(echo) == [b"0", b"1", b"3"]
    assert echo.context.counts["failed"] == 1
    (line,) = (tmp_path / FILE_NAME).read_text().splitlines()
    assert "cannot handle this" in json.loads(line)["reason"]
    echo.restart()
    assert handled(echo) == [], "everything was acknowledged, set aside or not"


def test_a_full_disk_holds_the_batch_until_there_is_room(
    echo: PluginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echo, "full", 3)
    echo.send("test/x", b"kept")
    assert handled(echo) == [b"kept"]
    assert "storage" not in echo.context.trouble
    told = [
        decode(Service, m.payload).trouble
        for m in echo.published("monitorme/v1/service/+/+")
    ]
    assert ("cannot store: the disk is full",) in told
    assert not echo.context.alarms


def test_a_technical_alarm_is_reported_at_once_and_until_it_is_over(
    echo: PluginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitorme.host.TICK_S", 0)
    context = echo.context

    def told(*, after_ms: int) -> Service:
        echo.now_ms += after_ms
        echo.host.step(timeout_s=0)
        return decode(Service, echo.published("monitorme/v1/service/+/+")[-1].payload)

    assert told(after_ms=0).alarms == ()
    context.alarm("disk", "it fills", Priority.MEDIUM)
    began_ms = echo.now_ms
    (alarm,) = told(after_ms=10).alarms
    assert (alarm.text, alarm.since_ms) == ("it fills", began_ms)
    context.alarm("disk", "it is nearly full", Priority.MEDIUM)
    service = told(after_ms=5_000)
    assert [one.since_ms for one in service.alarms] == [began_ms]
    assert service.trouble == ("it is nearly full",)
    assert [one.code for one in service.troubles] == ["disk"]
    assert service.warnings == (), "what is an alarm is no warning too"
    context.over("disk")
    service = told(after_ms=10)
    assert (service.alarms, service.trouble, service.troubles) == ((), (), ())


def test_what_was_not_acknowledged_comes_again(tmp_path: Path) -> None:
    run = PluginRun(Echo, tmp_path)
    elsewhere = run.broker.connect("elsewhere")
    elsewhere.publish("test/x", b"1")
    assert run.bus.receive(timeout_s=0) is not None  # taken, but never acknowledged
    run.restart()
    assert handled(run) == [b"1"]


def test_filters_are_narrowed_to_the_wards_of_the_instance() -> None:
    assert subscriptions(Echo, ("a",)) == ("monitorme/v1/a/+/event", "test/#")


def test_a_service_is_born_running_and_leaves_offline(tmp_path: Path) -> None:
    broker = MemoryBroker()
    bus = broker.connect("echo-1")
    context = Context(bus=bus, catalogue=Catalogue.load(), folder=tmp_path)
    plugin = Echo(EchoConfig(), context)
    rounds = iter([False, False, True])
    Host(plugin, bus, born=birth("echo", "1", "9")).run(lambda: next(rounds))
    said = [decode(Service, message.payload) for message in broker.published]
    assert [one.state for one in said] == [
        ServiceState.RUNNING,
        ServiceState.STOPPING,
        ServiceState.OFFLINE,
    ]
    assert said[0].version == "9"
    assert said[0].figures["processor_s"] > 0
    assert str(ServiceTopic("echo", "1")) in broker.retained


def test_a_failing_tick_is_told_and_stops_nothing(
    echo: PluginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Echo, now_ms: int) -> None:
        raise ValueError("clockwork")

    monkeypatch.setattr(Echo, "tick", fail)
    echo.host.step(timeout_s=0)
    assert "clockwork" in echo.context.trouble["tick"]
    echo.send("test/x", b"1")
    assert handled(echo) == [b"1"]
