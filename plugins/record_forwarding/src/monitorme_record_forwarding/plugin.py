"""Record forwarding as a plugin: snapshots on command, alarm times as they happen."""

import json
import logging
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid4, uuid5

from pydantic import BaseModel, ConfigDict

from monitorme.commanding import Answer, Handler, Refused, answer, arguments
from monitorme.contract import topics
from monitorme.contract.payloads import Admission, Command, Event, Id, decode
from monitorme.contract.readings import Judgement, Reading, decode_reading, judge
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    CommandTopic,
    EventTopic,
    VitalTopic,
)
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_record_forwarding.bundle import Newest, snapshot_bundle
from monitorme_record_forwarding.cloud_event import cloud_event
from monitorme_record_forwarding.config import RecordForwardingConfig
from monitorme_record_forwarding.outbox import Document, DocumentOutbox
from monitorme_record_forwarding.sending import Sender, Target, Verdict

log = logging.getLogger(__name__)

RECORDS, ANALYTICS = "mymedicaldata", "monitorthem"
FORWARDED = frozenset(
    {"alarm_raised", "alarm_acknowledged", "alarm_resolved", "alarm_found_past"}
)


class Snapshot(BaseModel):
    """Arguments of `snapshot`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ward: Id
    bed: Id


class RecordForwarding(Plugin[RecordForwardingConfig]):
    """Sends snapshots to MyMedicalData and alarm response times to MonitorThem."""

    name = "record_forwarding"
    Config = RecordForwardingConfig
    subscriptions = (
        topics.vital_filter(),
        topics.admission_filter(),
        topics.event_filter(),
        topics.command_filter("record_forwarding"),
    )
    linger_ms = 20

    def start(self) -> None:
        """Open the outbox and go on sending what it holds."""
        self._outbox = DocumentOutbox(
            self.context.folder / "outbox.sqlite", self.context.bus
        )
        self._outbox.tell()
        self._newest: dict[BedId, dict[str, tuple[Reading, Judgement, int]]] = {}
        self._admissions: dict[BedId, Admission] = {}
        self._verbs: dict[str, Handler] = {
            "snapshot": self._snapshot,
            "list": self._list,
        }
        self._senders: dict[str, Sender] = {}
        self._add_sender(
            RECORDS, self.config.mymedicaldata_url, "application/fhir+json"
        )
        self._add_sender(
            ANALYTICS, self.config.monitorthem_url, "application/cloudevents+json"
        )
        for sender in self._senders.values():
            sender.start()

    def handle(self, batch: Sequence[Message]) -> None:
        """Keep the newest of everything, forward events, carry out commands."""
        for message in batch:
            topic = topics.parse(message.topic)
            try:
                match topic:
                    case VitalTopic():
                        self._take(topic, message)
                    case AdmissionTopic(bed=bed):
                        self._admit(bed, message)
                    case EventTopic(bed=bed):
                        self._forward(bed, decode(Event, message.payload))
                    case CommandTopic():
                        answer(self.context, topic, message, self._verbs)
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1

    def tick(self, now_ms: int) -> None:
        """Report how much waits."""
        self._outbox.tell()
        self.context.figures["waiting"] = float(self._outbox.waiting())

    def stop(self) -> None:
        """Stop sending; what waits is sent after the next start."""
        for sender in getattr(self, "_senders", {}).values():
            sender.stop()
        if hasattr(self, "_outbox"):
            self._outbox.close()

    def _add_sender(self, name: str, url: str | None, content_type: str) -> None:
        if url is None:
            return
        config = self.config
        target = Target(
            name,
            url,
            content_type,
            config.timeout_s,
            config.first_retry_s,
            config.longest_retry_s,
        )
        self._senders[name] = Sender(
            target,
            self._outbox,
            now_ms=self.context.now_ms,
            on_end=self._ended,
            on_trouble=lambda text: self._trouble(name, text),
        )

    def _take(self, topic: VitalTopic, message: Message) -> None:
        vital = self.context.catalogue.get(topic.vital)
        if vital is None:
            raise ContractError("no such vital", reason="unknown_vital")
        reading = decode_reading(message.payload)
        judged = judge(reading, vital, message.received_ms)
        admission = self._admissions.get(topic.bed)
        if admission is None or judged.at_ms < admission.since_ms:
            return
        newest = self._newest.setdefault(topic.bed, {})
        known = newest.get(topic.vital)
        if known is None or judged.at_ms >= known[1].at_ms:
            newest[topic.vital] = (reading, judged, message.received_ms)

    def _admit(self, bed: BedId, message: Message) -> None:
        admission = decode(Admission, message.payload) if message.payload else None
        if admission == self._admissions.get(bed):
            return
        self._newest.pop(bed, None)
        if admission is None:
            self._admissions.pop(bed, None)
        else:
            self._admissions[bed] = admission

    def _snapshot(self, command: Command) -> Answer:
        wanted = arguments(Snapshot, command)
        bed = BedId(wanted.ward, wanted.bed)
        admission = self._admissions.get(bed)
        if admission is None:
            raise Refused(f"nobody lies in {bed}")
        now_ms = self.context.now_ms()
        newest = {
            name: self._told(name, *one, now_ms)
            for name, one in self._newest.get(bed, {}).items()
        }
        bundle = snapshot_bundle(admission, newest, self.context.catalogue, now_ms)
        # A command that comes again after a crash asks for no second snapshot.
        name = str(uuid5(NAMESPACE_URL, f"monitorme:snapshot:{command.id}"))
        document = Document(name, RECORDS, now_ms, json.dumps(bundle).encode())
        event = self._event("snapshot_queued", admission, document.id, command.by)
        self._outbox.put_and_tell(document, bed, event)
        self._wake(RECORDS)
        return {"snapshot": document.id, "state": "queued"}

    def _told(
        self,
        name: str,
        reading: Reading,
        judged: Judgement,
        arrived_ms: int,
        now_ms: int,
    ) -> Newest:
        is_stale = now_ms - arrived_ms > self.context.catalogue[name].stale_after_ms
        return Newest(
            reading.device, judged.at_ms, judged.value, judged.reason, is_stale
        )

    def _list(self, command: Command) -> Answer:
        del command
        return {"documents": [one._asdict() for one in self._outbox.outcomes()]}

    def _forward(self, bed: BedId, event: Event) -> None:
        if event.kind in FORWARDED and ANALYTICS in self._senders:
            body = json.dumps(cloud_event(bed, event)).encode()
            self._outbox.put(Document(event.id, ANALYTICS, event.time_ms, body))
            self._wake(ANALYTICS)

    def _wake(self, name: str) -> None:
        sender = self._senders.get(name)
        if sender is not None:
            sender.wake()
        else:
            self._trouble(name, f"{name} is not configured: documents are kept here")

    def _ended(self, document: Document, verdict: Verdict) -> None:
        self.context.counts[f"{document.target}_{verdict.state}"] += 1
        if verdict.state == "refused":
            log.error("refused target=%s: %s", document.target, verdict.note)
            self._trouble("refused", f"{document.target} refused: {verdict.note}")

    def _trouble(self, subject: str, text: str | None) -> None:
        if text is None:
            self.context.trouble.pop(subject, None)
        else:
            self.context.trouble[subject] = text

    def _event(self, kind: str, admission: Admission, document: str, by: str) -> Event:
        return Event(
            id=str(uuid4()),
            time_ms=self.context.now_ms(),
            service=self.name,
            kind=kind,
            by=by,
            admission=admission.admission,
            details={"snapshot": document},
        )
