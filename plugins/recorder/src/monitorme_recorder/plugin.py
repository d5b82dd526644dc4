"""The recorder as a plugin: readings in, on disk when the batch returns."""

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from monitorme.contract import topics
from monitorme.contract.payloads import DeviceStatus, decode
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    DeviceTopic,
    EventTopic,
)
from monitorme.errors import ContractError
from monitorme.finding import Finding
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme.quarantine import Quarantine
from monitorme_recorder.checking import Checking
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.confirming import Confirming
from monitorme_recorder.floods import Floods
from monitorme_recorder.history.past import Past
from monitorme_recorder.history.stays import AdmissionMessage
from monitorme_recorder.influx.service import InfluxService
from monitorme_recorder.intake import Intake, Sort
from monitorme_recorder.records import Stream
from monitorme_recorder.rescue import Rescue
from monitorme_recorder.store import BedEvent, Sorted, Store
from monitorme_recorder.upkeep import Upkeep
from monitorme_recorder.watching import Watching
from monitorme_recorder.writer import Job, Stalled, Writer

if TYPE_CHECKING:
    from monitorme.web import WebServer

log = logging.getLogger(__name__)

STOP_S = 10.0
"""How long a disk that stalls may hold up the end."""
SWITCH_S = 0.0005
"""How long a thread of the recorder may keep the interpreter when another wants it.

A batch goes from thread to thread and back; with Python's 5 ms, each way may take as long.
"""


@dataclass(slots=True, eq=False)
class _Held:
    """A batch from when it came until it is on disk."""

    batch: Sequence[Message]
    sort: Sort
    arrivals: list[Sorted]
    events: list[BedEvent]
    job: Job[int] | None = None


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
    linger_ms = 40

    _server: "WebServer | None" = None
    _store: Store | None = None
    _past: Past | None = None
    _rescue: Rescue | None = None
    _checking: Checking | None = None
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

        sys.setswitchinterval(SWITCH_S)
        context = self.context
        self._store = Store(context.folder, context.catalogue, context.now_ms())
        for number, trouble in enumerate(self._store.told):
            context.trouble[f"set_aside_{number}"] = trouble
        self._writer = Writer()
        self._held: _Held | None = None
        self._quarantine = Quarantine(context.folder)
        self._confirming = Confirming(self._store, context.bus, self.config)
        self._floods = Floods(self.config.flood_per_s)
        self._watching = Watching(context, self._confirming, self._floods)
        self._intake = Intake(
            self._store,
            context.catalogue,
            self._watching.clocks,
            context.counts,
            self._refuse,
        )
        self._influx = InfluxService.of(self.config, context)
        archive = self._influx.history if self._influx else None
        self._past = Past(self._store, context.now_ms, archive)
        self._upkeep = Upkeep(
            self._store, self._writer, self._past, context, self.config
        )
        self._rescue = Rescue(self._store, self._past, context)
        self._rescue.begin(self._writer)
        self._past.tell(context)
        self._past.ask_ahead(context.wards, self.config.wards)
        app = history_app(self._past, self._store, self._watching.clocks, context)
        self._server = WebServer(app, host=self.config.host, port=self.config.port)
        self._server.start()
        context.endpoints["history"] = self._server.url
        self._checking = Checking(
            self._past.readers,
            self._store,
            self._writer,
            reserve_mb=self.config.reserve_mb,
        )
        self._checking.start()

    def handle(self, batch: Sequence[Message]) -> None:
        """Store a batch in one transaction, then tell the devices.

        While the disk stalls the host calls this again and again with the same batch.
        """
        assert self._store is not None
        assert self._rescue is not None
        held = self._held
        if held is None or held.batch is not batch:
            held = self._held = self._sorted(batch)
        if held.job is None:
            held.job = self._writer.submit(
                partial(
                    self._rescue.first,
                    partial(self._store.commit, held.arrivals, held.events),
                )
            )
        try:
            fresh = held.job.result(self.config.stall_after_s)
        except Stalled as error:
            damaged = self._store.damaged
            if damaged is None:
                raise
            raise Stalled(f"{damaged.name} is damaged, it is written anew") from error
        except BaseException:
            held.job = None
            raise
        self._held = None
        self._stored(held, fresh)

    def tick(self, now_ms: int) -> None:
        """Tell devices, ask for gaps, fold, drop what is too old."""
        assert self._rescue is not None
        self._rescue.tell()
        if not self._rescue.is_over:
            # All that follows waits for the thread that writes.
            return
        self._confirming.tell(now_ms)
        self._confirming.ask(now_ms)
        self._watching.report(now_ms)
        if self._influx is not None:
            self._influx.report(self.context)
        for boot, bed, before_seq in self._watching.hopeless(
            now_ms, self.config.give_up_after_s
        ):
            stream = Stream(bed.ward, bed.bed, "", boot.device, boot.boot)
            self._give_up(stream, before_seq, "never_came")
        if self._past is not None:
            self._past.tell(self.context)
        if self._checking is not None:
            self._checking.tell(self.context)
        unshipped_ms = self._influx.unshipped_from_ms if self._influx else None
        self._upkeep.work(now_ms, unshipped_ms)

    def stop(self) -> None:
        """Stop serving, fold what is in memory, close the journal."""
        if self._rescue is not None:
            self._rescue.stop()
            self._rescue = None
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._checking is not None:
            self._checking.stop()
            self._checking = None
        if self._past is not None:
            self._past.close()
            self._past = None
        if self._influx is not None:
            self._influx.stop()
            self._influx = None
        if self._store is not None:
            closing = self._writer.submit(self._store.close)
            self._store = None
            try:
                closing.result(STOP_S)
            finally:
                self._writer.stop(STOP_S)

    def _sorted(self, batch: Sequence[Message]) -> _Held:
        assert self._past is not None
        sort = self._intake.sort(batch)
        arrivals = self._floods.pass_on(sort.arrivals)
        if len(arrivals) < len(sort.arrivals):
            self.context.counts["throttled"] += len(sort.arrivals) - len(arrivals)
        stays: list[AdmissionMessage] = []
        events: list[BedEvent] = []
        for message, topic in sort.others:
            if isinstance(topic, AdmissionTopic):
                stays.append(_admission(topic, message))
            is_new = isinstance(topic, EventTopic) or not message.retained
            if isinstance(topic, AdmissionTopic | AlarmTopic | EventTopic) and is_new:
                events.append(_event(topic, message))
        if stays:
            self._past.stays.take(stays)
        return _Held(batch, sort, arrivals, events)

    def _stored(self, held: _Held, fresh: int) -> None:
        """Do what follows from a batch that is on disk."""
        counts = self.context.counts
        counts["recorded"] += fresh
        counts["duplicates"] += len(held.arrivals) - fresh
        if self._influx is not None:
            self._influx.notice(fresh)
        now_ms = self.context.now_ms()
        self._watching.stored(held.arrivals, now_ms)
        for message, topic in held.sort.others:
            if isinstance(topic, DeviceTopic):
                self._greet(topic, message)
        self._confirming.tell(now_ms)
        self._upkeep.fold_full()

    def _refuse(self, message: Message, error: ContractError) -> None:
        self.context.counts[f"refused_{error.reason}"] += 1
        self._quarantine.keep(message, f"{error.reason}: {error}")
        self.context.counts["quarantine_dropped"] = self._quarantine.dropped

    def _greet(self, topic: DeviceTopic, message: Message) -> None:
        """Tell a device that has connected what is on disk; give up what it gave up."""
        if topic.channel != "status" or not message.payload:
            return
        try:
            status = decode(DeviceStatus, message.payload)
        except ContractError as error:
            self._refuse(message, error)
            return
        if status.state != "online":
            return
        self._watching.born(status.device, status.boot)
        if status.held_from_seq is not None and not message.retained:
            stream = Stream(
                topic.bed.ward, topic.bed.bed, "", topic.device, status.boot
            )
            self._give_up(stream, status.held_from_seq, "gone_at_device")
        key = (status.device, status.boot)
        self._confirming.greet(key, topic.bed, self.context.now_ms())

    def _give_up(self, stream: Stream, before_seq: int, reason: str) -> None:
        assert self._store is not None
        now_ms = self.context.now_ms()
        job = self._writer.submit(
            partial(self._store.give_up, stream, before_seq, now_ms, reason)
        )
        lost = sum(gap.last - gap.first + 1 for gap in job.result(STOP_S))
        if lost:
            self.context.counts[f"lost_{reason}"] += lost
            log.warning(
                "readings given up device=%s boot=%s readings=%d reason=%s",
                *(stream.device, stream.boot, lost, reason),
            )


def _event(
    topic: AdmissionTopic | AlarmTopic | EventTopic, message: Message
) -> BedEvent:
    kind = type(topic).__name__.removesuffix("Topic").lower()
    bed = topic.bed
    return BedEvent(message.received_ms, bed.ward, bed.bed, kind, message.payload)


def _admission(topic: AdmissionTopic, message: Message) -> AdmissionMessage:
    bed = topic.bed
    return AdmissionMessage(message.received_ms, bed.ward, bed.bed, message.payload)
