"""A simulated device: what it made is kept until confirmed, whatever the broker does."""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.broker.process import BrokerProcess
from monitorme.bus import MqttBus
from monitorme.contract.payloads import DeviceCommand, DeviceStatus, Durable, decode
from monitorme.contract.readings import Lead, Reading, decode_reading
from monitorme.contract.topics import BedId, DeviceTopic
from monitorme.credentials import load_secret
from monitorme.mqtt.packets import publish_packet
from monitorme.testing.brokers import bus_on, running_broker
from monitorme_device_sim.device import (
    MOST_WAITING,
    Broker,
    DeviceSpec,
    SimulatedDevice,
)
from monitorme_device_sim.fleet import Bed, Fleet, FleetReport
from monitorme_device_sim.ledger import Ledger, ledger_value
from monitorme_device_sim.mqtt import DeviceProtocol, Login, connect_packet
from monitorme_device_sim.source import Sample

BED = BedId("ward-a", "bed-01")


class Beats:
    """A source of so many heart rates, a hundredth of a second apart."""

    vitals = ("heart_rate",)

    def __init__(self, count: int) -> None:
        self._count = count

    def samples(self) -> Iterator[Sample]:
        for number in range(self._count):
            yield Sample(number * 10, "heart_rate", 60.0 + number % 40)


def device(folder: Path, ledger: Ledger | None = None) -> SimulatedDevice:
    return SimulatedDevice(DeviceSpec("d-1", BED, ("heart_rate",)), folder, ledger)


class Hub(threading.Thread):
    """A recorder in small: notes readings, and confirms them if told to."""

    def __init__(self, broker: BrokerProcess, *, confirms: bool = True) -> None:
        super().__init__(daemon=True)
        self._bus: MqttBus = bus_on(broker, "hub", ["monitorme/v1/+/+/#"])
        self.confirms = confirms
        self._ending = threading.Event()
        self.readings: dict[tuple[str, int], Reading] = {}
        self.times: dict[tuple[str, int], int] = {}
        self.states: list[DeviceStatus] = []
        self.start()

    def run(self) -> None:
        while not self._ending.is_set():
            batch = self._bus.receive(timeout_s=0.1)
            if batch is None:
                continue
            for message in batch.messages:
                self._take(message.topic, message.payload)
            self._bus.acknowledge(batch)
        self._bus.close()

    def _take(self, topic: str, payload: bytes) -> None:
        if "/vital/" in topic:
            reading = decode_reading(payload)
            name = (reading.boot, reading.seq)
            self.readings[name] = reading
            self.times[name] = self.times.get(name, 0) + 1
            if self.confirms:
                durable = Durable(
                    device=reading.device, boot=reading.boot, seq=self.through(name[0])
                )
                _, _, ward, bed, *_ = topic.split("/")
                where = DeviceTopic(BedId(ward, bed), reading.device, "durable")
                self._bus.publish(where, durable)
        elif topic.endswith("/status") and payload:
            self.states.append(decode(DeviceStatus, payload))

    def through(self, boot: str) -> int:
        seq = 0
        while (boot, seq + 1) in self.readings:
            seq += 1
        return seq

    def say(self, channel: str, payload: DeviceCommand) -> None:
        assert channel == "command"
        self._bus.publish(DeviceTopic(BED, "d-1", "command"), payload)

    def end(self) -> None:
        self._ending.set()
        self.join(5)


def run_fleet(
    made: SimulatedDevice,
    broker: BrokerProcess,
    count: int,
    *,
    meanwhile: Callable[[], None] | None = None,
) -> FleetReport:
    where = Broker(broker.host, broker.port, load_secret(broker.secret_file))
    fleet = Fleet([Bed(Beats(count), [made])], where)
    thread = threading.Thread(target=meanwhile) if meanwhile else None
    if thread:
        thread.start()
    report = asyncio.run(fleet.run(asyncio.Event(), None))
    if thread:
        thread.join()
    return report


@pytest.mark.broker
def test_every_reading_arrives_and_is_forgotten_when_confirmed(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        hub = Hub(broker)
        ledger_path = tmp_path / "ledger.jsonl"
        with Ledger(ledger_path) as ledger:
            report = run_fleet(device(tmp_path / "d", ledger), broker, 100)
        hub.end()
    assert (report.made, report.unconfirmed) == (100, 0)
    assert [seq for _, seq in sorted(hub.readings)] == list(range(1, 101))
    lines = [json.loads(line) for line in ledger_path.read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 101))
    assert lines[0]["bed"] == "ward-a/bed-01"
    assert [one.state for one in hub.states] == ["online", "offline"]


@pytest.mark.broker
def test_the_broker_dies_in_mid_stream_and_nothing_is_lost(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        hub = Hub(broker)

        def kill_twice() -> None:
            for _ in range(2):
                time.sleep(0.5)
                broker.kill()
                time.sleep(0.3)
                broker.start()

        report = run_fleet(device(tmp_path / "d"), broker, 300, meanwhile=kill_twice)
        hub.end()
    assert report.unconfirmed == 0
    assert {seq for _, seq in hub.readings} == set(range(1, 301))
    assert report.resent > 0


@pytest.mark.broker
def test_a_restarted_device_sends_what_its_last_boot_left(tmp_path: Path) -> None:
    first = device(tmp_path / "d")
    for sample in Beats(20).samples():
        first.take(sample, 1_796_000_000_000 + sample.at_ms)
    first.outbox.close()  # it dies without ever having been connected
    with running_broker(tmp_path) as broker:
        hub = Hub(broker)
        again = device(tmp_path / "d")
        report = run_fleet(again, broker, 10)
        hub.end()
    assert again.boot != first.boot
    assert {seq for boot, seq in hub.readings if boot == first.boot} == set(
        range(1, 21)
    )
    assert {seq for boot, seq in hub.readings if boot == again.boot} == set(
        range(1, 11)
    )
    assert report.unconfirmed == 0


@pytest.mark.broker
def test_a_disk_that_refuses_holds_its_device_and_no_other(tmp_path: Path) -> None:
    refused = device(tmp_path / "refused")
    other = SimulatedDevice(
        DeviceSpec("d-2", BedId("ward-a", "bed-02"), ("heart_rate",)), tmp_path / "d-2"
    )
    (tmp_path / "refused").rmdir()

    def mend() -> None:
        while other.made < 50:
            time.sleep(0.01)
        held.append((refused.made, refused.waiting))
        (tmp_path / "refused").mkdir()

    held: list[tuple[int, int]] = []
    with running_broker(tmp_path) as broker:
        hub = Hub(broker)
        where = Broker(broker.host, broker.port, load_secret(broker.secret_file))
        beds = [Bed(Beats(100), [refused]), Bed(Beats(100), [other])]
        thread = threading.Thread(target=mend)
        thread.start()
        report = asyncio.run(Fleet(beds, where).run(asyncio.Event(), None))
        thread.join()
        hub.end()
    ((made, waiting),) = held
    assert made == 0
    assert waiting > 0
    assert (report.made, report.unconfirmed, report.unkept) == (200, 0, 0)
    for one in (refused, other):
        seqs = {seq for boot, seq in hub.readings if boot == one.boot}
        assert seqs == set(range(1, 101))


def test_what_waits_too_long_for_the_disk_is_let_go_and_counted(tmp_path: Path) -> None:
    refused = device(tmp_path / "refused")
    (tmp_path / "refused").rmdir()
    for sample in Beats(MOST_WAITING + 3).samples():
        refused.take(sample, sample.at_ms)
    assert (refused.waiting, refused.let_go, refused.made) == (MOST_WAITING, 3, 0)
    (tmp_path / "refused").mkdir()
    refused.check()
    assert (refused.waiting, refused.made) == (0, MOST_WAITING)
    assert refused.outbox.held_seqs(refused.boot)[:2] == [1, 2]


@pytest.mark.broker
def test_what_is_asked_for_again_is_sent_again(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        hub = Hub(broker, confirms=False)
        made = device(tmp_path / "d")

        def ask() -> None:
            while len(hub.readings) < 50:
                time.sleep(0.01)
            again = DeviceCommand(verb="resend", boot=made.boot, from_seq=40)
            hub.say("command", again)
            while hub.times[made.boot, 40] < 2:
                time.sleep(0.01)
            hub.confirms = True

        run_fleet(made, broker, 100, meanwhile=ask)
        hub.end()
    assert hub.times[made.boot, 39] == 1
    assert hub.times[made.boot, 45] == 2


def test_a_waveforms_value_is_a_checksum_in_the_ledger() -> None:
    block = {"II": Lead(250.0, "mV", 0.005, [1, 2, 3])}
    value = ledger_value(dict(block))
    assert isinstance(value, dict)
    assert set(value) == {"crc32"}
    assert ledger_value(72.0) == 72.0
    assert ledger_value({"systolic": 120.0}) == {"systolic": 120.0}


LOGIN = Login("d-1", "secret", "will", b"dead", ("a/b",))


@given(
    st.lists(st.integers(0, 200), max_size=6),
    st.lists(st.binary(max_size=40), max_size=5),
)
def test_where_the_hubs_words_are_cut_makes_no_difference(
    cuts: list[int], payloads: list[bytes]
) -> None:
    stream = b"\x20\x02\x00\x00\x90\x03\x00\x01\x01" + b"".join(
        publish_packet(b"a/b", payload, number)
        for number, payload in enumerate(payloads, 1)
    )

    async def feed() -> list[bytes]:
        heard: list[bytes] = []
        protocol = DeviceProtocol(LOGIN, lambda _, payload: heard.append(payload))
        edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
        for start, end in itertools.pairwise(edges):
            protocol.data_received(stream[start:end])
        assert protocol.ready.done()
        return heard

    assert asyncio.run(feed()) == payloads


def test_a_broker_that_acknowledges_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("monitorme_device_sim.mqtt.time.monotonic", lambda: now_s)

    class Wire(asyncio.Transport):
        aborted = False

        def write(self, data: bytes | bytearray | memoryview) -> None:
            """Swallow it."""

        def is_closing(self) -> bool:
            return False

        def abort(self) -> None:
            self.aborted = True

    async def run() -> list[bool]:
        nonlocal now_s
        wire, seen = Wire(), []
        protocol = DeviceProtocol(LOGIN, lambda *_: None)
        protocol.connection_made(wire)
        protocol.data_received(b"\x20\x02\x00\x00\x90\x03\x00\x01\x01")
        protocol.publish(b"a/b", b"x")
        for _ in range(3):
            now_s += LOGIN.keepalive_s * 0.7
            protocol.keep_alive()
            protocol.data_received(b"\xd0\x00")  # it answers pings all the same
            seen.append(wire.aborted)
        return seen

    assert asyncio.run(run()) == [False, False, True]


def test_a_device_says_who_it_is_and_what_its_death_would_mean() -> None:
    packet = connect_packet(LOGIN)
    assert packet[0] == 0x10
    for part in (b"MQTT", b"d-1", b"will", b"dead", b"secret"):
        assert len(part).to_bytes(2, "big") + part in packet


def test_a_run_is_repeatable_by_its_seed(tmp_path: Path) -> None:
    script = (
        "from monitorme_device_sim.ward import demo_ward\n"
        "import itertools\n"
        "for bed in demo_ward(7, 4):\n"
        "    print(list(itertools.islice(bed.patient(43200.0).samples(), 40)))\n"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
