"""One line to one device: a thread of its own, so that it harms no other."""

import contextlib
import logging
import queue
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.contract.payloads import DeviceCommand, DeviceStatus, Durable
from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId, DeviceTopic, VitalTopic
from monitorme.errors import BusError, StorageError
from monitorme.outbox import Entry, Outbox, new_boot
from monitorme.plugin import Context
from monitorme_firmware_bridge.config import FirmwareBridgeConfig, LineConfig
from monitorme_firmware_bridge.decoder import Decoder, Garbage, Measurement
from monitorme_firmware_bridge.installed import find_decoder
from monitorme_firmware_bridge.sources import ByteSource, open_source

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Confirmed:
    durable: Durable


@dataclass(frozen=True, slots=True)
class _Asked:
    command: DeviceCommand


class Line(threading.Thread):
    """Reads a device, keeps its readings on disk, publishes them until confirmed."""

    def __init__(
        self,
        line: LineConfig,
        config: FirmwareBridgeConfig,
        context: Context,
        folder: Path,
    ) -> None:
        super().__init__(name=f"line-{line.device}", daemon=True)
        self._line = line
        self._config = config
        self._context = context
        self._folder = folder
        self._bed = BedId(line.ward, line.bed)
        self._decoder: Decoder = find_decoder(line.decoder)(line.options)
        self._inbox: queue.SimpleQueue[_Confirmed | _Asked] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._boot = new_boot()
        self._seq = 0
        self._newest: dict[str, int] = {}
        self._published_s = 0.0
        self.counts: Counter[str] = Counter()

    # Called from the host's thread.

    def confirmed(self, durable: Durable) -> None:
        """Take in what the recorder has on disk."""
        self._inbox.put(_Confirmed(durable))

    def asked(self, command: DeviceCommand) -> None:
        """Take in what the hub asks of the device."""
        self._inbox.put(_Asked(command))

    def end(self) -> None:
        """End the line; what is unconfirmed stays on disk."""
        self._ending.set()

    # The line's own thread.

    def run(self) -> None:
        """Read the line, and connect it again when it breaks, until ended."""
        retry_s = FIRST_RETRY_S
        with contextlib.closing(Outbox(self._folder, sync=True)) as outbox:
            self._outbox = outbox
            for entry in outbox.pending():
                self._newest[entry.boot] = max(
                    self._newest.get(entry.boot, 0), entry.seq
                )
            self._publish_pending()
            while not self._ending.is_set():
                try:
                    with open_source(self._line.source) as source:
                        self._say("online")
                        retry_s = FIRST_RETRY_S
                        self._read(source)
                # The boundary to a device and its decoder: whatever goes wrong with
                # one line is told, and is no other line's concern.
                except Exception as error:
                    self._broken(error)
                self._pause(retry_s * random.uniform(0.5, 1.0))
                retry_s = min(retry_s * 2, self._config.longest_retry_s)

    def _read(self, source: ByteSource) -> None:
        self._decoder.reset()
        heard_s = time.monotonic()
        while not self._ending.is_set():
            data = source.read()
            if data:
                heard_s = time.monotonic()
                self._take(data, source)
            elif time.monotonic() - heard_s > self._config.silence_s:
                raise TimeoutError(f"silent for {self._config.silence_s:g} s")
            self._take_inbox()
            self._publish_again()

    def _take(self, data: bytes, source: ByteSource) -> None:
        now_ms = self._context.now_ms()
        kept: dict[str, int] = {}
        for one in self._decoder.feed(data, now_ms):
            if isinstance(one, Garbage):
                self.counts["garbage"] += 1
                self.counts[f"garbage_{one.reason.partition(':')[0]}"] += 1
                continue
            boot, seq = self._keep(one, now_ms)
            kept[boot] = max(kept.get(boot, 0), seq)
        for boot, seq in kept.items():
            # On disk: the device may forget it.
            if answer := self._decoder.kept(boot, seq):
                source.write(answer)
        self._context.trouble.pop(self._subject, None)

    def _keep(self, one: Measurement, now_ms: int) -> tuple[str, int]:
        """Put a measurement into the outbox and publish it; returns its name."""
        if one.name is None:
            self._seq += 1
            boot, seq = self._boot, self._seq
        else:
            boot, seq = one.name
            if seq <= self._newest.get(boot, 0):
                self.counts["repeated"] += 1
                return boot, seq
        reading = Reading(
            self._line.device,
            boot,
            seq,
            now_ms if one.time_ms is None else one.time_ms,
            one.value,
            one.quality,
            one.reason,
        )
        topic = str(VitalTopic(self._bed, one.vital))
        entry = Entry(boot, seq, topic, reading.to_json())
        self._outbox.append(entry)
        self._newest[boot] = seq
        self.counts["readings"] += 1
        self._publish(entry)
        return boot, seq

    def _publish(self, entry: Entry) -> None:
        self._published_s = time.monotonic()
        # Where the bus is full, the outbox keeps it until there is room.
        with contextlib.suppress(BusError):
            self._context.bus.publish(entry.topic, entry.payload)

    def _publish_pending(self) -> None:
        for entry in self._outbox.pending():
            self._publish(entry)

    def _publish_again(self) -> None:
        waited_s = time.monotonic() - self._published_s
        if len(self._outbox) and waited_s > self._config.resend_after_s:
            self._publish_pending()

    def _take_inbox(self) -> None:
        while not self._inbox.empty():
            match self._inbox.get():
                case _Confirmed(durable):
                    self._outbox.confirm(durable.boot, durable.seq)
                case _Asked(command):
                    self._resend(command)

    def _resend(self, command: DeviceCommand) -> None:
        if command.verb != "resend" or not command.boot or not command.from_seq:
            return
        held = self._outbox.held_from_seq(command.boot)
        if held is None or held > command.from_seq:
            known = self._newest.get(command.boot, 0) + 1
            self._say("online", boot=command.boot, held_from_seq=held or known)
        for entry in self._outbox.pending_from(command.boot, command.from_seq):
            self._publish(entry)

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._ending.is_set():
            self._take_inbox()
            self._publish_again()
            self._ending.wait(0.1)

    def _broken(self, error: Exception) -> None:
        self.counts["broken"] += 1
        what = "disk" if isinstance(error, StorageError) else "line"
        text = f"{what} of {self._line.device}: {error or type(error).__name__}"
        if self._context.trouble.get(self._subject) != text:
            self._context.trouble[self._subject] = text
            log.warning("line broken device=%s: %s", self._line.device, error)
        self._say("offline")

    def _say(
        self, state: str, *, boot: str | None = None, held_from_seq: int | None = None
    ) -> None:
        newest = next(reversed(self._newest), self._boot)
        status = DeviceStatus(
            device=self._line.device,
            boot=boot or newest,
            state="online" if state == "online" else "offline",
            time_ms=self._context.now_ms(),
            vitals=self._decoder.vitals,
            model=self._decoder.name,
            via=f"firmware-bridge-{self._context.instance}",
            held_from_seq=held_from_seq,
        )
        topic = DeviceTopic(self._bed, self._line.device, "status")
        with contextlib.suppress(BusError):
            self._context.bus.publish(topic, status, retain=True)

    @property
    def _subject(self) -> str:
        return f"line_{self._line.device}"
