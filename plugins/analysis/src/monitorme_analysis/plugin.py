"""Analysis as a plugin: readings in, conditions out."""

import logging
from collections.abc import Sequence
from functools import partial

from monitorme.commanding import answer
from monitorme.contract import topics
from monitorme.contract.payloads import (
    Admission,
    Condition,
    DeviceStatus,
    Service,
    ServiceState,
    decode,
)
from monitorme.contract.readings import decode_reading, judge
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    DeviceTopic,
    ServiceTopic,
    VitalTopic,
)
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.beds import Beds
from monitorme_analysis.config import AnalysisConfig
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.requests import Requests
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.scores.keeping import ScoreKeeping
from monitorme_analysis.switched_off import all_switched_off

log = logging.getLogger(__name__)

THERE = (ServiceState.STARTING, ServiceState.RUNNING)


class Analysis(Plugin[AnalysisConfig]):
    """Finds what is wrong with a patient or a device, and says so as conditions."""

    name = "analysis"
    Config = AnalysisConfig
    subscriptions = (
        topics.vital_filter(),
        topics.device_filter("status"),
        topics.admission_filter(),
        topics.condition_filter(),
        topics.service_filter(service="recorder"),
        topics.command_filter("analysis"),
    )

    def start(self) -> None:
        """Load limits and rules, and go on from the state that was written down."""
        context, config = self.context, self.config
        limits = config.all_limits()
        for number, sentence in enumerate(all_switched_off(limits, context.catalogue)):
            context.trouble[f"limit_{number}"] = sentence
        classes, failed = installed_rules()
        for number, sentence in enumerate(failed):
            context.trouble[f"rules_{number}"] = sentence
        rules = RuleSet.configured(classes, config.rules, context.catalogue)
        self._beds = Beds(context, config, limits, rules)
        self._scores = ScoreKeeping(
            context,
            self._beds.all,
            kept_h=config.scores_kept_h,
            every_min=config.scores_every_min,
        )
        requests = Requests(context, self._beds, valid_h=config.entries_valid_h)
        self._verbs = {**requests.verbs, **self._scores.verbs}
        self._has_started = True

    def handle(self, batch: Sequence[Message]) -> None:
        """Judge a batch, then say what has changed."""
        touched: set[BedId] = set()
        for message in batch:
            topic = topics.parse(message.topic)
            try:
                match topic:
                    case VitalTopic(bed=bed):
                        touched.add(bed)
                        self._take(topic, message)
                    case AdmissionTopic(bed=bed):
                        touched.add(bed)
                        self._admit(bed, message)
                    case DeviceTopic(bed=bed, channel="status"):
                        touched.add(bed)
                        self._device(topic, message)
                    case ConditionTopic(bed=bed) if message.payload:
                        self._beds.recall(bed, decode(Condition, message.payload))
                    case CommandTopic():
                        answer(self.context, topic, message, self._verbs)
                    case ServiceTopic() if message.payload:
                        self._recorder(decode(Service, message.payload))
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1
        self._beds.resume()
        for bed in touched:
            self._beds.announce(bed)

    def tick(self, now_ms: int) -> None:
        """Let time pass for every bed, republish, write some of the state down."""
        self._beds.tick(now_ms)
        self._scores.tick(now_ms)

    def stop(self) -> None:
        """Write the state down."""
        if hasattr(self, "_has_started"):
            self._beds.stop()
            self._scores.stop()

    def _take(self, topic: VitalTopic, message: Message) -> None:
        received_ms = message.received_ms
        try:
            entry = self.context.catalogue.get(topic.vital)
            if entry is None:
                raise ContractError("no such vital", reason="unknown_vital")
            reading = decode_reading(message.payload)
            judged = judge(reading, entry, received_ms)
        except ContractError as error:
            self._beds.refuse(topic.bed, topic.vital, error.reason, received_ms)
            raise

        def take(bed: BedAnalysis) -> None:
            if not bed.take(topic.vital, reading, judged, received_ms):
                self.context.counts["late" if judged.late else "superseded"] += 1

        self._beds.take(topic.bed, received_ms, take)

    def _admit(self, bed: BedId, message: Message) -> None:
        admission = decode(Admission, message.payload) if message.payload else None
        stay = self._beds.stay(admission.admission) if admission else None
        self._beds.admit(bed, lambda one: one.admit(admission, stay))

    def _device(self, topic: DeviceTopic, message: Message) -> None:
        if not message.payload:
            return
        status = decode(DeviceStatus, message.payload)
        now_ms = self.context.now_ms()
        change = (
            partial(BedAnalysis.connect, vitals=status.vitals)
            if status.state == "online"
            else BedAnalysis.disconnect
        )
        self._beds.take(
            topic.bed,
            now_ms,
            lambda bed: change(bed, topic.device, status.boot, now_ms=now_ms),
        )

    def _recorder(self, said: Service) -> None:
        is_there = said.state in THERE
        self._beds.history(said.endpoints.get("history") if is_there else None)
