"""The registry as a plugin: takes commands, publishes retained admissions."""

import logging
from collections.abc import Sequence
from uuid import uuid4

from monitorme.commanding import Answer, Handler, answer
from monitorme.contract import topics
from monitorme.contract.payloads import Admission, Command, DeviceStatus, Event, decode
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    CommandTopic,
    DeviceTopic,
)
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin, PluginConfig
from monitorme.registry import admissions
from monitorme.registry.store import KnownDevice, RegistryStore

log = logging.getLogger(__name__)


class RegistryConfig(PluginConfig):
    """Settings of the registry."""


class Registry(Plugin[RegistryConfig]):
    """Knows wards, beds, devices and who lies where."""

    name = "registry"
    Config = RegistryConfig
    subscriptions = (
        topics.command_filter("registry"),
        topics.device_filter("status"),
    )

    def start(self) -> None:
        """Open the database and publish who lies where."""
        self._store = RegistryStore(
            self.context.folder / "registry.sqlite", self.context.bus
        )
        for ward, section in self.context.wards.items():
            for name in section.beds:
                self._store.add_bed(BedId(ward, name))
        occupants = self._store.occupants()
        for bed in self._store.beds():
            self._publish(bed, occupants.get(bed))
        self._store.tell()
        self._verbs: dict[str, Handler] = {
            "admit": self._admit,
            "transfer": self._transfer,
            "discharge": self._discharge,
            "beds": self._beds,
            "devices": self._devices,
        }

    def handle(self, batch: Sequence[Message]) -> None:
        """Carry out commands and remember devices."""
        for message in batch:
            match topics.parse(message.topic):
                case CommandTopic() as topic:
                    answer(self.context, topic, message, self._verbs)
                case DeviceTopic() as topic:
                    self._remember(topic, message)

    def tick(self, now_ms: int) -> None:
        """Tell what could not be told, and forget what the broker has."""
        self._store.tell()

    def stop(self) -> None:
        """Close the database."""
        if hasattr(self, "_store"):
            self._store.close()

    def _publish(self, bed: BedId, admission: Admission | None) -> None:
        payload = admission.to_json() if admission else b""
        self.context.bus.publish(AdmissionTopic(bed), payload, retain=True)

    def _admit(self, command: Command) -> Answer:
        now_ms = self.context.now_ms()
        bed, admission = admissions.admit(self._store, command, now_ms)
        events = {bed: self._event("patient_admitted", admission, command)}
        self._store.occupy(bed, admission, events)
        self._publish(bed, admission)
        self._store.tell()
        return {"bed": str(bed), "admission": admission.admission}

    def _transfer(self, command: Command) -> Answer:
        now_ms = self.context.now_ms()
        move = admissions.transfer(self._store, command, now_ms)
        moved = {move.bed: move.exchanged, move.to: move.admission}
        events = {
            bed: self._event("patient_transferred", admission, command)
            for bed, admission in moved.items()
            if admission is not None
        }
        self._store.move(move.bed, move.admission, move.to, move.exchanged, events)
        # The bed that is left is cleared first: for no moment are there two of anybody.
        self._publish(move.bed, None)
        if move.exchanged is not None:
            self._publish(move.to, None)
            self._publish(move.bed, move.exchanged)
        self._publish(move.to, move.admission)
        self._store.tell()
        return {"bed": str(move.to), "admission": move.admission.admission}

    def _discharge(self, command: Command) -> Answer:
        bed, admission = admissions.discharge(self._store, command)
        events = {bed: self._event("patient_discharged", admission, command)}
        self._store.vacate(bed, self.context.now_ms(), events)
        self._publish(bed, None)
        self._store.tell()
        return {"bed": str(bed), "admission": admission.admission}

    def _event(self, kind: str, admission: Admission, command: Command) -> Event:
        return Event(
            id=str(uuid4()),
            time_ms=self.context.now_ms(),
            service=self.name,
            kind=kind,
            by=command.by,
            admission=admission.admission,
        )

    def _beds(self, command: Command) -> Answer:
        del command
        occupants = self._store.occupants()
        return {
            "beds": [
                {
                    "bed": str(bed),
                    "admission": occupants[bed].model_dump(mode="json")
                    if bed in occupants
                    else None,
                }
                for bed in self._store.beds()
            ]
        }

    def _devices(self, command: Command) -> Answer:
        del command
        return {
            "devices": [
                {
                    "device": known.device,
                    "bed": str(known.bed),
                    "state": known.state,
                    "boot": known.boot,
                    "vitals": list(known.vitals),
                    "model": known.model,
                    "firmware": known.firmware,
                    "seen_ms": known.seen_ms,
                }
                for known in self._store.devices()
            ]
        }

    def _remember(self, topic: DeviceTopic, message: Message) -> None:
        if not message.payload:
            return
        try:
            status = decode(DeviceStatus, message.payload)
        except ContractError as error:
            self.context.counts[f"refused_{error.reason}"] += 1
            log.warning("device status refused topic=%s: %s", message.topic, error)
            return
        if status.device != topic.device:
            self.context.counts["refused_wrong_device"] += 1
            return
        known = self._store.device(status.device)
        is_old_death = known and status.state == "offline" and status.boot != known.boot
        if is_old_death:
            return
        if known and known.bed != topic.bed and known.state == "online":
            self.context.trouble[f"device_{status.device}"] = (
                f"device {status.device} appears at {known.bed} and at {topic.bed}: "
                "two devices may use one id"
            )
        self._store.add_bed(topic.bed)
        self._store.remember(_known(topic, status, self.context.now_ms()))


def _known(topic: DeviceTopic, status: DeviceStatus, now_ms: int) -> KnownDevice:
    return KnownDevice(
        status.device,
        topic.bed,
        status.boot,
        status.state,
        status.vitals,
        status.model,
        status.firmware,
        now_ms,
    )
