"""What began and ended in a past that is judged afterwards, and what of it was told.

Until it was killed, the service before this one said of each condition when it began and
when it ended. What it said last of each is retained. Whatever of the judged past it could
not have said any more is found here, to be told as what it is: past.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from monitorme.contract.payloads import (
    Condition,
    Event,
    PastCondition,
    Priority,
)
from monitorme.contract.topics import BedId
from monitorme_analysis.condition import condition_of
from monitorme_analysis.rule import Finding

_RANK: Final = {Priority.LOW: 0, Priority.MEDIUM: 1, Priority.HIGH: 2}


@dataclass(frozen=True, slots=True)
class Ended:
    """A finding that was true for a while."""

    finding: Finding
    """As it was last, of when its priority was highest."""
    found_ms: int
    """When it was found: after its delay, by the hub's clock."""
    ended_ms: int
    """When it was true no more, by the hub's clock."""
    admission: str | None
    """Of whom it was true."""

    def past_condition(self) -> PastCondition:
        """Return it as it is told."""
        said = condition_of(self.finding, self.admission, self.ended_ms)
        return PastCondition(
            from_ms=said.since_ms,
            to_ms=self.ended_ms,
            **{name: getattr(said, name) for name in _SHARED},
        )

    def event(self, bed: BedId, now_ms: int) -> Event:
        """Return the event that tells of it; found again it is the same event."""
        parts = (bed, self.finding.code, self.admission)
        times = (self.finding.since_ms, self.ended_ms)
        name = "|".join(map(str, ("monitorme:past", *parts, *times)))
        id = str(uuid5(NAMESPACE_URL, name))
        return self.past_condition().event(id, "analysis", now_ms)


_SHARED: Final = PastCondition.model_fields.keys() & Condition.model_fields.keys()


@dataclass(slots=True)
class Following:
    """Follows what is true of a bed through a past, and keeps what ended in it."""

    over: list[Ended] = field(default_factory=list)
    """In order of their ends."""
    _true: dict[str, tuple[Finding, int]] = field(default_factory=dict)

    def look(
        self, found: Iterable[Finding], admission: str | None, now_ms: int
    ) -> None:
        """Take in all that is true at a moment."""
        before, self._true = self._true, {}
        for finding in found:
            if finding.code in before:
                known, found_ms = before.pop(finding.code)
            else:
                same = self._taken_back(finding, admission)
                known, found_ms = same or (finding, now_ms)
            worst = max(finding, known, key=lambda one: _RANK[one.priority])
            self._true[finding.code] = worst, found_ms
        for finding, found_ms in before.values():
            self.over.append(Ended(finding, found_ms, now_ms, admission))

    def _taken_back(
        self, finding: Finding, admission: str | None
    ) -> tuple[Finding, int] | None:
        """Return what goes on after all: the same, since the same moment, did not end.

        Where the recorder was away too, its past has a gap that nobody else saw. What is
        held back in it is true again behind it.
        """
        for place, one in enumerate(self.over):
            known = one.finding
            if (known.code, known.since_ms) != (finding.code, finding.since_ms):
                continue
            if one.admission == admission:
                del self.over[place]
                return known, one.found_ms
        return None


def end_of(code: str, true_ms: int, over: Iterable[Ended]) -> Ended | None:
    """Return the end of what was true at a moment: the first that came after it."""
    ends = (one for one in over if one.finding.code == code)
    return next((one for one in ends if one.ended_ms > true_ms), None)


def untold(
    over: Iterable[Ended],
    last: Mapping[str, Condition],
    told_meanwhile: Iterable[tuple[str, int, int]],
) -> Iterator[Ended]:
    """Return what nobody was told of.

    `last` is what was said last of each condition before this start, by code;
    `told_meanwhile` what was said since, without the past: code, from, to.
    """
    over = list(over)
    meanwhile = list(told_meanwhile)
    for one in over:
        said = last.get(one.finding.code)
        if said is not None and _was_told(one, said, over):
            continue
        if not any(_overlaps(one, *told) for told in meanwhile):
            yield one


def _was_told(one: Ended, said: Condition, over: Iterable[Ended]) -> bool:
    """Say whether the last word on a condition was about it, or about a later one.

    The recorder took what ended it at another time than whoever said so. Half of the
    time that it lasted is the widest margin that takes no earlier end for its own.
    """
    if 2 * said.time_ms >= one.found_ms + one.ended_ms:
        return True
    return said.present and one is end_of(said.code, said.time_ms, over)


def _overlaps(one: Ended, code: str, from_ms: int, to_ms: int) -> bool:
    return (
        code == one.finding.code and from_ms <= one.ended_ms and to_ms >= one.found_ms
    )
