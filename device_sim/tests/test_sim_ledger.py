"""The ledger on a disk that refuses for a while."""

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId
from monitorme.errors import StorageError
from monitorme_device_sim.device import DeviceSpec, SimulatedDevice
from monitorme_device_sim.ledger import Ledger
from monitorme_device_sim.source import Sample

BED = BedId("ward-a", "bed-01")
SAMPLE = Sample(0, "heart_rate", 70.0)
FAR = 1 << 30
"""So long is the file already, in holes: nothing else that is written is."""


def reading(seq: int) -> Reading:
    return Reading("d-1", "b1", seq, 1_796_000_000_000 + seq, 70.0, "good")


@contextmanager
def no_room_beyond(size_bytes: int) -> Iterator[None]:
    """Have the system refuse to make any file longer, as a full disk does."""
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger that no other file is as long as."""
    path = tmp_path / "ledger.jsonl"
    with path.open("wb") as file:
        file.truncate(FAR)
    return path


def lines(path: Path) -> list[tuple[str, int]]:
    with path.open("rb") as file:
        file.seek(FAR)
        found = [json.loads(line) for line in file]
    return [(one["device"], one["seq"]) for one in found]


def test_what_the_disk_refuses_is_held_and_goes_first_and_whole(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.add(BED, "heart_rate", reading(1))
        full = path.stat().st_size + 20
        with no_room_beyond(full):
            ledger.add(BED, "heart_rate", reading(2))
            assert path.stat().st_size == full, "a part of it was taken"
            with pytest.raises(StorageError, match="cannot write the ledger"):
                ledger.settle()
        ledger.add(BED, "heart_rate", reading(3))
    assert lines(path) == [("d-1", 1), ("d-1", 2), ("d-1", 3)]


def test_a_ledger_that_lacks_something_in_the_end_is_told(path: Path) -> None:
    with (
        pytest.raises(StorageError, match="cannot write the ledger"),
        no_room_beyond(FAR),
        Ledger(path) as ledger,
    ):
        ledger.add(BED, "heart_rate", reading(1))


def test_devices_whose_ledger_refuses_hold_their_samples(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Ledger(path) as ledger:
        one, other = (
            SimulatedDevice(DeviceSpec(name, BED, ("heart_rate",)), tmp_path, ledger)
            for name in ("d-1", "d-2")
        )
        one.take(SAMPLE, 1)
        with no_room_beyond(path.stat().st_size + 20):
            for device in (one, other, one):
                device.take(SAMPLE, 2)
            # The first was made before anybody could know; the others wait.
            assert (one.made, one.waiting) == (2, 1)
            assert (other.made, other.waiting) == (0, 1)
        assert "device=d-1 held: cannot write the ledger" in caplog.text
        for device in (one, other):
            device.check()
            assert device.waiting == 0
            device.outbox.close()
    assert lines(path) == [("d-1", 1), ("d-1", 2), ("d-1", 3), ("d-2", 1)]
