"""Saying what is true: each change at once, and again while it stays so."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.payloads import Condition
from monitorme.contract.topics import BedId, ConditionTopic
from monitorme.messaging import Publisher
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.ended import Ended, end_of, untold
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
    before: dict[str, Condition] = field(default_factory=dict)
    """The last word of whoever spoke before this start, by code."""
    spoken: set[str] = field(default_factory=set)
    """The codes of which something was said since this start."""
    meanwhile: list[tuple[str, int, int]] = field(default_factory=list)
    """What was said and ended before the past was in: code, from, to."""


class Announcer:
    """Publishes conditions when they change, and every so often while they hold."""

    def __init__(self, bus: Publisher, *, republish_every_ms: int) -> None:
        self._bus = bus
        self._every_ms = republish_every_ms
        self._said: dict[BedId, _Said] = {}

    def recall(self, bed: BedId, condition: Condition) -> None:
        """Take in what was said before this start, so that it can be ended."""
        said = self._said.setdefault(bed, _Said())
        code = condition.code
        if code in said.spoken:
            return  # our own word comes back
        before = said.before.get(code)
        if before is not None and before.time_ms > condition.time_ms:
            return
        said.before[code] = condition
        said.conditions.pop(code, None)
        said.recalled_ms.pop(code, None)
        if condition.present:
            said.conditions[code] = condition
            said.recalled_ms[code] = condition.since_ms
        said.found = None

    def catch_up(
        self, bed: BedId, over: Sequence[Ended], now_ms: int
    ) -> Sequence[Ended]:
        """Say of what was said to be true when it ended; returns what nobody was told.

        `over` is what ended in the past that was judged.
        """
        said = self._said.setdefault(bed, _Said())
        meanwhile = [
            (code, one.since_ms, now_ms)
            for code, one in said.conditions.items()
            if code in said.spoken
        ]
        past = list(untold(over, said.before, [*said.meanwhile, *meanwhile]))
        for code, condition in list(said.conditions.items()):
            is_own = code in said.spoken
            from_ms = condition.since_ms if is_own else condition.time_ms
            end = end_of(code, from_ms, over)
            if end is not None:
                self._end(bed, said, code, end.ended_ms, now_ms)
                said.found = None
        said.before.clear()
        said.meanwhile.clear()
        return past

    def say(
        self, bed: BedId, analysis: BedAnalysis, now_ms: int, *, is_whole: bool
    ) -> None:
        """Publish what has changed of a bed, and what is due again.

        `is_whole` says that the bed's past is in.
        """
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
            if not is_whole:
                said.meanwhile.append((code, said.conditions[code].since_ms, now_ms))
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
            said.spoken.add(condition.code)
            topic = ConditionTopic(bed, condition.code)
            self._bus.publish(topic, condition, retain=True)

    def _end(
        self, bed: BedId, said: _Said, code: str, ended_ms: int, now_ms: int
    ) -> None:
        said.recalled_ms.pop(code, None)
        said.spoken.add(code)
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
