"""Telling devices what is on disk, and asking them for what is missing."""

from dataclasses import dataclass, field

from monitorme.contract.payloads import DeviceCommand, Durable
from monitorme.contract.topics import BedId, DeviceTopic
from monitorme.messaging import Publisher
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.store import DeviceBoot, Store


@dataclass(slots=True)
class _Told:
    bed: BedId
    through: int = -1
    told_ms: int = 0
    asked_ms: int = 0


@dataclass(slots=True)
class Confirming:
    """Publishes `durable`, at most every so often a device, and `resend` for gaps.

    It may say only what the store has committed, so it is called after that.
    """

    store: Store
    bus: Publisher
    config: RecorderConfig
    _devices: dict[DeviceBoot, _Told] = field(default_factory=dict)
    _changed: set[DeviceBoot] = field(default_factory=set)

    def changed(self, key: DeviceBoot, bed: BedId) -> None:
        """Note that something of a device's boot has been stored, or repeated."""
        told = self._devices.get(key)
        if told is None:
            told = self._devices[key] = _Told(bed)
        told.bed = bed
        self._changed.add(key)

    def greet(self, key: DeviceBoot, bed: BedId) -> None:
        """Tell a device that has just connected, at once, what is on disk of it."""
        if key in self.store.marks():
            self.changed(key, bed)
            self._devices[key].told_ms = 0

    def tell(self, now_ms: int) -> None:
        """Tell those whose turn it is."""
        every_ms = self.config.durable_every_s * 1000
        for key in list(self._changed):
            told = self._devices[key]
            if now_ms - told.told_ms < every_ms:
                continue
            self._changed.discard(key)
            told.told_ms = now_ms
            mark = self.store.marks().get(key)
            if mark is not None:
                told.through = mark.through
                device, boot = key
                self.bus.publish(
                    DeviceTopic(told.bed, device, "durable"),
                    Durable(device=device, boot=boot, seq=mark.through),
                )

    def ask(self, now_ms: int) -> None:
        """Ask devices again for what has been missing for a while."""
        for key, told in self._devices.items():
            mark = self.store.marks().get(key)
            if mark is None or not mark.gap_since_ms:
                continue
            is_old = now_ms - mark.gap_since_ms >= self.config.resend_after_s * 1000
            is_due = now_ms - told.asked_ms >= self.config.resend_every_s * 1000
            if is_old and is_due:
                told.asked_ms = now_ms
                device, boot = key
                self.bus.publish(
                    DeviceTopic(told.bed, device, "command"),
                    DeviceCommand(verb="resend", boot=boot, from_seq=mark.through + 1),
                )

    def open_gaps(self) -> int:
        """Return how many boots have a gap now."""
        return sum(bool(mark.gap_since_ms) for mark in self.store.marks().values())
