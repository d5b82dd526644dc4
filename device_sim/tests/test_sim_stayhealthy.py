"""The simulated StayHealthy device, against a bridge of the test's own making.

The bridge is no part of this: what is said here is read by the document alone.
"""

import itertools
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.readings import Reading
from monitorme_device_sim.source import Sample
from monitorme_device_sim.stayhealthy import StayHealthyDevice
from monitorme_device_sim.stayhealthy_frames import (
    Answer,
    AnswerReader,
    frame,
    hello,
    record,
    records,
)

ROOT = Path(__file__).parents[2]
LOOPBACK = ("127.0.0.1", 0)


def documented(what: str) -> bytes:
    text = (ROOT / "docs" / "stayhealthy-protocol.md").read_text(encoding="utf-8")
    found = re.search(rf"```hex {what}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return bytes.fromhex(found[1])


class Beats:
    """A heart rate every millisecond, so many of them."""

    vitals = ("heart_rate",)

    def __init__(self, count: int) -> None:
        self._count = count

    def samples(self) -> Iterator[Sample]:
        for n in range(1, self._count + 1):
            yield Sample(n, "heart_rate", float(n % 200))


@contextmanager
def running(made: StayHealthyDevice) -> Iterator[StayHealthyDevice]:
    ending = threading.Event()
    thread = threading.Thread(target=made.run, args=(ending,))
    thread.start()
    try:
        yield made
    finally:
        ending.set()
        thread.join()


class Bridge:
    """Reads frames from a socket; checks every one by the document."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(10)

    def read(self) -> tuple[int, bytes]:
        head = self._exactly(8)
        magic, version, kind, length, _ = struct.unpack(">2sBBHH", head)
        assert (magic, version) == (b"SH", 1)
        payload, check = self._exactly(length), self._exactly(4)
        assert int.from_bytes(check, "big") == zlib.crc32(head + payload)
        return kind, payload

    def greeted(self) -> tuple[int, int]:
        """Return boot and oldest seq of the hello that comes next."""
        kind, payload = self.read()
        assert kind == 1
        boot, oldest = struct.unpack_from(">QQ", payload)
        return boot, oldest

    def seqs(self, through: int) -> list[int]:
        """Return the seqs of the records that come, up to one."""
        found: list[int] = []
        while not found or found[-1] < through:
            kind, payload = self.read()
            assert kind == 2
            _, first, count = struct.unpack_from(">QQB", payload)
            found += range(first, first + count)
        return found

    def say(self, kind: str, boot: int, seq: int) -> None:
        self.connection.sendall(frame(kind, struct.pack(">QQ", boot, seq)))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.connection.recv(count - len(data))
            assert more, "the device has closed the connection"
            data += more
        return data


@contextmanager
def bridge_to(made: StayHealthyDevice) -> Iterator[Bridge]:
    with socket.create_connection(made.address, 10) as connection:
        yield Bridge(connection)


def eventually(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def test_the_examples_of_the_document_are_what_a_device_says() -> None:
    said = hello(
        *(42, 7, "sh-1"),
        model="SH-100",
        firmware="1.0",
        vitals=("heart_rate", "oxygen_saturation"),
    )
    assert said == documented("hello")
    time_ms = 1_796_000_000_123
    first = record(Sample(0, "heart_rate", 72.0), time_ms)
    lost = Sample(0, "oxygen_saturation", None, "invalid", "probe_off")
    assert records(42, 7, [first, record(lost, time_ms + 500)]) == documented("records")
    assert list(AnswerReader().feed(documented("kept"))) == [Answer("kept", 42, 8)]


@given(st.binary(max_size=60), st.lists(st.integers(0, 120), max_size=4))
def test_answers_are_read_whole_behind_garbage(garbage: bytes, cuts: list[int]) -> None:
    stream = garbage + documented("kept") + frame("resend", struct.pack(">QQ", 42, 3))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = AnswerReader()
    found = [
        answer
        for start, end in itertools.pairwise(edges)
        for answer in reader.feed(stream[start:end])
    ]
    assert found == [Answer("kept", 42, 8), Answer("resend", 42, 3)]


def test_what_is_not_kept_is_sent_again_after_a_reconnect() -> None:
    with running(StayHealthyDevice(Beats(50), listen=LOOPBACK)) as made:
        with bridge_to(made) as bridge:
            boot, oldest = bridge.greeted()
            assert (f"{boot:016x}", oldest) == (made.boot, 1)
            assert bridge.seqs(50) == list(range(1, 51))
            bridge.say("kept", boot, 20)
            bridge.say("kept", boot + 1, 40)  # of another boot: none of its business
            eventually(lambda: made.kept_through == 20)
        with bridge_to(made) as bridge:
            assert bridge.greeted() == (boot, 21)
            assert bridge.seqs(50) == list(range(21, 51))
            bridge.say("kept", boot, 50)
            eventually(lambda: made.unkept == 0)
        with bridge_to(made) as bridge:
            assert bridge.greeted() == (boot, 51), "the seq that it will use next"


def test_it_sends_again_when_asked() -> None:
    with (
        running(StayHealthyDevice(Beats(50), listen=LOOPBACK)) as made,
        bridge_to(made) as bridge,
    ):
        boot, _ = bridge.greeted()
        bridge.seqs(50)
        bridge.say("resend", boot, 31)
        assert bridge.seqs(50) == list(range(31, 51))


def test_it_says_hello_where_what_is_asked_for_is_gone() -> None:
    with (
        running(StayHealthyDevice(Beats(50), listen=LOOPBACK, max_unkept=10)) as made,
        bridge_to(made) as bridge,
    ):
        boot, _ = bridge.greeted()
        bridge.seqs(50)
        bridge.say("resend", boot, 1)
        assert bridge.greeted() == (boot, 41)
        assert bridge.seqs(50) == list(range(41, 51))


def test_a_reading_is_written_down_as_the_hub_will_have_it() -> None:
    class Fevers:
        vitals = ("body_temperature",)

        def samples(self) -> Iterator[Sample]:
            yield Sample(1, "body_temperature", 37.0004)
            yield Sample(2, "body_temperature", None, "invalid", "probe_off")

    told: list[tuple[str, Reading]] = []
    device = StayHealthyDevice(
        Fevers(),
        listen=LOOPBACK,
        device="sh-7",
        on_made=lambda vital, reading: told.append((vital, reading)),
    )
    with running(device) as made:
        eventually(lambda: made.made == 2)
    (vital, first), (_, lost) = told
    assert (vital, first.value, lost.value) == ("body_temperature", 37.0, None)
    assert (first.device, first.boot, first.seq) == ("sh-7", made.boot, 1)
    assert (lost.seq, lost.quality, lost.reason) == (2, "invalid", "probe_off")
    assert lost.time_ms - first.time_ms == 1


def test_it_calls_until_the_bridge_is_there() -> None:
    with socket.create_server(LOOPBACK) as free:
        address = free.getsockname()
    with running(StayHealthyDevice(Beats(5), connect=address)) as made:
        eventually(lambda: made.made == 5)
        with socket.create_server(address) as server:
            server.settimeout(10)
            connection, _ = server.accept()
            with connection:
                bridge = Bridge(connection)
                assert bridge.greeted()[1] == 1
                assert bridge.seqs(5) == [1, 2, 3, 4, 5]


def test_the_command_listens_and_reports() -> None:
    command = [sys.executable, "-m", "monitorme", "sim", "stayhealthy", "--json"]
    process = subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0", "--seconds", "0.2", "--device", "sh-9"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        port = int(process.stderr.readline().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            bridge = Bridge(connection)
            bridge.greeted()
            bridge.seqs(1)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    figures = json.loads(out)
    assert figures["made"] == figures["unkept"] > 0


@pytest.mark.parametrize("address", ["0.0.0.0:7070", "127.0.0.1", "127.0.0.1:99999"])
def test_an_address_that_cannot_be_is_refused(address: str) -> None:
    command = [sys.executable, "-m", "monitorme", "sim", "stayhealthy"]
    done = subprocess.run(
        [*command, "--listen", address], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr
