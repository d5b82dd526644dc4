"""The firmware bridge: streams cut anywhere, lines that break, nothing kept is lost."""

import itertools
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.payloads import DeviceStatus, Durable
from monitorme.contract.readings import Lead, Reading, ReadingValue, decode_reading
from monitorme.contract.topics import BedId, DeviceTopic, vital_filter
from monitorme.errors import ConfigError, ListenRefused
from monitorme.testing import PluginRun, needs
from monitorme_device_sim import stayhealthy as device
from monitorme_device_sim.physiology.patient import Patient
from monitorme_device_sim.physiology.profile import Profile
from monitorme_device_sim.source import Sample
from monitorme_firmware_bridge.config import FirmwareBridgeConfig, LineConfig
from monitorme_firmware_bridge.decoder import Decoded, Garbage, Measurement
from monitorme_firmware_bridge.decoders.cms50 import Cms50
from monitorme_firmware_bridge.decoders.stayhealthy import StayHealthy
from monitorme_firmware_bridge.installed import find_decoder
from monitorme_firmware_bridge.plugin import FirmwareBridge

ROOT = Path(__file__).parents[2]
NO_OPTIONS: Mapping[str, str] = {}

VALUES: dict[str, ReadingValue] = {
    "heart_rate": 72.0,
    "ecg": {"II": Lead(250.0, "mV", 0.005, [0, -5, 32767, -32768])},
    "respiratory_rate": 14.0,
    "oxygen_saturation": 97.0,
    "blood_glucose": 110.0,
    "sleep_state": "asleep",
    "body_temperature": 37.2,
    "blood_pressure": {"systolic": 120.0, "diastolic": 80.0, "mean": 93.0},
}
SAMPLES = [Sample(0, vital, value) for vital, value in VALUES.items()]
SAMPLES.append(Sample(0, "heart_rate", None, "invalid", "lead_off"))
STREAM = device.hello(42, "sh-1", "1.0") + device.records(
    42, 1, [device.record(sample, 1_000 + n) for n, sample in enumerate(SAMPLES)]
)


def decode(*parts: bytes) -> list[Decoded]:
    decoder = StayHealthy(NO_OPTIONS)
    return [one for part in parts for one in decoder.feed(part, 0)]


def measurements(decoded: list[Decoded]) -> list[Measurement]:
    return [one for one in decoded if isinstance(one, Measurement)]


def test_every_vital_crosses_the_protocol_unchanged() -> None:
    found = measurements(decode(STREAM))
    assert [one.value for one in found] == [*VALUES.values(), None]
    assert [one.name for one in found] == [(f"{42:016x}", n) for n in range(1, 10)]
    assert (found[-1].quality, found[-1].reason) == ("invalid", "lead_off")
    assert found[2].time_ms == 1_002


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_where_the_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(*parts) == decode(STREAM)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_it_finds_its_way_back_after_garbage(before: bytes, cut: bytes) -> None:
    noise = before.replace(b"SH", b"sh").rstrip(b"S")
    found = decode(noise, STREAM)
    assert len(measurements(found)) == 9
    assert sum(len(one.data) for one in found if isinstance(one, Garbage)) == len(noise)


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_a_damaged_byte_never_becomes_a_value(place: int, flip: int) -> None:
    damaged = bytearray(STREAM)
    damaged[place] ^= flip
    known = [one.value for one in measurements(decode(STREAM))]
    # A damaged length is noticed when so many bytes have come, whatever they are.
    later = bytes(40_000)
    found = [one.value for one in measurements(decode(bytes(damaged), STREAM, later))]
    assert all(value in known for value in found)
    assert len(found) >= 9, "the next good stream is read"


@given(st.binary(max_size=2000))
def test_no_bytes_break_a_decoder(data: bytes) -> None:
    decode(data)
    Cms50(NO_OPTIONS).feed(data, 0)


def test_an_unknown_version_and_an_unknown_vital_are_said() -> None:
    newer = bytearray(STREAM)
    newer[2] = 9
    reasons = {one.reason for one in decode(bytes(newer)) if isinstance(one, Garbage)}
    assert "unknown_version_9" in reasons
    odd = struct.pack(">BBBQH", 99, 0, 0, 1, 2) + b"??"
    good = device.record(SAMPLES[0], 5)
    found = decode(device.records(42, 1, [odd, good]))
    assert [type(one) for one in found] == [Garbage, Measurement]
    assert measurements(found)[0].name == (f"{42:016x}", 2)


def test_the_example_of_the_document_decodes() -> None:
    text = (ROOT / "docs" / "stayhealthy-protocol.md").read_text(encoding="utf-8")
    found = re.search(r"```hex\n(.*?)```", text, re.DOTALL)
    assert found is not None
    (one,) = measurements(decode(bytes.fromhex(found[1])))
    assert (one.vital, one.value, one.time_ms) == (
        "heart_rate",
        72.0,
        1_796_000_000_123,
    )
    assert one.name == (f"{42:016x}", 7)


@pytest.mark.data
def test_a_real_oximeters_capture_is_read_whole() -> None:
    folder = needs.data("cms50")
    capture = bytes.fromhex((folder / "titinho11_data").read_text())
    pleth = [int(line) for line in (folder / "titinho11_ppg2.txt").read_text().split()]
    garbage: list[Decoded] = []
    frames = list(Cms50(NO_OPTIONS).frames(capture, garbage))
    # The other decoder kept bit 7, which is always set, and halved the whole.
    assert [(frame.pleth + 128) >> 1 for frame in frames] == pleth
    assert {frame.saturation for frame in frames} == {99}
    assert {frame.pulse for frame in frames} == {60}
    assert garbage == []
    joined = Cms50(NO_OPTIONS)
    again = [
        f for n in range(len(capture)) for f in joined.frames(capture[n : n + 1], [])
    ]
    assert again == frames


def test_a_finger_out_is_no_value() -> None:
    frame = bytes([1, 0x80, 0x80, 0x80, 0x80, 0xFF, 0xFF, 0xFF, 0xFF])
    (one,) = measurements(Cms50(NO_OPTIONS).feed(frame, 0))
    assert (one.value, one.reason) == (None, "probe_off")


def test_decoders_come_through_one_door() -> None:
    assert find_decoder("stayhealthy") is StayHealthy
    assert find_decoder("cms50") is Cms50
    with pytest.raises(ConfigError, match="installed: cms50, stayhealthy"):
        find_decoder("morse")


# The running bridge --------------------------------------------------------------------


def line(source: str, name: str = "sh-1", decoder: str = "stayhealthy") -> LineConfig:
    return LineConfig(
        device=name, ward="ward-a", bed="bed-01", decoder=decoder, source=source
    )


@contextmanager
def simulated(seconds: float) -> Iterator[device.StayHealthyDevice]:
    patient = Patient(Profile.drawn(1), 1)
    made = device.StayHealthyDevice(patient, host="127.0.0.1", port=0, speed=20)
    ending = threading.Event()
    thread = threading.Thread(
        target=made.run, args=(ending,), kwargs={"seconds": seconds}
    )
    thread.start()
    yield made
    ending.set()
    thread.join()


def eventually(check: Callable[[], bool], run: PluginRun | None = None) -> None:
    deadline = time.monotonic() + 15
    while not check():
        assert time.monotonic() < deadline, "it never came to be"
        if run is not None:
            run.settle()
            run.plugin.tick(run.now_ms)
        time.sleep(0.02)


def readings(run: PluginRun) -> set[tuple[str, int]]:
    found = [decode_reading(m.payload) for m in run.published(vital_filter())]
    return {(one.boot, one.seq) for one in found}


def test_a_devices_readings_arrive_under_their_own_names(tmp_path: Path) -> None:
    with simulated(0.5) as made:
        source = f"tcp://127.0.0.1:{made.address[1]}"
        config = FirmwareBridgeConfig(lines=(line(source),))
        run = PluginRun(FirmwareBridge, tmp_path, config=config)
        eventually(lambda: made.made > 30 and made.unkept == 0, run)
        expected = {(made.boot, seq) for seq in range(1, made.made + 1)}
        eventually(lambda: readings(run) >= expected, run)
        topic = DeviceTopic(BedId("ward-a", "bed-01"), "sh-1", "status")
        status = run.last(topic, DeviceStatus)
        assert status is not None
        assert (status.state, status.via) == ("online", "firmware-bridge-1")
        run.stop()


def test_what_a_device_may_forget_survives_the_death_of_the_bridge(
    tmp_path: Path,
) -> None:
    with simulated(1.0) as made:
        source = f"tcp://127.0.0.1:{made.address[1]}"
        config = FirmwareBridgeConfig(lines=(line(source),))
        run = PluginRun(FirmwareBridge, tmp_path, config=config)
        eventually(lambda: made.made > 20)
        run.bus.drop()  # from here on nothing that is published arrives
        run.stop()
        again = PluginRun(FirmwareBridge, tmp_path, config=config)
        eventually(lambda: made.unkept == 0 and made.made > 60, again)
        expected = {(made.boot, seq) for seq in range(1, made.made + 1)}
        eventually(lambda: readings(again) >= expected, again)
        again.stop()


def test_durable_empties_the_outbox_and_the_rest_is_sent_again(tmp_path: Path) -> None:
    with simulated(0.3) as made:
        source = f"tcp://127.0.0.1:{made.address[1]}"
        config = FirmwareBridgeConfig(lines=(line(source),), resend_after_s=0.2)
        run = PluginRun(FirmwareBridge, tmp_path, config=config)
        eventually(lambda: made.made > 10 and made.unkept == 0, run)
        before = len(run.published(vital_filter()))
        eventually(lambda: len(run.published(vital_filter())) > before, run)
        topic = DeviceTopic(BedId("ward-a", "bed-01"), "sh-1", "durable")

        def is_quiet() -> bool:
            run.send(topic, Durable(device="sh-1", boot=made.boot, seq=made.made))
            count = len(run.published(vital_filter()))
            time.sleep(0.5)
            return len(run.published(vital_filter())) == count

        eventually(is_quiet, run)
        run.stop()


def test_one_line_of_garbage_harms_no_other(tmp_path: Path) -> None:
    noise = socket.create_server(("127.0.0.1", 0))

    def babble() -> None:
        connection, _ = noise.accept()
        with connection:
            for _ in range(20):
                connection.sendall(b"\x00SH\xffgarbage" * 100)

    threading.Thread(target=babble, daemon=True).start()
    with simulated(0.5) as made, noise:
        lines = (
            line(f"tcp://127.0.0.1:{noise.getsockname()[1]}", "bad-1"),
            line(f"tcp://127.0.0.1:{made.address[1]}"),
            line("tcp://127.0.0.1:9", "gone-1"),
            line("file:///nowhere", "lost-1", decoder="cms50"),
            line("file:///nowhere", "odd-1", decoder="morse"),
        )
        config = FirmwareBridgeConfig(lines=lines)
        run = PluginRun(FirmwareBridge, tmp_path, config=config)
        eventually(lambda: made.made > 10 and made.unkept == 0, run)
        eventually(lambda: run.context.counts["line_bad-1_garbage"] > 0, run)
        eventually(lambda: "line_gone-1" in run.context.trouble, run)
        assert "morse" in run.context.trouble["line_odd-1"]
        run.stop()


@pytest.mark.parametrize("source", ["tcp://x", "listen://0.0.0.0:5", "ftp://x:1", "x"])
def test_a_source_that_cannot_be_is_refused(source: str) -> None:
    with pytest.raises((ValueError, ListenRefused)):
        line(source)


def test_a_reading_of_the_bridge_is_a_reading() -> None:
    reading = Reading("sh-1", f"{42:016x}", 1, 5, 72.0, "good")
    assert decode_reading(reading.to_json()) == reading
