"""The rules' places in a bed, and whose turn it is: by vital, and as time passes."""

from collections.abc import Iterator, Mapping
from math import gcd
from typing import Final

from monitorme_analysis.rule import Finding, Observed, RuleContext
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.slot import Slot, elapse, step

FOREVER_MS: Final = 2**62


class Slots:
    """Hands readings and time to the rules of a bed, in the order in which they judge.

    Each says whether what is found may have changed. The context may be another at each
    call; the states stay in the slots that were given.
    """

    def __init__(self, rules: RuleSet, kept: dict[str, Slot], second_ms: int) -> None:
        """Give every rule its place among the slots that are kept."""
        self._second_ms = second_ms
        self._slots: dict[str, Slot] = {}
        for name, rule in rules.rules.items():
            slot = kept.get(name)
            if slot is None:
                slot = kept[name] = Slot(rule, rule.begin())
            self._slots[name] = slot
        self._by_vital = {
            vital: _Turns(self._grouped(found), 0)
            for vital, found in rules.by_vital.items()
        }
        self._by_time = _Turns(self._grouped(rules.elapsing), second_ms)

    def found(self) -> Iterator[Finding]:
        """Return what the rules find, and which of them failed."""
        for name, slot in self._slots.items():
            yield from slot.told(name)

    def step(self, observed: Observed, before_ms: int, context: RuleContext) -> bool:
        """Hand on a reading; `before_ms` is when the one before it was taken."""
        turns, at_ms = self._by_vital[observed.vital], observed.at_ms
        changed = step(turns.always, observed, context)
        seldom_ms = turns.seldom_ms
        if at_ms // seldom_ms != before_ms // seldom_ms:
            for every_ms, slots in turns.seldom:
                # It has one reading of each such stretch of time, the first.
                if at_ms // every_ms != before_ms // every_ms:
                    changed |= step(slots, observed, context)
        return changed

    def step_late(self, observed: Observed, context: RuleContext) -> bool:
        """Hand on what came late, but is the newest of its vital."""
        changed = False
        for slot in self._by_vital[observed.vital].all:
            if slot.rule.takes_late:
                changed |= step((slot,), observed, context)
            else:
                changed |= slot.fill(observed, context)
        return changed

    def fill(self, observed: Observed, context: RuleContext) -> bool:
        """Hand on what came late to the rules that look back."""
        changed = False
        for slot in self._by_vital[observed.vital].all:
            changed |= slot.fill(observed, context)
        return changed

    def pass_to(self, now_ms: int, context: RuleContext) -> bool:
        """Tell the time to the rules that want to know it now."""
        turns, second_ms = self._by_time, self._second_ms
        changed = elapse(turns.always, now_ms, context)
        if now_ms % turns.seldom_ms < second_ms:
            for every_ms, slots in turns.seldom:
                if now_ms % every_ms < second_ms:
                    changed |= elapse(slots, now_ms, context)
        return changed

    def elapse(self, now_ms: int, context: RuleContext) -> bool:
        """Tell the time to all rules to whom it matters."""
        return elapse(self._by_time.all, now_ms, context)

    def _grouped(
        self, names_by_ms: Mapping[int, tuple[str, ...]]
    ) -> list[tuple[int, list[Slot]]]:
        return [
            (every_ms, [self._slots[name] for name in names])
            for every_ms, names in names_by_ms.items()
        ]


class _Turns:
    """Some slots, by how often it is their turn: nearly always few of them at once."""

    def __init__(self, grouped: list[tuple[int, list[Slot]]], always_ms: int) -> None:
        """Tell those whose turn it is every `always_ms`, or more often, from others."""
        self.all = [slot for _, slots in grouped for slot in slots]
        self.always = [s for ms, slots in grouped if ms <= always_ms for s in slots]
        self.seldom = [one for one in grouped if one[0] > always_ms]
        self.seldom_ms = gcd(*(every_ms for every_ms, _ in self.seldom)) or FOREVER_MS
        """Within such a stretch of time it is the turn of none of the seldom ones."""
