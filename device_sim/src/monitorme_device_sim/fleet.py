"""Many devices in one asyncio process, fed from their sources by one schedule."""

import asyncio
import heapq
import logging
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.contract.readings import block_duration_ms
from monitorme.errors import StorageError
from monitorme_device_sim.device import Broker, SimulatedDevice
from monitorme_device_sim.source import Sample, Source

log = logging.getLogger(__name__)

CHECK_EVERY_S: Final = 0.2
DRAIN_S: Final = 40.0
SHORTEST_SLEEP_S: Final = 0.002


@dataclass(frozen=True, slots=True)
class Bed:
    """A source and the devices that read it, by the vitals that each reads."""

    source: Source
    devices: Sequence[SimulatedDevice]


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What came of a run; `unconfirmed` readings are still in outboxes on disk.

    `unkept` are the samples that no reading was made of, since a device's disk refused.
    """

    devices: int
    made: int
    resent: int
    unconfirmed: int
    unkept: int
    seconds: float


class Fleet:
    """Runs beds; `speed` 20 makes a recording of eight minutes take 24 s.

    Time is compressed, so that nothing lies in the future: a sample taken `at_ms` after
    the start is sent, and was taken, `at_ms / speed` after it. A block of a waveform is
    sent when its last sample has been taken, as a device does. `clock_file` holds by how
    many milliseconds all devices' clocks are wrong; it may change at any time.
    """

    def __init__(
        self,
        beds: Sequence[Bed],
        broker: Broker,
        *,
        speed: float = 1.0,
        clock_file: Path | None = None,
    ) -> None:
        self._beds = beds
        self._broker = broker
        self._speed = speed
        self._clock_file = clock_file
        self._clock_error_ms = 0
        self._devices = [device for bed in beds for device in bed.devices]
        self._due: list[tuple[float, int, SimulatedDevice, Sample]] = []
        self._feeds: list[tuple[float, int, Iterator[Sample], Sample, Bed]] = []
        self._number = 0
        self._start_ms = 0

    async def run(self, stopping: asyncio.Event, seconds: float | None) -> FleetReport:
        """Run until told to stop, for a time, or until every recording has ended."""
        _allow_files(3 * len(self._devices) + 64)
        began_s = time.monotonic()
        tasks = [
            asyncio.create_task(device.run(self._broker)) for device in self._devices
        ]
        checking = asyncio.create_task(self._check())
        await self._feed(stopping, began_s, seconds)
        took_s = time.monotonic() - began_s
        await self._drain()
        checking.cancel()
        report = self._report(took_s)
        for device in self._devices:
            device.end()
        await asyncio.wait(tasks, timeout=2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(checking, *tasks, return_exceptions=True)
        return report

    async def _feed(
        self, stopping: asyncio.Event, began_s: float, seconds: float | None
    ) -> None:
        self._start_ms = time.time_ns() // 1_000_000
        for bed in self._beds:
            self._next_of(bed, bed.source.samples())
        while (self._feeds or self._due) and not stopping.is_set():
            now_s = time.monotonic() - began_s
            if seconds is not None and now_s >= seconds:
                return
            self._emit(now_s * 1000 * self._speed)
            wait_s = self._next_ms() / 1000 / self._speed - (time.monotonic() - began_s)
            await asyncio.sleep(max(SHORTEST_SLEEP_S, min(wait_s, 0.25)))

    def _next_ms(self) -> float:
        heads = [queue[0][0] for queue in (self._feeds, self._due) if queue]
        return min(heads, default=0.0)

    def _next_of(self, bed: Bed, samples: Iterator[Sample]) -> None:
        sample = next(samples, None)
        if sample is not None:
            self._number += 1
            heapq.heappush(
                self._feeds, (sample.at_ms, self._number, samples, sample, bed)
            )

    def _emit(self, now_ms: float) -> None:
        """Have every reading made whose time has come (on the sources' clock)."""
        while self._feeds and self._feeds[0][0] <= now_ms:
            at_ms, _, samples, sample, bed = heapq.heappop(self._feeds)
            for device in bed.devices:
                if sample.vital in device.spec.vitals:
                    self._number += 1
                    due_ms = at_ms + block_duration_ms(sample.value)
                    heapq.heappush(self._due, (due_ms, self._number, device, sample))
            self._next_of(bed, samples)
        while self._due and self._due[0][0] <= now_ms:
            _, _, device, sample = heapq.heappop(self._due)
            taken_ms = self._start_ms + int(sample.at_ms / self._speed)
            error_ms = sample.clock_offset_ms + self._clock_error_ms
            device.take(sample, taken_ms + error_ms)

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            self._read_clock_error()
            for device in self._devices:
                try:
                    device.check()
                except StorageError as error:
                    # One device's disk is no other device's trouble.
                    log.error("device=%s: %s", device.spec.device, error)

    def _read_clock_error(self) -> None:
        if self._clock_file is not None:
            try:
                self._clock_error_ms = int(self._clock_file.read_text())
            except (OSError, ValueError):
                # Half written or not there: the clocks stay as they are.
                return

    async def _drain(self) -> None:
        """Wait until everything is confirmed, or for a while."""
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            if not any(len(one.outbox) + one.waiting for one in self._devices):
                return
            await asyncio.sleep(0.05)

    def _report(self, took_s: float) -> FleetReport:
        return FleetReport(
            devices=len(self._devices),
            made=sum(device.made for device in self._devices),
            resent=sum(device.resent for device in self._devices),
            unconfirmed=sum(len(device.outbox) for device in self._devices),
            unkept=sum(device.waiting + device.let_go for device in self._devices),
            seconds=round(took_s, 3),
        )


def _allow_files(count: int) -> None:
    """Raise the limit on open files as far as is allowed: a socket and a file each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        most = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
