"""The recorder as a plugin: readings in, on disk when the batch returns."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from monitorme.contract import topics
from monitorme.contract.payloads import DeviceStatus, decode
from monitorme.contract.readings import Reading, decode_reading, judge
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    DeviceTopic,
    EventTopic,
    VitalTopic,
)
from monitorme.errors import ContractError
from monitorme.finding import Finding
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme.quarantine import Quarantine
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.confirming import Confirming
from monitorme_recorder.history.past import Past
from monitorme_recorder.history.stays import AdmissionMessage
from monitorme_recorder.hour_file import HOUR_MS
from monitorme_recorder.influx.service import InfluxService
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, BedEvent, Store

if TYPE_CHECKING:
    from monitorme.web import WebServer

log = logging.getLogger(__name__)


class Recorder(Plugin[RecorderConfig]):
    """Keeps every reading on disk, confirms it to its device, serves its history."""

    name = "recorder"
    Config = RecorderConfig
    subscriptions = (
        topics.vital_filter(),
        topics.device_filter("status"),
        topics.admission_filter(),
        topics.alarm_filter(),
        topics.event_filter(),
    )
    linger_ms = 20

    _server: "WebServer | None" = None
    _store: Store | None = None
    _past: Past | None = None
    _influx: InfluxService | None = None

    @classmethod
    def examine(
        cls, config: RecorderConfig, environment: Mapping[str, str]
    ) -> Iterable[Finding]:
        """Look whether InfluxDB answers, where there is one."""
        from monitorme_recorder.influx.examination import examine

        return examine(config.influxdb, environment)

    def start(self) -> None:
        """Open the journal and serve history."""
        from monitorme.web import WebServer
        from monitorme_recorder.api.app import history_app

        context = self.context
        self._store = Store(context.folder, context.catalogue, context.now_ms())
        for number, trouble in enumerate(self._store.set_aside):
            context.trouble[f"damaged_{number}"] = trouble
        self._quarantine = Quarantine(context.folder)
        self._confirming = Confirming(self._store, context.bus, self.config)
        self._next_fold_ms = context.now_ms() + int(self.config.fold_every_s * 1000)
        self._streams: dict[tuple[VitalTopic, str, str], Stream] = {}
        self._influx = InfluxService.of(self.config, context)
        archive = self._influx.history if self._influx else None
        self._past = Past(self._store, context.now_ms, archive)
        app = history_app(self._past, self._store, context)
        self._server = WebServer(app, host=self.config.host, port=self.config.port)
        self._server.start()
        context.endpoints["history"] = self._server.url

    def handle(self, batch: Sequence[Message]) -> None:
        """Store a batch in one transaction, then tell the devices."""
        assert self._store is not None
        assert self._past is not None
        arrivals: list[Arrival] = []
        events: list[BedEvent] = []
        stays: list[AdmissionMessage] = []
        births: list[tuple[DeviceTopic, Message]] = []
        for message in batch:
            topic = topics.parse(message.topic)
            try:
                if isinstance(topic, VitalTopic):
                    arrivals.append(self._arrival(topic, message))
                elif isinstance(topic, DeviceTopic):
                    births.append((topic, message))
                elif isinstance(topic, EventTopic | AdmissionTopic | AlarmTopic):
                    if isinstance(topic, AdmissionTopic):
                        stays.append(_admission(topic, message))
                    if isinstance(topic, EventTopic) or not message.retained:
                        events.append(_event(topic, message))
            except ContractError as error:
                self._refuse(message, error)
        self._past.stays.take(stays)
        fresh = self._store.store(arrivals, events)
        counts = self.context.counts
        counts["recorded"] += fresh
        counts["duplicates"] += len(arrivals) - fresh
        for one in arrivals:
            key = (one.reading.device, one.reading.boot)
            self._confirming.changed(key, BedId(one.stream.ward, one.stream.bed))
        for device_topic, message in births:
            self._greet(device_topic, message)
        self._confirming.tell(self.context.now_ms())

    def tick(self, now_ms: int) -> None:
        """Tell devices, ask for gaps, fold, drop what is too old."""
        assert self._store is not None
        self._confirming.tell(now_ms)
        self._confirming.ask(now_ms)
        self.context.figures["open_gaps"] = float(self._confirming.open_gaps())
        if self._influx is not None:
            self._influx.report(self.context)
        if now_ms >= self._next_fold_ms:
            self._next_fold_ms = now_ms + int(self.config.fold_every_s * 1000)
            self._store.fold()
            oldest_ms = now_ms - self.config.retention_hours * HOUR_MS
            if self._influx is not None:
                oldest_ms = min(oldest_ms, self._influx.unshipped_from_ms)
            self._store.drop_older_than(oldest_ms)
            if self._past is not None:
                self._past.readers.forget_dropped()

    def stop(self) -> None:
        """Stop serving, fold what is in memory, close the journal."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._influx is not None:
            self._influx.stop()
            self._influx = None
        if self._past is not None:
            self._past.close()
            self._past = None
        if self._store is not None:
            self._store.close()
            self._store = None

    def _arrival(self, topic: VitalTopic, message: Message) -> Arrival:
        vital = self.context.catalogue.get(topic.vital)
        if vital is None:
            raise ContractError(
                f"the catalogue has no vital {topic.vital!r}", reason="unknown_vital"
            )
        reading = decode_reading(message.payload)
        judged = judge(reading, vital, message.received_ms)
        if judged.reason in ("out_of_range", "clock_ahead"):
            self.context.counts[f"kept_{judged.reason}"] += 1
        stream = self._stream(topic, reading)
        return Arrival(stream, reading, judged, message.received_ms, message.payload)

    def _stream(self, topic: VitalTopic, reading: Reading) -> Stream:
        key = (topic, reading.device, reading.boot)
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) > 100_000:
                self._streams.clear()
            bed = topic.bed
            stream = Stream(bed.ward, bed.bed, topic.vital, key[1], key[2])
            self._streams[key] = stream
        return stream

    def _refuse(self, message: Message, error: ContractError) -> None:
        self.context.counts[f"refused_{error.reason}"] += 1
        self._quarantine.keep(message, f"{error.reason}: {error}")
        self.context.counts["quarantine_dropped"] = self._quarantine.dropped

    def _greet(self, topic: DeviceTopic, message: Message) -> None:
        """Tell a device that has connected what is on disk; give up what it gave up."""
        assert self._store is not None
        if topic.channel != "status" or not message.payload:
            return
        try:
            status = decode(DeviceStatus, message.payload)
        except ContractError as error:
            self._refuse(message, error)
            return
        if status.state != "online":
            return
        if status.held_from_seq is not None and not message.retained:
            stream = Stream(
                topic.bed.ward, topic.bed.bed, "", topic.device, status.boot
            )
            self.context.counts["lost_at_device"] += self._store.give_up(
                stream, status.held_from_seq, self.context.now_ms(), "gone_at_device"
            )
        self._confirming.greet((status.device, status.boot), topic.bed)


def _event(
    topic: AdmissionTopic | AlarmTopic | EventTopic, message: Message
) -> BedEvent:
    kind = type(topic).__name__.removesuffix("Topic").lower()
    bed = topic.bed
    return BedEvent(message.received_ms, bed.ward, bed.bed, kind, message.payload)


def _admission(topic: AdmissionTopic, message: Message) -> AdmissionMessage:
    bed = topic.bed
    return AdmissionMessage(message.received_ms, bed.ward, bed.bed, message.payload)
