"""Analysis as a plugin: readings in, conditions out."""

import logging
from collections.abc import Sequence
from typing import Final

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
from monitorme_analysis.announcing import Announcer
from monitorme_analysis.bed import BedAnalysis, BedState
from monitorme_analysis.config import AnalysisConfig
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.limits import Limits, default_limits
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.snapshot import Snapshots

log = logging.getLogger(__name__)

STAYS_KEPT_MS: Final = 30 * 86_400_000
"""What was set for a stay is forgotten when nothing was set for so long."""


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
        """Load limits and rules, and go on from the state that was written down."""
        context, config = self.context, self.config
        self._limits = _merged(config)
        for number, sentence in enumerate(self._limits.switched_off()):
            context.trouble[f"limit_{number}"] = sentence
        classes, failed = installed_rules()
        for number, sentence in enumerate(failed):
            context.trouble[f"rules_{number}"] = sentence
        self._rules = RuleSet.configured(classes, config.rules, context.catalogue)
        self._snapshots = Snapshots(context.folder)
        self._snapshots.forget(context.now_ms() - STAYS_KEPT_MS)
        self._beds: dict[BedId, BedAnalysis] = {}
        for bed, state in self._snapshots.beds(self._rules):
            self._beds[bed] = self._analysis(bed, state)
        self._announcer = Announcer(
            context.bus, republish_every_ms=round(config.republish_every_s * 1000)
        )
        self._unsaved: list[BedId] = []
        self._saved_ms = context.now_ms()
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
                        self._announcer.recall(bed, decode(Condition, message.payload))
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1
        for bed in touched:
            self._announce(bed)

    def tick(self, now_ms: int) -> None:
        """Let time pass for every bed, republish, write some of the state down."""
        for bed, analysis in self._beds.items():
            analysis.advance(now_ms)
            self._announce(bed)
        self._save_some(now_ms)

    def stop(self) -> None:
        """Write the state down."""
        if hasattr(self, "_has_started"):
            self._save(list(self._beds))
            self._snapshots.close()

    def _save_some(self, now_ms: int) -> None:
        """Write so many beds down that each has its turn within the time configured."""
        every_ms = self.config.snapshot_every_s * 1000
        due = len(self._beds) * (now_ms - self._saved_ms) / every_ms
        if due < 1:
            return
        self._saved_ms = now_ms
        if not self._unsaved:
            self._unsaved = list(self._beds)
        count = min(round(due), len(self._unsaved))
        turn, self._unsaved = self._unsaved[:count], self._unsaved[count:]
        self._save(turn)

    def _save(self, beds: Sequence[BedId]) -> None:
        self._snapshots.save(
            [(bed, self._beds[bed].state) for bed in beds], self._rules
        )

    def _analysis(self, bed: BedId, state: BedState | None = None) -> BedAnalysis:
        admission = state.known.admission if state else None
        return BedAnalysis(
            self.context.catalogue,
            self._limits,
            state,
            rules=self._rules,
            bed=bed,
            stay=self._snapshots.stay(admission) if admission else None,
        )

    def _bed(self, bed: BedId) -> BedAnalysis:
        found = self._beds.get(bed)
        if found is None:
            found = self._beds[bed] = self._analysis(bed)
        return found

    def _take(self, topic: VitalTopic, message: Message) -> None:
        bed = self._bed(topic.bed)
        try:
            entry = self.context.catalogue.get(topic.vital)
            if entry is None:
                raise ContractError("no such vital", reason="unknown_vital")
            reading = decode_reading(message.payload)
            judged = judge(reading, entry, message.received_ms)
        except ContractError as error:
            bed.refuse(topic.vital, error.reason, message.received_ms)
            raise
        if judged.late:
            self.context.counts["late"] += 1
        if not bed.take(topic.vital, reading, judged, message.received_ms):
            self.context.counts["superseded"] += 1

    def _admit(self, bed: BedId, message: Message) -> None:
        admission = decode(Admission, message.payload) if message.payload else None
        stay = self._snapshots.stay(admission.admission) if admission else None
        self._bed(bed).admit(admission, stay)

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
