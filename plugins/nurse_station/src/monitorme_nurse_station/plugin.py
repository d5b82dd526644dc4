"""The nurses' station as a plugin: everything in, frames out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitorme.contract import topics
from monitorme.contract.payloads import (
    Admission,
    Alarm,
    DeviceStatus,
    LimitsInForce,
    Service,
    ServiceState,
    decode,
)
from monitorme.contract.readings import decode_reading, judge
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    DeviceTopic,
    LimitsTopic,
    ServiceTopic,
    Topic,
    VitalTopic,
)
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_nurse_station.config import NurseStationConfig
from monitorme_nurse_station.station import Station

if TYPE_CHECKING:
    from monitorme.web import WebServer
    from monitorme_nurse_station.catching_up import CatchingUp


class NurseStation(Plugin[NurseStationConfig]):
    """Shows a ward's patients on one page."""

    name = "nurse_station"
    Config = NurseStationConfig
    subscriptions = (
        topics.vital_filter(),
        topics.admission_filter(),
        topics.alarm_filter(),
        topics.limits_filter(),
        topics.device_filter("status"),
        topics.service_filter(),
    )

    _server: "WebServer | None" = None
    _past: "CatchingUp | None" = None

    def start(self) -> None:
        """Serve the page."""
        from monitorme.web import WebServer
        from monitorme_nurse_station.app import station_app
        from monitorme_nurse_station.catching_up import CatchingUp

        config, context = self.config, self.context
        self._station = Station(context, rotate_s=config.rotate_s)
        self._past = CatchingUp(self._station, context.wards, context.catalogue)
        app = station_app(self._station, context, config)
        self._server = WebServer(app, host=config.host, port=config.port).start()
        context.endpoints["page"] = self._server.url

    def handle(self, batch: Sequence[Message]) -> None:
        """Take everything in; the pages get it with the next frame."""
        for message in batch:
            topic = topics.parse(message.topic)
            try:
                self._take(topic, message)
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1

    def tick(self, now_ms: int) -> None:
        """Report what was counted and measured."""
        self._station.tick()
        counts, figures = self._station.figures()
        self.context.counts.update(
            {name: count - self.context.counts[name] for name, count in counts.items()}
        )
        self.context.figures.update(figures)

    def stop(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._past is not None:
            self._past.stop()
            self._past = None

    def _take(self, topic: Topic | None, message: Message) -> None:
        payload, station = message.payload, self._station
        match topic:
            case VitalTopic():
                self._take_reading(topic, message)
            case AdmissionTopic(bed=bed):
                admission = decode(Admission, payload) if payload else None
                station.take_admission(bed, admission)
            case AlarmTopic(bed=bed, code=code):
                alarm = decode(Alarm, payload) if payload else None
                station.take_alarm(bed, code, alarm)
            case LimitsTopic(bed=bed):
                limits = decode(LimitsInForce, payload) if payload else None
                station.take_limits(bed, limits)
            case DeviceTopic(bed=bed, channel="status") if payload:
                station.take_device(bed, decode(DeviceStatus, payload))
            case ServiceTopic():
                self._take_service(topic, decode(Service, payload) if payload else None)

    def _take_service(self, topic: ServiceTopic, said: Service | None) -> None:
        is_there = said is not None and said.state is not ServiceState.OFFLINE
        alarms = said.alarms if said else ()
        self._station.take_service(
            topic.service, topic.instance, is_there=is_there, alarms=alarms
        )
        if topic.service != "recorder":
            return
        url = said.endpoints.get("history") if said and is_there else None
        self._station.take_recorder(topic.instance, url)
        if url is not None and self._past is not None:
            self._past.begin(url)

    def _take_reading(self, topic: VitalTopic, message: Message) -> None:
        vital = self.context.catalogue.get(topic.vital)
        if vital is None:
            raise ContractError("no such vital", reason="unknown_vital")
        reading = decode_reading(message.payload)
        judged = judge(reading, vital, message.received_ms)
        self._station.take_reading(
            topic.bed, topic.vital, reading, judged, message.received_ms
        )
