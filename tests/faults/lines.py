"""Devices without MQTT: each on a line of its own to the firmware bridge."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from monitorme.contract.topics import BedId
from monitorme_device_sim.ledger import Ledger
from monitorme_device_sim.source import Sample
from monitorme_device_sim.stayhealthy import StayHealthyDevice
from monitorme_device_sim.ward import WardBed, quiet_ward
from tests.faults.watching import LedgerTail

WARD: Final = "lines"
DRAIN_TIMEOUT_S: Final = 60.0


class LineDevice:
    """A device that keeps what the bridge has not; its ledger is its own.

    `source` of its patient ends when it is told to, so that the device has nothing more
    to say.
    """

    def __init__(self, folder: Path, number: int, patient: WardBed) -> None:
        self.name = f"line-{number:02}"
        self.bed = BedId(WARD, f"bed-{number:02}")
        self.tail = LedgerTail(folder / f"ledger-{self.name}.jsonl")
        self._samples = patient.patient().samples()
        self._is_over = threading.Event()
        self._ledger = Ledger(self.tail.path)
        self.vitals = patient.patient().vitals
        self.device = StayHealthyDevice(
            self,
            listen=("127.0.0.1", 0),
            device=self.name,
            on_made=lambda vital, reading: self._ledger.add(self.bed, vital, reading),
        )

    def samples(self) -> Iterator[Sample]:
        """Return the patient's samples, until it is over."""
        for sample in self._samples:
            if self._is_over.is_set():
                return
            yield sample

    def settings(self) -> str:
        """Return the line as the bridge's settings have it."""
        return (
            "[[plugins.firmware_bridge.lines]]\n"
            f'device = "{self.name}"\nward = "{WARD}"\nbed = "{self.bed.bed}"\n'
            'decoder = "stayhealthy"\n'
            f'source = "tcp://127.0.0.1:{self.device.address[1]}"\n'
        )

    def end(self) -> None:
        """Measure no more."""
        self._is_over.set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the device in a thread."""
        ending = threading.Event()
        thread = threading.Thread(target=self.device.run, args=(ending,))
        thread.start()
        try:
            yield
        finally:
            ending.set()
            thread.join()
            self._ledger.__exit__(None, None, None)


def line_devices(folder: Path, count: int) -> list[LineDevice]:
    """Return devices that wait for the bridge to call."""
    patients = quiet_ward(1, count) if count else []
    return [
        LineDevice(folder, number, patient)
        for number, patient in enumerate(patients, 1)
    ]


@contextmanager
def running(devices: Sequence[LineDevice]) -> Iterator[None]:
    """Run devices until the end."""
    with ExitStack() as stack:
        for one in devices:
            stack.enter_context(one.running())
        yield


def wait_kept(devices: Sequence[LineDevice]) -> None:
    """Measure no more, and wait until the bridge has kept everything."""
    for one in devices:
        one.end()
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while any(one.device.unkept for one in devices):
        assert time.monotonic() < deadline, "never: the bridge keeps everything"
        time.sleep(0.05)
