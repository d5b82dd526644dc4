"""The packets on the hot path, beside paho's own parser; and what the bus bears."""

import contextlib
import itertools
import socket
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from monitorme.bus import BusSettings, MqttBus
from monitorme.errors import BusError
from monitorme.mqtt.outgoing import MAX_WAITING, Outgoing
from monitorme.mqtt.packets import (
    MalformedPacket,
    acknowledgements,
    as_duplicate,
    publish_packet,
    remaining_length,
    walk,
)
from monitorme.testing import needs
from monitorme.testing.brokers import bus_on, running_broker

topic_names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)


def qos_1(
    topic: str, payload: bytes, packet_id: int, retain: bool, duplicate: bool
) -> bytes:
    packet = publish_packet(topic.encode(), payload, packet_id, retain=retain)
    return as_duplicate(packet) if duplicate else packet


publishes = st.builds(
    qos_1,
    topic_names,
    st.binary(max_size=300),
    st.integers(1, 65_535),
    st.booleans(),
    st.booleans(),
)


def qos_0(topic: str, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic.encode() + payload
    return b"\x30" + remaining_length(len(body)) + body


packets = st.one_of(
    publishes,
    st.builds(qos_0, topic_names, st.binary(max_size=200)),
    st.integers(1, 65_535).map(lambda number: b"\x40\x02" + number.to_bytes(2, "big")),
    st.just(b"\xd0\x00"),
    st.integers(1, 99).map(lambda n: b"\x90\x03" + n.to_bytes(2, "big") + b"\x01"),
)
Seen = tuple[str, int, int, bool, bool, bytes]


class PahoReader(paho.Client):
    """paho's own parser, fed from a stream of bytes."""

    def __init__(self) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, manual_ack=True)
        self.seen: list[Seen] = []
        self.confirmed: list[int] = []
        self._stream = b""
        self.on_message = self._note
        self._sock = self  # type: ignore[assignment]  # this object is its own socket

    def _note(
        self, client: object, userdata: object, message: paho.MQTTMessage
    ) -> None:
        self.seen.append(
            (
                message.topic,
                message.qos,
                message.mid,
                message.retain,
                message.dup,
                message.payload,
            )
        )

    def recv(self, size: int) -> bytes:
        if not self._stream:
            raise BlockingIOError
        taken, self._stream = self._stream[:size], self._stream[size:]
        return taken

    def send(self, data: bytes) -> int:
        return len(data)

    def close(self) -> None:
        self._stream = b""

    def _handle_pubackcomp(self, cmd: object) -> MQTTErrorCode:
        self.confirmed.append(int.from_bytes(self._in_packet["packet"][:2], "big"))
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def read(self, data: bytes) -> None:
        self._stream += data
        while self._stream:
            self._packet_read()
        self._sock = None


def walk_all(parts: list[bytes]) -> tuple[list[Seen], list[int], bytes]:
    seen: list[Seen] = []
    confirmed: list[int] = []
    rest = b""
    for part in parts:
        walked = walk(rest + part)
        rest = walked.rest
        confirmed += walked.confirmed
        for topic, packet_id, payload, first in walked.publishes:
            qos = first >> 1 & 3
            mid = int.from_bytes(packet_id, "big")
            flags = (bool(first & 1), bool(first & 8))
            seen.append((topic.decode(), qos, mid, *flags, payload))
    return seen, confirmed, rest


@given(st.lists(packets, max_size=12), st.lists(st.integers(0, 4_000), max_size=6))
def test_the_walk_finds_what_paho_finds_wherever_it_is_cut(
    stream: list[bytes], cuts: list[int]
) -> None:
    data = b"".join(stream)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in itertools.pairwise(edges)]
    reader = PahoReader()
    reader.read(data)
    assert walk_all(parts) == (reader.seen, reader.confirmed, b"")


@given(st.binary(max_size=200))
def test_garbage_is_told_or_waited_for_but_never_breaks_it(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        walk(data)


@given(st.lists(packets, min_size=1, max_size=5), st.data())
def test_half_a_packet_waits_for_its_other_half(
    stream: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(stream)
    cut = data.draw(st.integers(0, len(whole)))
    first = walk(whole[:cut])
    second = walk(first.rest + whole[cut:])
    assert second.rest == b""
    complete = walk(whole)
    assert first.publishes + second.publishes == complete.publishes
    assert first.others + second.others == complete.others


@pytest.mark.parametrize(
    "data",
    [
        b"\x32\xff\xff\xff\xff\x01",
        b"\x32\x05\x00\x09abc",
        b"\x32\x01\x00",
        b"\x40\x03\x00\x01\x02",
        b"\x32\xff\xff\xff\x7f",
    ],
)
def test_what_is_no_mqtt_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        walk(data)


def test_acknowledgements_are_written_in_one_run() -> None:
    assert (
        acknowledgements([b"\x00\x01", b"\x00\x02"])
        == b"\x40\x02\x00\x01\x40\x02\x00\x02"
    )
    assert acknowledgements([]) == b""


def test_the_private_names_of_paho_that_are_overridden_exist() -> None:
    assert callable(paho.Client._create_socket)
    assert callable(paho.Client._mid_generate)
    assert hasattr(paho.Client(CallbackAPIVersion.VERSION2), "_last_mid")


# What is on its way out ----------------------------------------------------------------


def test_what_waits_runs_when_all_before_it_is_confirmed() -> None:
    outgoing, ran = Outgoing(), []
    outgoing.when_confirmed(lambda: ran.append("at once"))
    outgoing.add(b"t", b"1", retain=False)
    outgoing.add(b"t", b"2", retain=False)
    outgoing.when_confirmed(lambda: ran.append("after both"))
    outgoing.add(b"t", b"3", retain=False)
    assert len(list(outgoing.to_send())) == 3
    outgoing.confirm([1025])
    assert ran == ["at once"]
    outgoing.confirm([1024])
    assert ran == ["at once", "after both"]
    assert not outgoing.is_empty


def test_unconfirmed_packets_are_sent_again_as_duplicates() -> None:
    outgoing = Outgoing()
    outgoing.add(b"t", b"1", retain=True)
    (packet,) = outgoing.to_send()
    (again,) = outgoing.to_send_again()
    assert again[0] == packet[0] | 0x08
    assert again[1:] == packet[1:]


def test_too_much_unconfirmed_is_refused() -> None:
    outgoing = Outgoing()
    for _ in range(MAX_WAITING):
        outgoing.add(b"t", b"", retain=False)
    with pytest.raises(BusError, match="wait for the broker"):
        outgoing.add(b"t", b"", retain=False)


# On a real broker ----------------------------------------------------------------------


@pytest.mark.broker
def test_a_broker_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    needs.program("mosquitto")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    bus = MqttBus(BusSettings("127.0.0.1", port, "early", subscriptions=("t/#",)))
    bus.publish("t/x", b"from before")
    assert not bus.wait_connected(0.3)
    from monitorme.broker.mosquitto import Mosquitto

    broker = Mosquitto(
        host="127.0.0.1", port=port, folder=tmp_path, secret_file=tmp_path / "secret"
    )
    with broker:
        assert bus.wait_connected(10)
        batch = bus.receive(timeout_s=5)
        assert batch is not None
        assert batch.messages[0].payload == b"from before"
        bus.close()


@pytest.mark.broker
def test_what_was_published_survives_the_brokers_death(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        bus = bus_on(broker, "writer")
        broker.kill()
        for number in range(50):
            bus.publish("t/x", b"%d" % number)
        broker.start()
        reader = bus_on(broker, "reader", ["t/#"])
        assert bus.flush(timeout_s=10)
        got: list[bytes] = []
        deadline = time.monotonic() + 10
        while len(got) < 50 and time.monotonic() < deadline:
            batch = reader.receive(timeout_s=0.2)
            got += [message.payload for message in batch.messages] if batch else []
        assert got == [b"%d" % number for number in range(50)]
        bus.close()
        reader.close()


@pytest.mark.broker
def test_many_threads_may_publish(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        bus, reader = bus_on(broker, "writer"), bus_on(broker, "reader", ["t/#"])
        threads = [
            threading.Thread(
                target=lambda n=n: [bus.publish(f"t/{n}", b"x") for _ in range(100)]
            )
            for n in range(5)
        ]
        for thread in threads:
            thread.start()
        count, deadline = 0, time.monotonic() + 10
        while count < 500 and time.monotonic() < deadline:
            bus.flush(timeout_s=0.1)
            batch = reader.receive(timeout_s=0.1)
            if batch is not None:
                count += len(batch.messages)
                reader.acknowledge(batch)
        for thread in threads:
            thread.join()
        assert count == 500
        bus.close()
        reader.close()


@pytest.mark.broker
def test_nonsense_from_a_broker_is_left_and_tried_again() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    connections = 0

    def babble() -> None:
        nonlocal connections
        for _ in range(2):
            connection, _ = listener.accept()
            connections += 1
            connection.sendall(b"\x20\x02\x00\x00" + b"\x32\xff\xff\xff\xff\xff" * 9)
            time.sleep(0.1)
            connection.close()

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    bus = MqttBus(
        BusSettings(*listener.getsockname(), "patient", subscriptions=("t/#",))
    )
    deadline = time.monotonic() + 10
    while connections < 2 and time.monotonic() < deadline:
        bus.receive(timeout_s=0.1)
    bus.close()
    listener.close()
    assert connections == 2
