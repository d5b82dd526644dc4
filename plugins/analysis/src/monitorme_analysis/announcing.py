"""Saying what is true: each change at once, and again while it stays so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.payloads import Condition
from monitorme.contract.topics import BedId, ConditionTopic
from monitorme.messaging import Publisher
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.rule import Finding

SAME_WITHIN_MS: Final = 30_000
"""Two services take a message at different times: what began by its arrival, and was
judged again from the recorder's history, is the same if it began so near."""


@dataclass(slots=True)
class _Said:
    conditions: dict[str, Condition] = field(default_factory=dict)
    found: tuple[Finding, ...] | None = None
    """What was found when it was last said; the same object means: nothing is new."""
    admission: str | None = None
    due_ms: int = 0
    recalled_ms: dict[str, int] = field(default_factory=dict)
    """Since when what was said before this start is true, as long as it is."""


class Announcer:
    """Publishes conditions when they change, and every so often while they hold."""

    def __init__(self, bus: Publisher, *, republish_every_ms: int) -> None:
        self._bus = bus
        self._every_ms = republish_every_ms
        self._said: dict[BedId, _Said] = {}

    def recall(self, bed: BedId, condition: Condition) -> None:
        """Take in what was retained before this start, so that it can be ended."""
        said = self._said.setdefault(bed, _Said())
        if condition.present and condition.code not in said.conditions:
            said.conditions[condition.code] = condition
            said.recalled_ms[condition.code] = condition.since_ms
            said.found = None

    def end(self, bed: BedId, ended_ms: Mapping[str, int], now_ms: int) -> None:
        """Say when conditions ended while nobody said so, by their code."""
        said = self._said.setdefault(bed, _Said())
        for code in ended_ms.keys() & said.conditions.keys():
            # What ended may be an earlier episode than the one that was said last.
            if ended_ms[code] > said.conditions[code].since_ms:
                self._end(bed, said, code, ended_ms[code], now_ms)
                said.found = None

    def say(self, bed: BedId, analysis: BedAnalysis, now_ms: int) -> None:
        """Publish what has changed of a bed, and what is due again."""
        said = self._said.setdefault(bed, _Said())
        found = analysis.findings(now_ms)
        admission = analysis.context.admission
        is_known = found is said.found and admission == said.admission
        if is_known and (now_ms < said.due_ms or not said.conditions):
            return
        said.found, said.admission = found, admission
        current = {
            one.code: _as_recalled(one, said.recalled_ms.get(one.code))
            for one in analysis.conditions(now_ms)
        }
        for condition in current.values():
            self._say_one(bed, said, condition, now_ms)
        for code in [code for code in said.conditions if code not in current]:
            self._end(bed, said, code, now_ms, now_ms)
        times = [one.time_ms for one in said.conditions.values()]
        said.due_ms = min(times, default=now_ms) + self._every_ms

    def _say_one(
        self, bed: BedId, said: _Said, condition: Condition, now_ms: int
    ) -> None:
        before = said.conditions.get(condition.code)
        is_due = before is not None and now_ms - before.time_ms >= self._every_ms
        if before is None or is_due or _has_changed(before, condition):
            said.conditions[condition.code] = condition
            topic = ConditionTopic(bed, condition.code)
            self._bus.publish(topic, condition, retain=True)

    def _end(
        self, bed: BedId, said: _Said, code: str, ended_ms: int, now_ms: int
    ) -> None:
        said.recalled_ms.pop(code, None)
        ended = said.conditions.pop(code)
        over = {"present": False, "since_ms": ended_ms, "time_ms": now_ms}
        topic = ConditionTopic(bed, code)
        self._bus.publish(topic, ended.model_copy(update=over), retain=True)


def _as_recalled(condition: Condition, since_ms: int | None) -> Condition:
    """Return it as it was said before this start, where it is the same episode."""
    if since_ms is None or since_ms == condition.since_ms:
        return condition
    if abs(since_ms - condition.since_ms) > SAME_WITHIN_MS:
        return condition
    return condition.model_copy(update={"since_ms": since_ms})


def _has_changed(before: Condition, now: Condition) -> bool:
    """Say whether people should be told: not of every new value of an old condition."""
    return (
        before.priority is not now.priority
        or before.text != now.text
        or before.admission != now.admission
    )
