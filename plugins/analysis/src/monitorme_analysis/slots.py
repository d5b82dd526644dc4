"""The rules' places in a bed, and whose turn it is: by vital, and as time passes."""

from collections.abc import Iterator, Mapping
from math import gcd

from monitorme_analysis.rule import Finding, Observed, RuleContext
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.slot import Slot


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
            vital: self._grouped(found) for vital, found in rules.by_vital.items()
        }
        elapsing = self._grouped(rules.elapsing)
        self._always = [one for one in elapsing if one[0] <= second_ms]
        self._seldom = [one for one in elapsing if one[0] > second_ms]
        self._seldom_ms = gcd(*(every_ms for every_ms, _ in self._seldom)) or second_ms
        """It is the turn of none of the seldom ones but at a multiple of this."""

    def found(self) -> Iterator[Finding]:
        """Return what the rules find, and which of them failed."""
        for name, slot in self._slots.items():
            yield from slot.told(name)

    def step(self, observed: Observed, before_ms: int, context: RuleContext) -> bool:
        """Hand on a reading; `before_ms` is when the one before it was taken."""
        changed, at_ms = False, observed.at_ms
        for every_ms, slots in self._by_vital[observed.vital]:
            if every_ms and at_ms // every_ms == before_ms // every_ms:
                continue  # it has had its reading of this stretch of time
            for slot in slots:
                if slot.step(observed, context):
                    changed = True
        return changed

    def step_late(self, observed: Observed, context: RuleContext) -> bool:
        """Hand on what came late, but is the newest of its vital."""
        changed = False
        for slot in self._of(observed.vital):
            act = slot.step if slot.rule.takes_late else slot.fill
            changed |= act(observed, context)
        return changed

    def fill(self, observed: Observed, context: RuleContext) -> bool:
        """Hand on what came late to the rules that look back."""
        changed = False
        for slot in self._of(observed.vital):
            changed |= slot.fill(observed, context)
        return changed

    def pass_to(self, now_ms: int, context: RuleContext) -> bool:
        """Tell the time to the rules that want to know it now."""
        changed, second_ms = False, self._second_ms
        for _, slots in self._always:
            for slot in slots:
                if slot.elapse(now_ms, context):
                    changed = True
        if now_ms % self._seldom_ms < second_ms:
            for every_ms, slots in self._seldom:
                if now_ms % every_ms < second_ms:
                    changed |= _elapse(slots, now_ms, context)
        return changed

    def elapse(self, now_ms: int, context: RuleContext) -> bool:
        """Tell the time to all rules to whom it matters."""
        changed = False
        for _, slots in (*self._always, *self._seldom):
            changed |= _elapse(slots, now_ms, context)
        return changed

    def _of(self, vital: str) -> Iterator[Slot]:
        for _, slots in self._by_vital[vital]:
            yield from slots

    def _grouped(
        self, names_by_ms: Mapping[int, tuple[str, ...]]
    ) -> list[tuple[int, list[Slot]]]:
        return [
            (every_ms, [self._slots[name] for name in names])
            for every_ms, names in names_by_ms.items()
        ]


def _elapse(slots: list[Slot], now_ms: int, context: RuleContext) -> bool:
    changed = False
    for slot in slots:
        changed |= slot.elapse(now_ms, context)
    return changed
