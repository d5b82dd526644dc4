"""Telling devices what is on disk, and asking them for what is missing."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.payloads import DeviceCommand, Durable
from monitorme.contract.topics import BedId, DeviceTopic
from monitorme.messaging import Publisher
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.memory import DeviceBoot
from monitorme_recorder.store import Store
from monitorme_recorder.tracks import Boot

FORGET_AFTER_MS: Final = 600_000
"""A boot of which nothing came for so long is not counted among those to tell."""


@dataclass(slots=True)
class _Told:
    boot: Boot
    bed: BedId
    told_ms: int = 0
    asked_ms: int = 0
    is_waiting: bool = False


@dataclass(slots=True)
class Confirming:
    """Publishes `durable`, at most every so often a device, and `resend` for gaps.

    It may say only what the store has committed, so it is called after that. Devices
    wait in line; the more there are, the longer each waits, so that their number never
    makes more messages than `durable_per_s`.
    """

    store: Store
    bus: Publisher
    config: RecorderConfig
    _devices: dict[DeviceBoot, _Told] = field(default_factory=dict)
    _line: deque[tuple[int, _Told]] = field(default_factory=deque)
    _every_ms: float = 0.0

    def changed(self, boot: Boot, ward: str, bed: str, now_ms: int) -> None:
        """Note that something of a device's boot has been stored, or repeated."""
        told = self._devices.get((boot.device, boot.boot))
        if told is None:
            told = _Told(boot, BedId(ward, bed))
            self._devices[boot.device, boot.boot] = told
            self._pace()
        elif told.bed.bed != bed or told.bed.ward != ward:
            told.bed = BedId(ward, bed)
        told.boot = boot
        if not told.is_waiting:
            told.is_waiting = True
            due_ms = max(now_ms, told.told_ms + int(self._every_ms))
            self._line.append((due_ms, told))

    def greet(self, key: DeviceBoot, bed: BedId, now_ms: int) -> None:
        """Tell a device that has just connected, at once, what is on disk of it."""
        boot = self.store.memory.boots().get(key)
        if boot is not None:
            self.changed(boot, bed.ward, bed.bed, now_ms)
            self._tell(self._devices[key], now_ms)

    def tell(self, now_ms: int) -> None:
        """Tell those whose turn it is."""
        line = self._line
        while line and line[0][0] <= now_ms:
            _, told = line.popleft()
            told.is_waiting = False
            self._tell(told, now_ms)

    def ask(self, now_ms: int) -> None:
        """Ask devices again for what has been missing for a while."""
        for told in self._devices.values():
            mark = told.boot.mark
            if not mark.gap_since_ms:
                continue
            is_old = now_ms - mark.gap_since_ms >= self.config.resend_after_s * 1000
            is_due = now_ms - told.asked_ms >= self.config.resend_every_s * 1000
            if is_old and is_due:
                told.asked_ms = now_ms
                boot = told.boot
                self.bus.publish(
                    DeviceTopic(told.bed, boot.device, "command"),
                    DeviceCommand(
                        verb="resend", boot=boot.boot, from_seq=mark.through + 1
                    ),
                )

    def forget(self, now_ms: int) -> None:
        """Forget those that have been silent for long, unless they have a gap."""
        for key, told in list(self._devices.items()):
            mark = told.boot.mark
            silent = now_ms - mark.last_ms > FORGET_AFTER_MS and not mark.gap_since_ms
            if silent and not told.is_waiting:
                del self._devices[key]
        self._pace()

    def gaps(self) -> list[tuple[Boot, BedId]]:
        """Return the boots that have a gap now, and where they were."""
        return [
            (told.boot, told.bed)
            for told in self._devices.values()
            if told.boot.mark.gap_since_ms
        ]

    def _pace(self) -> None:
        config = self.config
        fair_s = len(self._devices) / config.durable_per_s
        self._every_ms = 1000 * max(config.durable_every_s, fair_s)

    def _tell(self, told: _Told, now_ms: int) -> None:
        told.told_ms = now_ms
        boot = told.boot
        self.bus.publish(
            DeviceTopic(told.bed, boot.device, "durable"),
            Durable(device=boot.device, boot=boot.boot, seq=boot.mark.through),
        )
