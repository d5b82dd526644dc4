"""The bridge as a process on a real broker, killed in the middle of a stream."""

import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitorme.contract.readings import decode_reading
from monitorme.contract.topics import vital_filter
from monitorme.messaging import Bus
from monitorme.outbox import Outbox
from monitorme.testing.brokers import bus_on, running_broker
from monitorme_device_sim.source import Sample
from monitorme_device_sim.stayhealthy import StayHealthyDevice

DEVICE = "sh-1"


class Recorder:
    """Sees what is published, once under each name."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.seen: dict[tuple[str, int], bytes] = {}
        self.repeats = 0

    def listen(self) -> None:
        batch = self._bus.receive(timeout_s=0.05)
        if batch is None:
            return
        for message in batch.messages:
            one = decode_reading(message.payload)
            first = self.seen.setdefault((one.boot, one.seq), message.payload)
            assert first == message.payload, "one name, one reading"
            self.repeats += first is not message.payload
        self._bus.acknowledge(batch)


class Heart:
    """Beats two hundred times a second until it is told to stop."""

    vitals = ("heart_rate",)

    def __init__(self) -> None:
        self.stopped = threading.Event()

    def samples(self) -> Iterator[Sample]:
        for n in itertools.count(1):
            if self.stopped.is_set():
                return
            yield Sample(5 * n, "heart_rate", float(n % 200))


@contextmanager
def device(heart: Heart) -> Iterator[StayHealthyDevice]:
    made = StayHealthyDevice(heart, listen=("127.0.0.1", 0))
    ending = threading.Event()
    thread = threading.Thread(target=made.run, args=(ending,))
    thread.start()
    try:
        yield made
    finally:
        ending.set()
        thread.join()


@contextmanager
def process(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command) as started:
        try:
            yield started
        finally:
            started.kill()


def eventually(check: Callable[[], bool], meanwhile: Callable[[], None]) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, "it never came to be"
        meanwhile()


@pytest.mark.broker
def test_killed_in_mid_stream_it_loses_nothing_that_it_confirmed(
    tmp_path: Path,
) -> None:
    heart = Heart()
    with running_broker(tmp_path) as broker, device(heart) as made:
        config = tmp_path / "site.toml"
        config.write_text(
            "[plugins.firmware_bridge]\nbacklog_per_s = 1000\n"
            f'[[plugins.firmware_bridge.lines]]\ndevice = "{DEVICE}"\n'
            'ward = "ward-a"\nbed = "bed-01"\ndecoder = "stayhealthy"\n'
            f'source = "tcp://127.0.0.1:{made.address[1]}"\n'
        )
        command = [sys.executable, "-m", "monitorme", "run", "firmware_bridge"]
        command += ["--config", str(config), "--data", str(tmp_path)]
        command += ["--broker", f"mqtt://127.0.0.1:{broker.port}"]
        with bus_on(broker, "recorder-1", (vital_filter(),)) as bus:
            recorder = Recorder(bus)
            for wanted in (200, 400):
                with process(command) as bridge:
                    eventually(lambda n=wanted: made.kept_through > n, recorder.listen)
                    bridge.send_signal(signal.SIGKILL)
                    bridge.wait()
                # The device goes on, and nobody keeps what it makes now.
                eventually(lambda: made.unkept > 0, recorder.listen)
                assert_on_disk(tmp_path, made.boot, made.kept_through)
            with process(command) as bridge:
                eventually(lambda: made.kept_through > 600, recorder.listen)
                heart.stopped.set()
                eventually(lambda: made.unkept == 0, recorder.listen)
                everything = {(made.boot, seq) for seq in range(1, made.made + 1)}
                eventually(lambda: set(recorder.seen) == everything, recorder.listen)
                assert recorder.repeats > 0, "some came twice, under the same names"
                bridge.send_signal(signal.SIGTERM)
                assert bridge.wait(20) == 0


def assert_on_disk(folder: Path, boot: str, through: int) -> None:
    """Assert that all the device has forgotten is in the outbox: none is confirmed."""
    outbox = Outbox(folder / "firmware_bridge" / DEVICE)
    assert set(outbox.held_seqs(boot)) >= set(range(1, through + 1))
    outbox.close()
