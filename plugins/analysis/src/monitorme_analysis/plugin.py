"""Analysis as a plugin: readings in, conditions out."""

import logging
from collections.abc import Sequence

from monitorme.contract import topics
from monitorme.contract.payloads import Admission, Condition, DeviceStatus, decode
from monitorme.contract.readings import decode_reading, judge
from monitorme.contract.topics import (
    AdmissionTopic,
    BedId,
    ConditionTopic,
    DeviceTopic,
    VitalTopic,
)
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_analysis import snapshot
from monitorme_analysis.announcing import Announcer
from monitorme_analysis.bed import BedAnalysis, BedState
from monitorme_analysis.config import AnalysisConfig
from monitorme_analysis.limits import Limits, default_limits

log = logging.getLogger(__name__)


class Analysis(Plugin[AnalysisConfig]):
    """Finds what is wrong with a patient or a device, and says so as conditions."""

    name = "analysis"
    Config = AnalysisConfig
    subscriptions = (
        topics.vital_filter(),
        topics.device_filter("status"),
        topics.admission_filter(),
        topics.condition_filter(),
    )

    def start(self) -> None:
        """Load limits and go on from the state that was written down."""
        context, config = self.context, self.config
        self._limits = _merged(config)
        for number, sentence in enumerate(self._limits.switched_off()):
            context.trouble[f"limit_{number}"] = sentence
        states = snapshot.load(context.folder)
        self._beds = {bed: self._analysis(state) for bed, state in states.items()}
        self._announcer = Announcer(
            context.bus, republish_every_ms=round(config.republish_every_s * 1000)
        )
        self._next_snapshot_ms = 0
        self._has_started = True

    def handle(self, batch: Sequence[Message]) -> None:
        """Judge a batch, then say what has changed."""
        touched: set[BedId] = set()
        for message in batch:
            topic = topics.parse(message.topic)
            try:
                match topic:
                    case VitalTopic(bed=bed):
                        self._take(topic, message)
                        touched.add(bed)
                    case AdmissionTopic(bed=bed):
                        self._admit(bed, message)
                        touched.add(bed)
                    case DeviceTopic(bed=bed, channel="status"):
                        self._device(topic, message)
                        touched.add(bed)
                    case ConditionTopic(bed=bed) if message.payload:
                        self._announcer.recall(bed, decode(Condition, message.payload))
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1
        for bed in touched:
            self._announce(bed)

    def tick(self, now_ms: int) -> None:
        """Notice what has not come, republish, write the state down."""
        for bed in self._beds:
            self._announce(bed)
        if now_ms >= self._next_snapshot_ms:
            every_ms = round(self.config.snapshot_every_s * 1000)
            self._next_snapshot_ms = now_ms + every_ms
            self._save()

    def stop(self) -> None:
        """Write the state down."""
        if hasattr(self, "_has_started"):
            self._save()

    def _save(self) -> None:
        states = {bed: one.state for bed, one in self._beds.items()}
        snapshot.save(self.context.folder, states)

    def _analysis(self, state: BedState | None = None) -> BedAnalysis:
        return BedAnalysis(self.context.catalogue, self._limits, state)

    def _bed(self, bed: BedId) -> BedAnalysis:
        found = self._beds.get(bed)
        if found is None:
            found = self._beds[bed] = self._analysis()
        return found

    def _take(self, topic: VitalTopic, message: Message) -> None:
        entry = self.context.catalogue.get(topic.vital)
        if entry is None:
            raise ContractError("no such vital", reason="unknown_vital")
        reading = decode_reading(message.payload)
        judged = judge(reading, entry, message.received_ms)
        if judged.late:
            # It is recorded and charted; what it says now is not what is true now.
            self.context.counts["late"] += 1
            return
        bed = self._bed(topic.bed)
        if not bed.take(topic.vital, reading, judged, message.received_ms):
            self.context.counts["superseded"] += 1

    def _admit(self, bed: BedId, message: Message) -> None:
        admission = decode(Admission, message.payload) if message.payload else None
        self._bed(bed).admit(admission)

    def _device(self, topic: DeviceTopic, message: Message) -> None:
        if not message.payload:
            return
        status = decode(DeviceStatus, message.payload)
        bed, now_ms = self._bed(topic.bed), self.context.now_ms()
        if status.state == "online":
            bed.connect(topic.device, status.boot, status.vitals, now_ms)
        else:
            bed.disconnect(topic.device, status.boot, now_ms)

    def _announce(self, bed: BedId) -> None:
        now_ms = self.context.now_ms()
        self._announcer.say(bed, list(self._bed(bed).conditions(now_ms)), now_ms)


def _merged(config: AnalysisConfig) -> Limits:
    """Return the limits of the file, with those of the site's file before them."""
    base = Limits.load(config.limits_file) if config.limits_file else default_limits()
    above = config.limits
    return Limits(
        adult={**base.adult, **above.adult},
        paediatric={**base.paediatric, **above.paediatric},
        neonate={**base.neonate, **above.neonate},
    )
