"""Decoders: streams that are cut anywhere, damaged, or not what they should be."""

import itertools
import re
import struct
import zlib
from binascii import crc_hqx
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.readings import Lead, ReadingValue
from monitorme.errors import ConfigError
from monitorme.testing import needs
from monitorme_device_sim import stayhealthy_frames as device
from monitorme_device_sim.source import Sample
from monitorme_firmware_bridge.decoder import (
    Decoded,
    Decoder,
    Greeting,
    Measurement,
    Refusal,
)
from monitorme_firmware_bridge.decoders.cms50 import (
    GO_ON,
    START,
    Cms50,
    OximeterFrame,
    oximeter_frame,
)
from monitorme_firmware_bridge.decoders.stayhealthy import StayHealthy
from monitorme_firmware_bridge.framing import JUNK_BYTES
from monitorme_firmware_bridge.installed import find_decoder

ROOT = Path(__file__).parents[2]
NO_OPTIONS: Mapping[str, str] = {}
BOOT = f"{42:016x}"

VALUES: dict[str, ReadingValue] = {
    "heart_rate": 72.0,
    "ecg": {"II": Lead(250.0, "mV", 0.005, [0, -5, 32767, -32768], 0.125)},
    "respiratory_rate": 14.0,
    "oxygen_saturation": 97.0,
    "blood_glucose": 110.0,
    "sleep_state": "asleep",
    "body_temperature": 37.2,
    "blood_pressure": {"systolic": 120.0, "diastolic": 80.0, "mean": 93.333},
}
SAMPLES = [Sample(0, vital, value) for vital, value in VALUES.items()]
SAMPLES.append(Sample(0, "heart_rate", None, "invalid", "lead_off"))
HELLO = device.hello(
    42, 1, "sh-1", model="SH-100", firmware="1.0", vitals=("heart_rate", "ecg")
)
STREAM = HELLO + device.records(
    42, 1, [device.record(sample, 1_000 + n) for n, sample in enumerate(SAMPLES)]
)
OXIMETER = bytes.fromhex("01e0849392bce3ffff")


def decode(*parts: bytes, by: Decoder | None = None) -> list[Decoded]:
    decoder = by or StayHealthy(NO_OPTIONS)
    return [one for part in parts for one in decoder.feed(part, 0)]


def measurements(decoded: Sequence[Decoded]) -> list[Measurement]:
    return [one for one in decoded if isinstance(one, Measurement)]


def refused(decoded: Sequence[Decoded]) -> list[str]:
    return [one.reason for one in decoded if isinstance(one, Refusal)]


def cut(data: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(min(one, len(data)) for one in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


# StayHealthy ---------------------------------------------------------------------------


def test_every_vital_crosses_the_protocol_unchanged() -> None:
    greeting, *rest = decode(STREAM)
    assert greeting == Greeting("sh-1", BOOT, 1, ("heart_rate", "ecg"), "SH-100", "1.0")
    found = measurements(rest)
    assert [one.value for one in found] == [*VALUES.values(), None]
    assert [one.name for one in found] == [(BOOT, n) for n in range(1, 10)]
    assert (found[-1].quality, found[-1].reason) == ("invalid", "lead_off")
    assert found[2].time_ms == 1_002


noise = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.sampled_from([STREAM, STREAM[:50], HELLO, b"SH", b"S", OXIMETER]),
        st.just(bytes(3 * JUNK_BYTES)),
    ),
    max_size=6,
).map(b"".join)


@given(noise, st.lists(st.integers(0, 4_000), max_size=8))
def test_where_a_stream_is_cut_makes_no_difference(
    stream: bytes, cuts: list[int]
) -> None:
    assert decode(*cut(stream, cuts)) == decode(stream)
    parts = decode(*cut(stream, cuts), by=Cms50(NO_OPTIONS))
    assert parts == decode(stream, by=Cms50(NO_OPTIONS))


@given(st.binary(max_size=200))
def test_it_finds_its_way_back_after_garbage(garbage: bytes) -> None:
    found = decode(garbage, STREAM)
    assert measurements(found) == measurements(decode(STREAM))
    told = b"".join(one.data for one in found if isinstance(one, Refusal))
    assert told == garbage


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_a_damaged_byte_never_becomes_a_value(place: int, flip: int) -> None:
    damaged = bytearray(STREAM)
    damaged[place] ^= flip
    known = [one.value for one in measurements(decode(STREAM))]
    # What follows at once is read at once, whatever has become of the length.
    found = [one.value for one in measurements(decode(bytes(damaged), STREAM))]
    assert all(value in known for value in found)
    assert len(found) >= 9


@given(st.binary(max_size=2_000))
def test_no_bytes_break_a_decoder_or_pile_up_in_it(data: bytes) -> None:
    for decoder in (StayHealthy(NO_OPTIONS), Cms50(NO_OPTIONS)):
        told = sum(
            len(one.data)
            for one in decode(data, by=decoder)
            if isinstance(one, Refusal)
        )
        assert told <= len(data)
        assert len(decoder._unread) <= decoder.max_frame_bytes


@given(st.binary(max_size=300))
def test_no_content_of_a_whole_frame_breaks_the_decoder(payload: bytes) -> None:
    for kind in ("hello", "records", "kept", "resend"):
        for one in decode(device.frame(kind, payload)):
            assert isinstance(one, Greeting | Measurement | Refusal)
            if isinstance(one, Measurement):
                assert (one.value is None) == (one.quality == "invalid")


def test_a_version_that_is_unknown_is_refused_whole_and_named() -> None:
    head = b"SH" + struct.pack(">BBH", 2, 2, 5)
    body = head + crc_hqx(head, 0xFFFF).to_bytes(2, "big") + b"later"
    frame = body + zlib.crc32(body).to_bytes(4, "big")
    assert decode(frame, HELLO)[0] == Refusal("unknown_version_2", frame)
    assert isinstance(decode(frame, HELLO)[1], Greeting)


def one_record(head: tuple[int, ...], value: bytes) -> bytes:
    code, quality, reason, form = head
    packed = struct.pack(">BBBBQH", code, quality, reason, form, 1, len(value))
    return packed + value


def test_a_vital_that_is_unknown_uses_up_its_seq() -> None:
    odd = one_record((99, 0, 0, 9), b"??")
    good = device.record(SAMPLES[0], 5)
    first, second = decode(device.records(42, 7, [odd, good]))
    assert first == Refusal("unknown_vital_99", b"??", (BOOT, 7))
    assert measurements([second])[0].name == (BOOT, 8)


def test_an_option_names_a_vital_that_the_document_does_not_know() -> None:
    decoder = StayHealthy({"vital_200": "end_tidal_co2"})
    record = one_record((200, 0, 0, 1), struct.pack(">i", 38_000))
    (one,) = measurements(decode(device.records(42, 1, [record]), by=decoder))
    assert (one.vital, one.value) == ("end_tidal_co2", 38.0)
    assert "end_tidal_co2" in decoder.vitals
    for wrong in ("vital_0", "vital_256", "vital_x", "colour"):
        with pytest.raises(ConfigError, match=wrong):
            StayHealthy({wrong: "x"})


@pytest.mark.parametrize(
    ("head", "value", "expected"),
    [
        ((1, 0, 0, 1), b"\x00\x00", (None, "invalid", "malformed")),
        ((1, 0, 0, 1), bytes(5), (None, "invalid", "malformed")),
        ((1, 0, 0, 77), bytes(4), (None, "invalid", "malformed")),
        ((1, 0, 0, 0), b"", (None, "invalid", "malformed")),
        ((2, 0, 0, 4), b"\x02II\x02mV" + bytes(13), (None, "invalid", "malformed")),
        ((1, 2, 0, 1), bytes(4), (None, "invalid", "no_signal")),
        ((1, 2, 99, 1), bytes(4), (None, "invalid", "reason_99")),
        ((1, 9, 0, 1), b"\x00\x01\x19\x40", (72.0, "questionable", "quality_9")),
        ((1, 1, 5, 1), b"\x00\x01\x19\x40", (72.0, "questionable", "motion")),
    ],
)
def test_a_value_that_cannot_be_read_is_invalid_and_no_gap(
    head: tuple[int, ...],
    value: bytes,
    expected: tuple[ReadingValue, str, str | None],
) -> None:
    (one,) = measurements(decode(device.records(42, 3, [one_record(head, value)])))
    assert (one.value, one.quality, one.reason) == expected
    assert one.name == (BOOT, 3)


def test_records_that_end_too_early_use_up_their_seqs() -> None:
    frame = device.records(42, 1, [device.record(SAMPLES[0], 5), b"\x01\x00", b""])
    found = decode(frame)
    assert len(measurements(found)) == 1
    assert [one.name for one in found if isinstance(one, Refusal)] == [
        (BOOT, 2),
        (BOOT, 3),
    ]


def documented(what: str) -> bytes:
    text = (ROOT / "docs" / "stayhealthy-protocol.md").read_text(encoding="utf-8")
    found = re.search(rf"```hex {what}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return bytes.fromhex(found[1])


def test_the_examples_of_the_document_decode() -> None:
    greeting, first, second = decode(documented("hello"), documented("records"))
    assert greeting == Greeting(
        "sh-1", BOOT, 7, ("heart_rate", "oxygen_saturation"), "SH-100", "1.0"
    )
    time_ms = 1_796_000_000_123
    assert first == Measurement("heart_rate", 72.0, "good", None, time_ms, (BOOT, 7))
    assert second == Measurement(
        *("oxygen_saturation", None, "invalid", "probe_off", time_ms + 500),
        (BOOT, 8),
    )
    assert StayHealthy(NO_OPTIONS).kept(BOOT, 8) == documented("kept")


# CMS50 ---------------------------------------------------------------------------------


@pytest.mark.data
def test_a_real_oximeters_capture_is_read_whole() -> None:
    folder = needs.data("cms50")
    capture = bytes.fromhex((folder / "titinho11_data").read_text())
    pleth = [int(line) for line in (folder / "titinho11_ppg2.txt").read_text().split()]
    frames: list[OximeterFrame] = []

    class Watched(Cms50):
        def read(self, frame: bytes, now_ms: int) -> Iterator[Decoded]:
            frames.append(oximeter_frame(frame))
            return super().read(frame, now_ms)

    found = decode(*(bytes([byte]) for byte in capture), by=Watched(NO_OPTIONS))
    # The other decoder kept bit 7, which is always set, and halved the whole.
    assert [(frame.pleth + 128) >> 1 for frame in frames] == pleth
    assert len(frames) == 102
    assert {(frame.saturation, frame.pulse) for frame in frames} == {(99, 60)}
    assert not any(frame.is_finger_out or frame.is_searching for frame in frames)
    assert 1 <= sum(frame.is_beat for frame in frames) <= 6
    assert len(capture) == 102 * 9 + 4, "it ends in the middle of a frame"
    assert found == [Measurement("oxygen_saturation", 99.0)]


def oximeter(
    saturation: int = 97, pulse: int = 60, *, high: int = 0, pleth: int = 20
) -> bytes:
    high |= pulse >> 7 << 3
    low = [4, pleth, 0x12, pulse & 0x7F, saturation, 0x7F, 0x7F]
    return bytes([1, 0xE0 | high, *(byte | 0x80 for byte in low)])


def minutes(decoder: Cms50, *frames: bytes) -> list[Measurement]:
    """Feed a frame a second."""
    return measurements(
        [
            one
            for n, frame in enumerate(frames)
            for one in decoder.feed(frame, 1_000 * n)
        ]
    )


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (oximeter(127), "probe_off"),
        (oximeter(0), "probe_off"),
        (oximeter(97, high=0b10), "probe_off"),
        (oximeter(97, high=0b01), "no_signal"),
    ],
)
def test_no_value_is_never_a_number(frame: bytes, reason: str) -> None:
    (one,) = measurements(decode(frame, by=Cms50(NO_OPTIONS)))
    assert (one.value, one.quality, one.reason) == (None, "invalid", reason)


def test_the_newest_good_saturation_of_five_seconds_is_given() -> None:
    values = [97, 96, 95, 94, 127, 127, 93, 92, 127, 127, 127, 127, 127, 127, 127, 127]
    found = minutes(Cms50(NO_OPTIONS), *(oximeter(value) for value in values))
    assert [one.value for one in found] == [97.0, 94.0, 92.0, None]


def test_a_fingers_pulse_is_no_heart_rate_unless_it_is_said_to_be() -> None:
    decoder = Cms50({"pulse_as": "heart_rate"})
    assert decoder.vitals == ("oxygen_saturation", "heart_rate")
    frames = (oximeter(), oximeter(pulse=161), oximeter(pulse=255))
    found = minutes(decoder, *frames)
    pulses = [one.value for one in found if one.vital == "heart_rate"]
    assert pulses == [60.0, 161.0, None]
    assert {one.vital for one in minutes(Cms50(NO_OPTIONS), *frames)} == {
        "oxygen_saturation"
    }
    with pytest.raises(ConfigError, match="colour"):
        Cms50({"colour": "blue"})


def test_an_oximeter_is_asked_to_start_and_to_go_on() -> None:
    decoder = Cms50(NO_OPTIONS)
    asked = [decoder.replies(now_ms) for now_ms in range(0, 2_200, 200)]
    assert asked[0] == START
    assert asked[5] == asked[10] == GO_ON
    assert set(asked[1:5]) == {b""}


# The door ------------------------------------------------------------------------------


def test_decoders_come_through_one_door() -> None:
    assert find_decoder("stayhealthy") is StayHealthy
    assert find_decoder("cms50") is Cms50
    with pytest.raises(ConfigError, match="installed: cms50, stayhealthy"):
        find_decoder("morse")


@pytest.mark.parametrize(
    ("module", "trouble"),
    [
        ("raise RuntimeError('half installed')\n", "half installed"),
        ("", "no hook monitorme_decoder"),
    ],
)
def test_a_broken_decoder_is_named(
    module: str, trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"broken{len(module)}"
    (tmp_path / f"{name}.py").write_text(module)
    metadata = tmp_path / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[monitorme.decoders]\n{name} = {name}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=trouble):
        find_decoder(name)


def test_the_readmes_example_decodes_wherever_it_is_cut() -> None:
    text = (ROOT / "firmware_bridge" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    assert found[1].strip().count("\n") < 40
    scope: dict[str, object] = {}
    exec(compile(found[1], "README.md", "exec"), scope)
    make = scope["Thermometer"]
    assert isinstance(make, type)
    assert issubclass(make, Decoder)
    stream = b"garbage\r\nT=37.2C\r\nT=9T=---\r\nT=123456789012T=36.9C\n"
    whole = decode(stream, by=make(NO_OPTIONS))
    values = [one.value for one in measurements(whole)]
    assert values == [37.2, None, 36.9]
    for place in range(len(stream)):
        assert decode(*cut(stream, [place]), by=make(NO_OPTIONS)) == whole
