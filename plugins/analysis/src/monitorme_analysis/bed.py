"""One bed as analysis knows it: pure state, and what follows from it.

The same calls in the same order give the same conditions: readings in the order of
their arrival, and time that passes in whole seconds between them. The live service, a
replay of a recording and catching up after a restart differ in nothing else.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from monitorme.contract.payloads import (
    Admission,
    Category,
    Condition,
    ConditionKind,
    Priority,
)
from monitorme.contract.readings import LATE_AFTER_MS, Judgement, Reading
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.device import DeviceState
from monitorme_analysis.holding_back import published
from monitorme_analysis.limits import Limits
from monitorme_analysis.rule import Finding, Observed, RuleContext
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.slot import Slot
from monitorme_analysis.stay import StaySettings

log = logging.getLogger(__name__)

SECOND_MS: Final = 1_000
LONGEST_SILENCE_MS: Final = 3_600_000
"""Time is followed second by second over so long a silence; before that it jumps."""
FOREVER_MS: Final = 2**62
REFUSED_TOLD_MS: Final = 60_000
REFUSED_VITALS: Final = 10


@dataclass(slots=True)
class Refused:
    """Readings of one topic that could not be read."""

    reason: str
    since_ms: int
    newest_ms: int


@dataclass(slots=True)
class Known:
    """What analysis knows of a bed, but for what its rules know."""

    admission: str | None = None
    category: Category = Category.ADULT
    birth_ms: int | None = None
    since_ms: int = 0
    """Since when the patient lies here."""
    elapsed_ms: int = 0
    """Until when time has passed, as far as the rules know."""
    received_ms: int = 0
    """When the newest reading that was taken in came."""
    latest: dict[str, Observed] = field(default_factory=dict)
    latest_valid: dict[str, Observed] = field(default_factory=dict)
    sleep_states: tuple[str, ...] = ()
    devices: dict[str, DeviceState] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)


@dataclass(slots=True)
class BedState:
    """Everything that analysis knows of a bed; it can be written down and read back."""

    known: Known = field(default_factory=Known)
    slots: dict[str, Slot] = field(default_factory=dict)
    """By name of the rule."""


class BedAnalysis:
    """Judges one bed; `conditions` says what is true of it now.

    Rules judge where somebody is admitted; a free bed has no conditions. `revision`
    changes when what is true may have changed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        limits: Limits,
        state: BedState | None = None,
        *,
        rules: RuleSet | None = None,
        bed: BedId | None = None,
        stay: StaySettings | None = None,
        second_ms: int = SECOND_MS,
    ) -> None:
        self.rules = rules or RuleSet.installed(catalogue)
        self.state = state or BedState()
        self.stay = stay or StaySettings()
        self.revision = 0
        self._catalogue, self._limits, self._bed = catalogue, limits, bed
        self._second_ms = second_ms
        self._cached: tuple[int, int, tuple[Finding, ...]] = (-1, 0, ())
        self._arrange()

    def admit(
        self, admission: Admission | None, stay: StaySettings | None = None
    ) -> None:
        """Begin anew for somebody else; the same admission again changes nothing.

        `stay` is what was set and entered for this stay; it goes with the patient.
        """
        known = self.state.known
        name = admission.admission if admission else None
        since_ms = admission.since_ms if admission else 0
        if (name, since_ms) == (known.admission, known.since_ms):
            return
        known.latest.clear()
        known.latest_valid.clear()
        known.sleep_states = ()
        known.admission, known.since_ms = name, since_ms
        known.category = admission.category if admission else Category.ADULT
        known.birth_ms = _midnight_ms(admission.birth_date if admission else None)
        self.state.slots.clear()
        self.stay = stay or StaySettings()
        self._arrange()

    def settle(self, stay: StaySettings, now_ms: int) -> None:
        """Judge by limits that were set, and by what staff entered, from now on."""
        self.stay = stay
        self._refresh_context()
        self.elapse(now_ms)

    def connect(
        self, device: str, boot: str, vitals: tuple[str, ...], now_ms: int
    ) -> None:
        """Note that a device is there."""
        del vitals
        seen = self._device(device)
        if seen.boot != boot:
            seen.restart(boot)
        if not seen.is_online or not seen.since_ms:
            seen.is_online, seen.since_ms = True, now_ms
            self.revision += 1

    def disconnect(self, device: str, boot: str, now_ms: int) -> None:
        """Note that a device is gone; a death of an older boot is ignored."""
        known = self.state.known.devices.get(device)
        if known is not None and known.is_online and known.boot in ("", boot):
            known.is_online, known.since_ms = False, now_ms
            self.revision += 1

    def refuse(self, vital: str, reason: str, received_ms: int) -> None:
        """Note that a reading could not be read."""
        refused = self.state.known.refused
        known = refused.get(vital)
        if known is None or received_ms - known.newest_ms > REFUSED_TOLD_MS:
            if len(refused) >= REFUSED_VITALS:
                del refused[next(iter(refused))]
            refused[vital] = Refused(reason, received_ms, received_ms)
            self.revision += 1
        else:
            known.newest_ms = received_ms

    def take(
        self,
        vital: str,
        reading: Reading,
        judged: Judgement,
        received_ms: int,
        *,
        again: bool = False,
    ) -> bool:
        """Judge a reading; says whether it was the newest of its vital.

        An older one than the newest, or one that comes late, changes nothing: it is for
        the record. `again` says that a repeat is expected: catching up overlaps.
        """
        known = self.state.known
        if received_ms >= known.elapsed_ms + self._second_ms:
            self.advance(received_ms)
        known.received_ms = max(known.received_ms, received_ms)
        device = self._device(reading.device)
        if not self._is_next(device, vital, reading, received_ms, again or judged.late):
            return False
        if device.time(reading.time_ms, received_ms):
            self.revision += 1
        at_ms = judged.at_ms
        if device.offset_ms:
            at_ms = min(reading.time_ms - device.offset_ms, received_ms)
        if received_ms - at_ms > LATE_AFTER_MS:
            return False
        return self.observe(
            Observed(
                vital,
                at_ms,
                received_ms,
                judged.value,
                judged.quality,
                judged.reason,
                reading.device,
                reading.boot,
                reading.seq,
                reading.value,
            )
        )

    def advance(self, now_ms: int) -> None:
        """Let time pass until the last whole second."""
        known = self.state.known
        second_ms = self._second_ms
        end_ms = now_ms - now_ms % second_ms
        if known.elapsed_ms < end_ms - LONGEST_SILENCE_MS:
            known.elapsed_ms = end_ms - second_ms
        while known.elapsed_ms < end_ms:
            known.elapsed_ms += second_ms
            if known.admission is not None:
                self._pass(known.elapsed_ms)

    def elapse(self, now_ms: int) -> None:
        """Tell the rules what time it is, at once."""
        if self.state.known.admission is None:
            return
        context = self._context
        for _, slots in self._elapsing:
            for slot in slots:
                if slot.elapse(now_ms, context):
                    self.revision += 1

    def findings(self, now_ms: int) -> tuple[Finding, ...]:
        """Return what is published as true, each code once."""
        revision, until_ms, found = self._cached
        if revision == self.revision and now_ms < until_ms:
            return found
        now_found = tuple(published(self._found(now_ms)))
        # The same object where nothing has changed: whoever asked has seen it.
        found = found if now_found == found else now_found
        until_ms = now_ms + self._second_ms if self._is_timed() else FOREVER_MS
        self._cached = self.revision, until_ms, found
        return found

    def conditions(self, now_ms: int) -> Iterator[Condition]:
        """Return what is true of the bed now, each condition once."""
        admission = self.state.known.admission
        for finding in self.findings(now_ms):
            yield Condition(
                code=finding.code,
                present=True,
                kind=finding.kind,
                priority=finding.priority,
                text=finding.text[:500],
                vital=finding.vital,
                component=finding.component,
                value=finding.value,
                worst=finding.worst,
                limit=finding.limit,
                unit=finding.unit,
                device=finding.device,
                since_ms=max(0, finding.since_ms),
                time_ms=now_ms,
                caused_by_ms=finding.caused_by_ms,
                admission=admission,
            )

    @property
    def context(self) -> RuleContext:
        """What rules may know of the bed."""
        return self._context

    def _is_timed(self) -> bool:
        """Say whether what is found changes by time alone, but for rules."""
        known = self.state.known
        return bool(known.refused) or any(
            one.missing or one.bursts_ms for one in known.devices.values()
        )

    # Inner workings ------------------------------------------------------------------

    def _found(self, now_ms: int) -> Iterator[Finding]:
        known = self.state.known
        if known.admission is None:
            return
        for name in self._slots:
            yield from self._slots[name].told(name)
        for name, device in known.devices.items():
            yield from device.findings(name, now_ms)
        for vital, refused in known.refused.items():
            if now_ms - refused.newest_ms <= REFUSED_TOLD_MS:
                yield _unreadable(vital, refused)

    def _is_next(
        self,
        device: DeviceState,
        vital: str,
        reading: Reading,
        received_ms: int,
        may_repeat: bool,
    ) -> bool:
        """Note a reading's number; says whether it is newer than those of its vital."""
        boot, seq = reading.boot, reading.seq
        if device.boot != boot:
            if boot in device.past_boots:
                return False
            device.restart(boot)
        if not device.is_online:
            device.is_online, device.since_ms = True, received_ms
            self.revision += 1
        device.number(seq, received_ms)
        if seq <= device.by_vital.get(vital, 0):
            if not may_repeat:
                device.repeat(received_ms)
                self.revision += 1
            return False
        device.by_vital[vital] = seq
        return True

    def observe(self, observed: Observed) -> bool:
        """Hand a reading, whatever device took it, to the rules.

        Says whether it was the newest of its vital. A recording, which has no devices
        whose clocks and numbers could be wrong, is judged through here.
        """
        known = self.state.known
        vital = observed.vital
        if observed.at_ms < known.since_ms:
            return False
        before = known.latest.get(vital)
        if before is not None and _is_older(observed, before):
            return False
        known.latest[vital] = observed
        value = observed.value
        if value is not None:
            known.latest_valid[vital] = observed
            if vital == "sleep_state" and isinstance(value, str):
                known.sleep_states = (*known.sleep_states[-1:], value)
                self._context.sleep_states = known.sleep_states
        if known.admission is None:
            return True
        context = self._context
        for every_ms, slots in self._by_vital[vital]:
            if every_ms and before and _is_same(every_ms, observed, before):
                continue
            for slot in slots:
                if slot.step(observed, context):
                    self.revision += 1
        return True

    def _device(self, name: str) -> DeviceState:
        devices = self.state.known.devices
        found = devices.get(name)
        if found is None:
            found = devices[name] = DeviceState()
        return found

    def _arrange(self) -> None:
        """Give every rule its place in the state, and find the way of each vital."""
        self._slots: dict[str, Slot] = {}
        for name, rule in self.rules.rules.items():
            slot = self.state.slots.get(name)
            if slot is None:
                slot = self.state.slots[name] = Slot(rule, rule.begin())
            self._slots[name] = slot
        self._by_vital = {
            vital: self._grouped(found) for vital, found in self.rules.by_vital.items()
        }
        self._elapsing = self._grouped(self.rules.elapsing)
        self._refresh_context()

    def _grouped(
        self, names_by_ms: Mapping[int, tuple[str, ...]]
    ) -> list[tuple[int, list[Slot]]]:
        return [
            (every_ms, [self._slots[name] for name in names])
            for every_ms, names in names_by_ms.items()
        ]

    def _pass(self, now_ms: int) -> None:
        """Tell the time to the rules that want to know it now."""
        context, second_ms = self._context, self._second_ms
        for every_ms, slots in self._elapsing:
            if now_ms % every_ms >= second_ms:
                continue
            for slot in slots:
                if slot.elapse(now_ms, context):
                    self.revision += 1

    def _refresh_context(self) -> None:
        known, bed = self.state.known, self._bed
        ward = bed.ward if bed else ""
        of_patient = self.stay.limits
        self.revision += 1
        self._context = RuleContext(
            catalogue=self._catalogue,
            ward=ward,
            bed=bed.bed if bed else "",
            admission=known.admission,
            since_ms=known.since_ms,
            category=known.category,
            birth_ms=known.birth_ms,
            limits={**self._limits_before_patient(), **of_patient},
            entered=self.stay.entered,
            latest=known.latest,
            latest_valid=known.latest_valid,
            sleep_states=known.sleep_states,
        )

    def _limits_before_patient(self) -> dict[str, Any]:
        return dict(self._limits.of(self.state.known.category))


def _is_same(every_ms: int, observed: Observed, before: Observed) -> bool:
    """Say whether two readings were taken in the same stretch of time."""
    return observed.at_ms // every_ms == before.at_ms // every_ms


def _is_older(observed: Observed, before: Observed) -> bool:
    """Say whether another device, or an earlier boot, took it before the newest."""
    if (observed.device, observed.boot) == (before.device, before.boot):
        return False
    return observed.at_ms < before.at_ms


def _unreadable(vital: str, refused: Refused) -> Finding:
    return Finding(
        code=f"{vital}_unreadable"[:64],
        kind=ConditionKind.TECHNICAL,
        priority=Priority.LOW,
        text=f"readings of {vital} cannot be read: {refused.reason}",
        since_ms=refused.since_ms,
    )


def _midnight_ms(date: str | None) -> int | None:
    if date is None:
        return None
    try:
        midnight = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(midnight.timestamp() * 1000)
