"""Lines: what breaks, floods or babbles on one harms no other, and nothing kept is lost."""

import json
import os
import pty
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitorme.contract.payloads import DeviceCommand, DeviceStatus, Durable
from monitorme.contract.readings import Reading, decode_reading
from monitorme.contract.topics import BedId, DeviceTopic, vital_filter
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ConfigError, ContractError, ListenRefused
from monitorme.outbox import Outbox
from monitorme.testing import PluginRun, needs
from monitorme_device_sim import stayhealthy_frames as device
from monitorme_device_sim.physiology.patient import Patient
from monitorme_device_sim.physiology.profile import Profile
from monitorme_device_sim.source import Sample
from monitorme_device_sim.stayhealthy import StayHealthyDevice
from monitorme_firmware_bridge.config import FirmwareBridgeConfig, LineConfig
from monitorme_firmware_bridge.decoder import Measurement
from monitorme_firmware_bridge.measured import reading_of
from monitorme_firmware_bridge.numbering import Numbering
from monitorme_firmware_bridge.plugin import FirmwareBridge
from monitorme_firmware_bridge.sources import Ended, Over, find_source
from monitorme_firmware_bridge.throttle import Throttle

BED = BedId("ward-a", "bed-01")


def line(source: str, device: str = "sh-1", **more: object) -> LineConfig:
    fields = {"device": device, "ward": "ward-a", "bed": "bed-01", "source": source}
    return LineConfig.model_validate({"decoder": "stayhealthy", **fields, **more})


def bridge(
    folder: Path, *lines: LineConfig, wards: tuple[str, ...] = (), **more: float
) -> PluginRun:
    fields = {"longest_retry_s": 0.3, **more}
    config = FirmwareBridgeConfig.model_validate(
        {"lines": [one.model_dump() for one in lines], "wards": wards, **fields}
    )
    return PluginRun(FirmwareBridge, folder, config=config)


def patient() -> Patient:
    return Patient(Profile.drawn(1), 1)


@contextmanager
def simulated(
    seconds: float, *, connect: tuple[str, int] | None = None, name: str = "sh-1"
) -> Iterator[StayHealthyDevice]:
    made = StayHealthyDevice(
        patient(),
        listen=None if connect else ("127.0.0.1", 0),
        connect=connect,
        device=name,
        speed=20,
    )
    ending = threading.Event()
    thread = threading.Thread(
        target=made.run, args=(ending,), kwargs={"seconds": seconds}
    )
    thread.start()
    try:
        yield made
    finally:
        ending.set()
        thread.join()


def tcp(made: StayHealthyDevice) -> str:
    return f"tcp://127.0.0.1:{made.address[1]}"


def eventually(check: Callable[[], bool], run: PluginRun | None = None) -> None:
    deadline = time.monotonic() + 15
    while not check():
        assert time.monotonic() < deadline, "it never came to be"
        if run is not None:
            run.settle()
            run.plugin.tick(run.now_ms)
        time.sleep(0.02)


def readings(run: PluginRun) -> dict[tuple[str, int], bytes]:
    """Return what was published; the same name always has the same content."""
    found: dict[tuple[str, int], bytes] = {}
    for message in run.published(vital_filter()):
        one = decode_reading(message.payload)
        assert found.setdefault((one.boot, one.seq), message.payload) == message.payload
    return found


def everything(made: StayHealthyDevice) -> set[tuple[str, int]]:
    return {(made.boot, seq) for seq in range(1, made.made + 1)}


def status(run: PluginRun, name: str = "sh-1") -> DeviceStatus | None:
    return run.last(DeviceTopic(BED, name, "status"), DeviceStatus)


def speak(run: PluginRun, boot: str, seq: int, name: str = "sh-1") -> None:
    topic = DeviceTopic(BED, name, "durable")
    run.send(topic, Durable(device=name, boot=boot, seq=seq))


class Peer:
    """A device under a test's own control: it says exactly what the test says."""

    def __init__(self, port: int, boot: int = 42) -> None:
        self.boot = boot
        self._answers = device.AnswerReader()
        deadline = time.monotonic() + 10
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", port), 5)
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def hello(self, oldest_seq: int = 1, name: str = "sh-1") -> None:
        vitals = ("heart_rate",)
        self.say(
            device.hello(
                self.boot, oldest_seq, name, model="m", firmware="7", vitals=vitals
            )
        )

    def records(self, *seqs: int) -> None:
        for seq in seqs:
            sample = Sample(0, "heart_rate", float(60 + seq))
            self.say(device.records(self.boot, seq, [device.record(sample, 1_000)]))

    def hears(self, kind: str, seq: int) -> None:
        self.connection.settimeout(10)
        while True:
            data = self.connection.recv(4096)
            assert data, f"closed before {kind} {seq}"
            for answer in self._answers.feed(data):
                if (answer.kind, answer.seq) == (kind, seq):
                    return


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# Numbers -------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 5))
def test_whatever_comes_is_kept_once_and_in_order(seqs: list[int], oldest: int) -> None:
    numbering = Numbering({})
    numbering.greet("b", oldest)
    kept = [seq for seq in seqs if numbering.place("b", seq) == "next"]
    assert kept == list(range(oldest, oldest + len(kept)))
    assert numbering.kept_through("b") == oldest + len(kept) - 1


def test_what_is_beyond_a_gap_on_disk_is_asked_for_again() -> None:
    numbering = Numbering({"b": [4, 5, 6, 9]})
    assert numbering.next_seq("b") == 7
    assert numbering.greet("b", 3) == 0
    assert [numbering.place("b", seq) for seq in (3, 9, 7)] == [
        *("repeated", "beyond", "next")
    ]
    assert numbering.greet("b", 20) == 12, "so many the device no longer has"


def test_what_could_not_be_kept_is_expected_again() -> None:
    numbering = Numbering({})
    for seq in range(1, 9):
        numbering.place("b", seq)
    numbering.not_kept("b", 7)
    numbering.not_kept("b", 5)
    assert numbering.kept_through("b") == 4
    assert numbering.place("b", 9) == "next", "the screen goes on meanwhile"
    assert numbering.recover("b")
    assert (numbering.kept_through("b"), numbering.next_seq("b")) == (4, 5)
    numbering.not_kept("b", 5)
    numbering.greet("b", 5)
    assert numbering.next_seq("b") == 5


def test_a_flood_waits_and_a_calm_line_does_not() -> None:
    throttle = Throttle(1_000)
    assert throttle.wait_s(500, 100.0) == 0
    assert throttle.wait_s(1_500, 100.0) == 0, "two seconds' worth at once"
    assert throttle.wait_s(500, 100.0) == pytest.approx(0.5)
    assert throttle.wait_s(10, 200.0) == 0


@pytest.mark.parametrize(
    ("measured", "value", "reason"),
    [
        (Measurement("heart_rate", 72.0), 72.0, None),
        (Measurement("heart_rate", float("nan")), None, "malformed"),
        (Measurement("heart_rate", "fast"), None, "malformed"),
        (Measurement("heart_rate", {}), None, "malformed"),
        (Measurement("sleep_state", "dozing"), None, "malformed"),
        (
            Measurement("blood_pressure", {"systolic": 120.0, "x": 1.0}),
            None,
            "malformed",
        ),
        (Measurement("heart_rate", 72.0, "invalid", "demo"), None, "malformed"),
        (Measurement("heart_rate", None, "invalid", "demo"), None, "demo"),
    ],
)
def test_a_value_that_the_contract_forbids_becomes_invalid(
    measured: Measurement, value: object, reason: str | None
) -> None:
    reading = reading_of(measured, "d-1", ("b", 1), Catalogue.load(), 5)
    assert (reading.value, reading.reason, reading.time_ms) == (value, reason, 5)


@pytest.mark.parametrize(
    ("vital", "name", "time_ms"),
    [
        ("phlogiston", ("b", 1), 1),
        ("heart_rate", ("b", 0), 1),
        ("heart_rate", ("B!", 1), 1),
        ("heart_rate", ("b", 1), 2**64 - 1),
    ],
)
def test_a_measurement_without_a_place_is_refused(
    vital: str, name: tuple[str, int], time_ms: int
) -> None:
    measured = Measurement(vital, 72.0, time_ms=time_ms)
    with pytest.raises(ContractError):
        reading_of(measured, "d-1", name, Catalogue.load(), 5)


# Sources -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    ["tcp://x", "tcp://x:99999", "listen://0.0.0.0:5", "ftp://x:1", "x", "/etc/passwd"],
)
def test_a_source_that_cannot_be_is_refused(source: str) -> None:
    with pytest.raises((ValidationError, ListenRefused)):
        line(source)


def test_two_lines_for_one_device_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than one line for sh-1"):
        FirmwareBridgeConfig(lines=(line("tcp://a:1"), line("tcp://b:1")))


def test_a_serial_line_is_read_written_and_seen_to_hang_up() -> None:
    ours, theirs = pty.openpty()
    stream = find_source(f"{os.ttyname(theirs)}?baud=9600").open()
    assert stream is not None
    with stream:
        raw = bytes(range(256))
        os.write(ours, raw)
        read = b""
        while len(read) < len(raw):
            read += stream.read()
        assert read == raw, "no byte is translated, none is echoed"
        stream.write(b"\x03\x04\n\r")
        assert os.read(ours, 10) == b"\x03\x04\n\r"
        os.close(theirs)
        os.close(ours)
        with pytest.raises(OSError, match=r".+"):
            stream.read()


def test_what_is_no_serial_line_is_said() -> None:
    with pytest.raises(OSError, match="no serial line"):
        find_source("/dev/null").open()
    with pytest.raises(ConfigError, match="no serial speed"):
        find_source("/dev/null?baud=12345")


def test_a_capture_ends_or_begins_again(tmp_path: Path) -> None:
    (tmp_path / "capture").write_text("01 02 0304")
    url = f"file://{tmp_path}/capture?rate=1000&form=hex"
    stream = find_source(url).open()
    assert stream is not None
    assert stream.read() == b"\x01\x02\x03\x04"
    with pytest.raises(Over):
        stream.read()
    again = find_source(url + "&repeat=1").open()
    assert again is not None
    assert again.read() + again.read() == b"\x01\x02\x03\x04" * 2
    with pytest.raises(OSError, match="No such file"):
        find_source(f"file://{tmp_path}/nothing").open()


def test_a_device_that_calls_again_replaces_its_dead_connection() -> None:
    port = free_port()
    source = find_source(f"listen://127.0.0.1:{port}")
    assert source.open() is None, "nobody has called yet"
    with socket.create_connection(("127.0.0.1", port)):
        stream = source.open()
        assert stream is not None
        with socket.create_connection(("127.0.0.1", port)) as second:
            with stream, pytest.raises(Ended, match="called again"):
                stream.read()
            replaced = source.open()
            assert replaced is not None
            second.sendall(b"x")
            assert replaced.read() == b"x"
            replaced.close()
    source.close()


# The running bridge --------------------------------------------------------------------


def test_a_devices_readings_arrive_under_their_own_names(tmp_path: Path) -> None:
    with simulated(0.5) as made:
        run = bridge(tmp_path, line(tcp(made)))
        eventually(lambda: made.made > 30 and made.unkept == 0, run)
        eventually(lambda: set(readings(run)) == everything(made), run)
        born = status(run)
        assert born is not None
        assert (born.state, born.via) == ("online", "firmware-bridge-1")
        assert (born.boot, born.firmware, born.held_from_seq) == (made.boot, "1.0", 1)
        assert set(born.vitals) == set(Catalogue.load())
        eventually(lambda: run.context.figures.get("line_sh_1_connected") == 1, run)
        run.stop()
        dead = status(run)
        assert dead is not None
        assert (dead.state, dead.boot) == ("offline", made.boot)


def test_a_device_may_call_the_bridge(tmp_path: Path) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"))
    eventually(
        lambda: "not called yet" in run.context.trouble.get("line_sh_1", ""), run
    )
    with simulated(0.3, connect=("127.0.0.1", port)) as made:
        eventually(lambda: made.made > 10 and made.unkept == 0, run)
        eventually(lambda: "line_sh_1" not in run.context.trouble, run)
    run.stop()


def test_what_a_device_may_forget_survives_the_death_of_the_bridge(
    tmp_path: Path,
) -> None:
    with simulated(1.0) as made:
        run = bridge(tmp_path, line(tcp(made)))
        eventually(lambda: made.kept_through > 20)
        run.bus.drop()  # from here on nothing that is published arrives
        run.plugin.stop()
        forgotten = made.kept_through
        outbox = Outbox(tmp_path / "sh-1")
        assert set(outbox.held_seqs(made.boot)) >= set(range(1, forgotten + 1))
        outbox.close()
        again = bridge(tmp_path, line(tcp(made)))
        eventually(lambda: made.unkept == 0 and made.made > 60, again)
        eventually(lambda: set(readings(again)) == everything(made), again)
        again.stop()


def test_a_gap_is_asked_for_and_what_is_beyond_it_is_not_confirmed(
    tmp_path: Path,
) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"))
    peer = Peer(port)
    peer.hello()
    peer.records(1, 2)
    peer.hears("kept", 2)
    damaged = bytearray(
        device.records(42, 3, [device.record(Sample(0, "heart_rate", 1.0), 1)])
    )
    damaged[-1] ^= 1
    peer.say(bytes(damaged))
    peer.records(4, 5)
    peer.hears("resend", 3)
    assert sorted(readings(run)) == [(f"{42:016x}", seq) for seq in (1, 2)]
    peer.records(3, 4, 5)
    peer.hears("kept", 5)
    eventually(lambda: len(readings(run)) == 5)
    run.plugin.tick(run.now_ms)
    assert run.context.counts["line_sh_1_refused_wrong_checksum"] == 1
    assert run.context.counts["line_sh_1_beyond"] == 2
    peer.connection.close()
    run.stop()


def test_what_the_device_no_longer_has_is_said_to_be_lost(tmp_path: Path) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"))
    peer = Peer(port)
    peer.hello()
    peer.records(1, 2)
    peer.hears("kept", 2)
    peer.hello(oldest_seq=6)
    peer.records(6)
    peer.hears("kept", 6)
    boot = f"{42:016x}"
    speak(run, boot, 2)
    run.send(
        DeviceTopic(BED, "sh-1", "command"),
        DeviceCommand(verb="resend", boot=boot, from_seq=3),
    )

    def held() -> int | None:
        said = status(run)
        return said.held_from_seq if said else None

    eventually(lambda: held() == 6, run)
    assert run.context.counts["line_sh_1_lost_at_device"] == 3
    peer.connection.close()
    run.stop()


def test_what_the_recorder_confirmed_and_lost_is_given_again(tmp_path: Path) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"))
    peer = Peer(port)
    peer.hello()
    peer.records(1, 2, 3)
    peer.hears("kept", 3)
    boot = f"{42:016x}"
    speak(run, boot, 3)
    eventually(lambda: run.context.figures.get("line_sh_1_unconfirmed") == 0, run)
    before = len(run.published(vital_filter()))
    command = DeviceCommand(verb="resend", boot=boot, from_seq=2)
    run.send(DeviceTopic(BED, "sh-1", "command"), command)

    def again() -> list[int]:
        sent = run.published(vital_filter())[before:]
        return [decode_reading(message.payload).seq for message in sent]

    eventually(lambda: again() == [2, 3], run)
    peer.connection.close()
    run.stop()


def test_a_resend_of_an_old_boot_is_obeyed_and_is_no_birth(tmp_path: Path) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"), keep_confirmed_s=0)
    old, new = Peer(port), 43
    old.hello()
    old.records(1, 2)
    old.hears("kept", 2)
    old.connection.close()
    peer = Peer(port, boot=new)
    peer.hello()
    peer.records(1)
    peer.hears("kept", 1)
    boot = f"{42:016x}"
    speak(run, boot, 1)
    before = len(run.published(vital_filter()))
    command = DeviceCommand(verb="resend", boot=boot, from_seq=1)
    run.send(DeviceTopic(BED, "sh-1", "command"), command)

    def again() -> Sequence[Reading]:
        sent = run.published(vital_filter())[before:]
        return [decode_reading(message.payload) for message in sent]

    eventually(lambda: [(one.boot, one.seq) for one in again()] == [(boot, 2)], run)
    said = [
        DeviceStatus.model_validate_json(message.payload)
        for message in run.published(str(DeviceTopic(BED, "sh-1", "status")))
    ]
    assert (said[-2].boot, said[-2].held_from_seq) == (boot, 2)
    assert (said[-1].boot, said[-1].state) == (f"{new:016x}", "online")
    peer.connection.close()
    run.stop()


def test_durable_empties_the_outbox_and_the_rest_is_sent_again(tmp_path: Path) -> None:
    with simulated(0.3) as made:
        run = bridge(tmp_path, line(tcp(made)), resend_after_s=0.2)
        eventually(lambda: made.made > 10 and made.unkept == 0, run)
        before = len(run.published(vital_filter()))
        eventually(lambda: len(run.published(vital_filter())) > before, run)

        def is_empty() -> bool:
            speak(run, made.boot, made.made)
            return run.context.figures.get("line_sh_1_unconfirmed") == 0

        eventually(is_empty, run)
        assert set(readings(run)) == everything(made)
        run.stop()


def test_a_steady_device_does_not_keep_the_unconfirmed_from_going_again(
    tmp_path: Path,
) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"), resend_after_s=0.3)
    peer = Peer(port)
    peer.hello()
    seqs = iter(range(1, 1_000))

    def first_again() -> bool:
        peer.records(next(seqs))
        time.sleep(0.02)
        sent = [decode_reading(m.payload).seq for m in run.published(vital_filter())]
        return sent.count(1) > 1

    eventually(first_again)
    peer.connection.close()
    run.stop()


def test_a_wrong_device_on_the_line_is_not_published(tmp_path: Path) -> None:
    with simulated(0.3, name="sh-2") as made:
        run = bridge(tmp_path, line(tcp(made)))
        eventually(lambda: "'sh-2'" in run.context.trouble.get("line_sh_1", ""), run)
        assert made.unkept == made.made
        assert readings(run) == {}
        assert status(run) is None
        run.stop()
        named = bridge(tmp_path, line(tcp(made), identity="sh-2"))
        eventually(lambda: made.unkept == 0, named)
        named.stop()


def test_a_full_disk_does_not_darken_the_screen_nor_confirm_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}"))
    peer = Peer(port)
    peer.hello()
    peer.records(1, 2)
    peer.hears("kept", 2)
    with monkeypatch.context() as patch:

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        patch.setattr("os.pwrite", full)
        peer.records(3, 4)
        eventually(lambda: len(readings(run)) == 4)
        eventually(
            lambda: "No space left" in run.context.trouble.get("line_sh_1", ""), run
        )
    peer.records(5)
    peer.hears("resend", 3)
    peer.records(3, 4, 5)
    peer.hears("kept", 5)
    eventually(lambda: "line_sh_1" not in run.context.trouble, run)
    peer.connection.close()
    run.stop()
    outbox = Outbox(tmp_path / "sh-1")
    assert set(outbox.held_seqs(f"{42:016x}")) == {1, 2, 3, 4, 5}
    outbox.close()


def test_what_goes_wrong_on_one_line_harms_no_other(tmp_path: Path) -> None:
    noise = socket.create_server(("127.0.0.1", 0))

    def babble() -> None:
        connection, _ = noise.accept()
        with connection:
            for _ in range(100):
                try:
                    connection.sendall(b"\x00SH\xffgarbage" * 10_000)
                except OSError:
                    return

    babbling = threading.Thread(target=babble)
    babbling.start()
    with simulated(0.5) as made, noise:
        run = bridge(
            tmp_path,
            line(f"tcp://127.0.0.1:{noise.getsockname()[1]}", "bad-1"),
            line(tcp(made)),
            line(f"tcp://127.0.0.1:{free_port()}", "gone-1"),
            line("file:///nowhere", "lost-1", decoder="cms50"),
            line("file:///nowhere", "odd-1", decoder="morse"),
            line("file:///nowhere", "mad-1", decoder="cms50", options={"x": "y"}),
            max_bytes_per_s=50_000.0,
        )
        eventually(lambda: made.made > 10 and made.unkept == 0, run)
        counts, trouble = run.context.counts, run.context.trouble
        eventually(lambda: counts["line_bad_1_refused_no_frame"] > 0, run)
        eventually(lambda: counts["line_bad_1_throttled"] > 0, run)
        eventually(lambda: "refused" in trouble.get("line_gone_1", ""), run)
        eventually(lambda: "No such file" in trouble.get("line_lost_1", ""), run)
        assert "morse" in trouble["line_odd_1"]
        assert "no option x" in trouble["line_mad_1"]
        assert "line_sh_1" not in trouble
        kept = (tmp_path / "bad-1" / "quarantine.jsonl").read_text().splitlines()
        assert json.loads(kept[0])["reason"] == "no_frame"
        assert len(kept) <= 100
        run.stop()
    babbling.join()


def test_a_decoder_that_raises_is_told_and_its_line_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitorme_firmware_bridge.decoders.stayhealthy import StayHealthy

    whole, failures = StayHealthy.feed, iter(range(2))

    def failing(self: StayHealthy, data: bytes, now_ms: int) -> object:
        if next(failures, None) is not None:
            raise IndexError("index out of range")
        return whole(self, data, now_ms)

    monkeypatch.setattr(StayHealthy, "feed", failing)
    with simulated(0.3) as made:
        run = bridge(tmp_path, line(tcp(made)))
        eventually(lambda: made.made > 10 and made.unkept == 0, run)
        eventually(lambda: set(readings(run)) == everything(made), run)
        eventually(lambda: run.context.counts["line_sh_1_broken"] == 2, run)
        run.stop()


def test_a_silent_line_is_connected_anew(tmp_path: Path) -> None:
    port = free_port()
    run = bridge(tmp_path, line(f"listen://127.0.0.1:{port}", silence_s=0.3))
    peer = Peer(port)
    peer.hello()
    eventually(
        lambda: "silent for 0.3 s" in run.context.trouble.get("line_sh_1", ""), run
    )
    said = status(run)
    assert said is not None
    assert said.state == "offline"
    peer.connection.close()
    run.stop()


def test_an_instance_serves_the_lines_of_its_wards_only(tmp_path: Path) -> None:
    elsewhere = line("file:///nowhere", "x-1", ward="ward-b", decoder="cms50")
    here = line("file:///nowhere", "y-1", decoder="cms50")
    run = bridge(tmp_path, elsewhere, here, wards=("ward-a",))
    eventually(lambda: "line_y_1" in run.context.trouble, run)
    assert "line_x_1" not in run.context.trouble
    run.stop()


@pytest.mark.data
def test_a_real_capture_is_published_as_saturation(tmp_path: Path) -> None:
    path = needs.data("cms50") / "titinho11_data"
    run = bridge(
        tmp_path,
        line(f"file://{path}?rate=5400&form=hex", "oximeter-1", decoder="cms50"),
    )
    eventually(lambda: len(readings(run)) == 1)
    (message,) = run.published(vital_filter())
    reading = decode_reading(message.payload)
    assert message.topic.endswith("/vital/oxygen_saturation")
    assert (reading.value, reading.seq, reading.quality) == (99.0, 1, "good")

    def is_off() -> bool:
        said = status(run, "oximeter-1")
        return said is not None and said.state == "offline"

    eventually(is_off)
    run.stop()


def test_a_word_that_is_none_is_refused_and_counted(tmp_path: Path) -> None:
    run = bridge(tmp_path, line("file:///nowhere", decoder="cms50"))
    run.send(DeviceTopic(BED, "sh-1", "durable"), b"{}")
    run.send(DeviceTopic(BED, "sh-1", "command"), b"not json")
    run.send(DeviceTopic(BED, "other-1", "durable"), b"not for us")
    counts = run.context.counts
    assert (counts["refused_wrong_type"], counts["refused_unparsable"]) == (1, 1)
    run.stop()
