"""One simulated bedside device: takes readings, and keeps each until it is confirmed."""

import asyncio
import logging
import random
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.backlog import PER_S, Backlog
from monitorme.contract.payloads import (
    DeviceCommand,
    DeviceStatus,
    Durable,
    decode,
)
from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId, DeviceChannel, DeviceTopic, VitalTopic
from monitorme.errors import ContractError, StorageError
from monitorme.outbox import KEEP_CONFIRMED_S, Entry, Outbox, new_boot
from monitorme_device_sim.ledger import Ledger
from monitorme_device_sim.mqtt import WINDOW, DeviceProtocol, Login
from monitorme_device_sim.source import Sample

log = logging.getLogger(__name__)

RESEND_AFTER_S: Final = 15.0
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 5.0
FIRMWARE: Final = "sim-1"
MOST_WAITING: Final = 10_000
"""Samples that wait while the disk refuses: those of about 40 minutes of a bed."""


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """What a device is, and where it stands."""

    device: str
    bed: BedId
    vitals: tuple[str, ...]
    model: str = "simulated bedside device"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where devices connect, and by which secret they get their passwords."""

    host: str
    port: int
    secret: bytes | None = None
    keepalive_s: int = 30

    def password(self, client_id: str) -> str | None:
        """Return the password of a device."""
        from monitorme.credentials import password_for

        return password_for(self.secret, client_id) if self.secret else None


class SimulatedDevice:
    """A device with its own connection, outbox, boot and count of readings.

    `let_go` counts the samples that went because its disk refused for too long.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        folder: Path,
        ledger: Ledger | None = None,
        *,
        backlog_per_s: float = PER_S,
    ) -> None:
        self.spec = spec
        self.boot = new_boot()
        self.made = 0
        self.outbox = Outbox(folder, keep_confirmed_s=KEEP_CONFIRMED_S)
        self.backlog = Backlog(
            self.outbox, resend_after_s=RESEND_AFTER_S, per_s=backlog_per_s
        )
        self._ledger = ledger
        self._topics = {
            vital: str(VitalTopic(spec.bed, vital)) for vital in spec.vitals
        }
        self._durable = self._topic("durable").encode()
        self._command = self._topic("command").encode()
        self._link: DeviceProtocol | None = None
        self._ending = False
        self._waiting: deque[tuple[Sample, int]] = deque()
        self._is_refused = False
        self.let_go = 0

    def take(self, sample: Sample, time_ms: int) -> None:
        """Make a reading of a sample: number it, keep it, publish it.

        Where the disk refuses, the sample waits with those after it, in order; `check`
        tries again.
        """
        self._waiting.append((sample, time_ms))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.let_go += 1
        self._take_waiting()

    def _take_waiting(self) -> None:
        while self._waiting:
            try:
                self._make(*self._waiting[0])
            except StorageError as error:
                if not self._is_refused:
                    log.error("device=%s held: %s", self.spec.device, error)
                self._is_refused = True
                return
            self._waiting.popleft()
        if self._is_refused:
            self._is_refused = False
            log.info("device=%s goes on, let_go=%d", self.spec.device, self.let_go)

    def _make(self, sample: Sample, time_ms: int) -> None:
        reading = Reading(
            self.spec.device,
            self.boot,
            self.made + 1,
            time_ms,
            sample.value,
            sample.quality,
            sample.reason,
        )
        topic, payload = self._topics[sample.vital], reading.to_json()
        if self._ledger is not None:
            self._ledger.settle()
        self.outbox.append(Entry(self.boot, reading.seq, topic, payload))
        # What no disk has taken was never made: its seq is the next one's.
        self.made = reading.seq
        if self._ledger is not None:
            self._ledger.add(self.spec.bed, sample.vital, reading)
        if self._link is not None and self._link.is_open:
            self._link.publish(topic.encode(), payload)

    async def run(self, broker: Broker) -> None:
        """Stay connected until `end`."""
        retry_s = FIRST_RETRY_S
        while not self._ending:
            try:
                await asyncio.wait_for(self._connect(broker), CONNECT_TIMEOUT_S)
            except (OSError, TimeoutError):
                if self._link is not None:
                    self._link.abort()
                self._link = None
            if self._link is not None and self._link.is_open:
                retry_s = FIRST_RETRY_S
                self._introduce()
                await self._link.lost
            self._link = None
            if not self._ending:
                # Jitter spreads the devices of a hospital after a broker's restart.
                await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))
                retry_s = min(retry_s * 2, LONGEST_RETRY_S)

    @property
    def resent(self) -> int:
        """How many readings were sent again."""
        return self.backlog.sent

    @property
    def waiting(self) -> int:
        """How many samples wait for the disk."""
        return len(self._waiting)

    def check(self) -> None:
        """Keep the connection alive, and send some of what is to be sent again."""
        self._take_waiting()
        link = self._link
        if link is None or not link.is_open:
            return
        link.keep_alive()
        for entry in self.backlog.due(time.monotonic(), WINDOW - link.backlog):
            link.publish(entry.topic.encode(), entry.payload)

    def end(self) -> None:
        """Say that the device is switched off, and leave."""
        self._ending = True
        if self._link is not None and self._link.is_open:
            self._publish_status("offline")
            self._link.disconnect()
        self.outbox.close()

    async def _connect(self, broker: Broker) -> None:
        login = Login(
            client_id=self.spec.device,
            password=broker.password(self.spec.device),
            will_topic=self._topic("status"),
            will=self._status("offline").to_json(),
            subscriptions=(self._durable.decode(), self._command.decode()),
            keepalive_s=broker.keepalive_s,
        )
        loop = asyncio.get_running_loop()
        _, self._link = await loop.create_connection(
            lambda: DeviceProtocol(login, self._take_message), broker.host, broker.port
        )
        await self._link.ready

    def _introduce(self) -> None:
        self._publish_status("online")
        self.backlog.begin()

    def _take_message(self, topic: bytes, payload: bytes) -> None:
        try:
            if topic == self._durable:
                durable = decode(Durable, payload)
                self.outbox.confirm(durable.boot, durable.seq)
            elif topic == self._command:
                self._obey(decode(DeviceCommand, payload))
        except ContractError:
            # A device that cannot read the hub's word goes on sending until it can.
            return

    def _obey(self, command: DeviceCommand) -> None:
        if command.verb != "resend" or self._link is None:
            return
        if command.boot is None or command.from_seq is None:
            return
        try:
            self.outbox.take_back(command.boot, command.from_seq)
        except StorageError as error:
            # The hub asks again.
            log.error("device=%s cannot look back: %s", self.spec.device, error)
        held = self.outbox.next_held(command.boot, command.from_seq)
        # A birth speaks for this boot alone: of an older one it would tell a false gap.
        if held != command.from_seq and command.boot == self.boot:
            # What is asked for is gone: the birth says from where on we still hold.
            self._publish_status("online", held or self.made + 1)
        self.backlog.begin_from(command.boot, command.from_seq)

    def _publish_status(self, state: str, held_from_seq: int | None = None) -> None:
        if self._link is not None:
            status = self._status(state, held_from_seq)
            topic = self._topic("status").encode()
            self._link.publish(topic, status.to_json(), retain=True)

    def _status(self, state: str, held_from_seq: int | None = None) -> DeviceStatus:
        return DeviceStatus(
            device=self.spec.device,
            boot=self.boot,
            state="online" if state == "online" else "offline",
            time_ms=time.time_ns() // 1_000_000,
            vitals=self.spec.vitals,
            model=self.spec.model,
            firmware=FIRMWARE,
            held_from_seq=held_from_seq or self.outbox.held_from_seq(self.boot),
        )

    def _topic(self, channel: DeviceChannel) -> str:
        return str(DeviceTopic(self.spec.bed, self.spec.device, channel))
