"""Alerting as a plugin: conditions in, alarms out, taken on by command."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict

from monitorme.commanding import Answer, Handler, Refused, answer, arguments
from monitorme.contract import topics
from monitorme.contract.payloads import (
    Admission,
    Alarm,
    AlarmState,
    Command,
    Condition,
    Event,
    Id,
    Name,
    PastCondition,
    decode,
)
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    EventTopic,
)
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_alerting import life
from monitorme_alerting.config import AlertingConfig
from monitorme_alerting.store import AlarmStore, Key


class Acknowledge(BaseModel):
    """Arguments of `acknowledge`; `id` guards against taking on a later episode."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ward: Id
    bed: Id
    code: Name
    id: Id | None = None


class Alerting(Plugin[AlertingConfig]):
    """Turns conditions into alarms that people see, take on and see resolved."""

    name = "alerting"
    Config = AlertingConfig
    subscriptions = (
        topics.condition_filter(),
        topics.admission_filter(),
        topics.event_filter(),
        topics.command_filter("alerting"),
    )

    def start(self) -> None:
        """Open the alarms and publish what they are."""
        self._store = AlarmStore(
            self.context.folder / "alarms.sqlite", self.context.bus
        )
        self._store.tell()
        self._heard_ms: dict[Key, int] = {}
        self._admissions: dict[BedId, str | None] = {}
        now_ms = self.context.now_ms()
        for key, alarm in self._store.items():
            self._heard_ms[key] = now_ms
            self.context.bus.publish(AlarmTopic(*key), alarm, retain=True)
        self._verbs: dict[str, Handler] = {
            "acknowledge": self._acknowledge,
            "list": self._list,
        }

    def handle(self, batch: Sequence[Message]) -> None:
        """Follow conditions, admissions and commands."""
        for message in batch:
            topic = topics.parse(message.topic)
            try:
                match topic:
                    case ConditionTopic() if message.payload:
                        self._follow(topic, decode(Condition, message.payload))
                    case AdmissionTopic(bed=bed):
                        self._admit(bed, message)
                    case EventTopic(bed=bed):
                        self._look_back(bed, decode(Event, message.payload))
                    case CommandTopic():
                        answer(self.context, topic, message, self._verbs)
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1

    def tick(self, now_ms: int) -> None:
        """Let resolved alarms go, and notice conditions that lost their source."""
        self._store.tell()
        keep_ms = self.config.resolved_keep_s * 1000
        lost_ms = self.config.source_lost_after_s * 1000
        lost = 0
        for key, alarm in self._store.items():
            if alarm.state is AlarmState.RESOLVED:
                if now_ms - alarm.time_ms >= keep_ms:
                    self._change(key, alarm, None)
            elif alarm.state is AlarmState.LATCHED:
                continue  # until somebody has seen it
            elif now_ms - self._heard_ms.get(key, now_ms) > lost_ms:
                lost += 1
        if lost:
            text = f"{lost} alarms have lost their source: is analysis running?"
            self.context.trouble["source_lost"] = text
        else:
            self.context.trouble.pop("source_lost", None)

    def stop(self) -> None:
        """Close the alarms."""
        if hasattr(self, "_store"):
            self._store.close()

    def _follow(self, topic: ConditionTopic, condition: Condition) -> None:
        key = (topic.bed, topic.code)
        now_ms = self.context.now_ms()
        self._heard_ms[key] = now_ms
        before = self._store.get(key)
        after = life.follow(topic.bed, before, condition, now_ms)
        if after is not None and after is not before:
            self._change(key, before, after)

    def _look_back(self, bed: BedId, event: Event) -> None:
        """Tell of what was over when it was found, show it, and ring for nothing."""
        if event.kind != PastCondition.KIND or self._store.has_heard(event.id):
            return
        now_ms = self.context.now_ms()
        past = PastCondition.told_by(event)
        alarm = life.found_past(bed, past, now_ms)
        key = (bed, past.code)
        lies_here = self._admissions.get(bed, past.admission) == past.admission
        is_shown = lies_here and life.is_in_place(self._store.get(key), alarm)
        told = self._event(life.PAST, alarm, now_ms, name=event.id)
        self._store.put_past(
            key, alarm if is_shown else None, now_ms, heard=event.id, event=told
        )
        self.context.counts[life.PAST] += 1

    def _admit(self, bed: BedId, message: Message) -> None:
        """End the alarms of whoever lay here before."""
        admission = decode(Admission, message.payload) if message.payload else None
        name = admission.admission if admission else None
        self._admissions[bed] = name
        now_ms = self.context.now_ms()
        for key, alarm in self._store.items():
            if key[0] == bed and alarm.admission != name:
                if not life.is_over(alarm):
                    resolved = life.resolve(alarm, now_ms)
                    self._change(key, alarm, resolved)
                    alarm = resolved
                self._change(key, alarm, None)

    def _acknowledge(self, command: Command) -> Answer:
        wanted = arguments(Acknowledge, command)
        key = (BedId(wanted.ward, wanted.bed), wanted.code)
        alarm = self._store.get(key)
        if alarm is None or alarm.state is AlarmState.RESOLVED:
            raise Refused(f"{key[0]} has no alarm {wanted.code} to acknowledge")
        if wanted.id is not None and wanted.id != alarm.id:
            raise Refused(f"{key[0]} {wanted.code} has been raised anew; look again")
        if alarm.state is AlarmState.ACKNOWLEDGED:
            raise Refused(f"already acknowledged by {alarm.acknowledged_by}")
        taken = life.acknowledge(alarm, command.by, self.context.now_ms())
        self._change(key, alarm, taken)
        return taken.model_dump(mode="json", exclude_none=True)

    def _list(self, command: Command) -> Answer:
        del command
        return {
            "alarms": [
                {
                    "bed": str(bed),
                    **alarm.model_dump(mode="json", exclude_none=True),
                }
                for (bed, _), alarm in self._store.items()
            ]
        }

    def _change(self, key: Key, before: Alarm | None, after: Alarm | None) -> None:
        """Write a change down, show it, and say what happened."""
        now_ms = self.context.now_ms()
        kind = life.event_kind(before, after) if after is not None else None
        if kind is None or after is None:
            self._store.put(key, after, now_ms)
            return
        self._store.put(key, after, now_ms, self._event(kind, after, now_ms))
        self.context.counts[kind] += 1

    def _event(
        self, kind: str, alarm: Alarm, now_ms: int, *, name: str | None = None
    ) -> Event:
        details: dict[str, bool | int | float | str | None] = {
            "alarm": alarm.id,
            "code": alarm.code,
            "priority": alarm.priority.value,
        }
        if alarm.acknowledged_ms is not None:
            details["response_time_ms"] = alarm.acknowledged_ms - alarm.raised_ms
        if alarm.resolved_ms is not None:
            # One that was found past was never raised while it was true.
            was_raised = alarm.raised_ms <= alarm.resolved_ms
            begun_ms = alarm.raised_ms if was_raised else alarm.since_ms
            details["duration_ms"] = max(0, alarm.resolved_ms - begun_ms)
        if kind == life.PAST:
            details |= {"since_ms": alarm.since_ms, "ended_ms": alarm.resolved_ms}
        words = f"monitorme:event:{alarm.id}:{kind}:{name or now_ms}"
        return Event(
            id=str(uuid5(NAMESPACE_URL, words)),
            time_ms=now_ms,
            service=self.name,
            kind=kind,
            by=alarm.acknowledged_by if kind == "alarm_acknowledged" else None,
            admission=alarm.admission,
            details=details,
        )
