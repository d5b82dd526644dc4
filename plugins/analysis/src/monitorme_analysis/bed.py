"""One bed as analysis knows it: pure state, and what follows from it.

The same calls in the same order give the same conditions: readings in the order of
their arrival, and time that passes in whole seconds between them. The live service, a
replay of a recording and catching up after a restart differ in nothing else.
"""

from collections.abc import Iterator
from typing import Final

from monitorme.contract.payloads import Admission, Condition
from monitorme.contract.readings import LATE_AFTER_MS, Judgement, Reading
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.bed_state import BedState
from monitorme_analysis.condition import condition_of
from monitorme_analysis.holding_back import published
from monitorme_analysis.limit import Limits, VitalLimits
from monitorme_analysis.rule import Finding, Observed, RuleContext
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.slots import Slots
from monitorme_analysis.stay import StaySettings

SECOND_MS: Final = 1_000
LONGEST_SILENCE_MS: Final = 3_600_000
"""Time is followed second by second over so long a silence; before that it jumps."""
FOREVER_MS: Final = 2**62


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
        if not self.state.known.admit(admission):
            return
        self.state.slots.clear()
        self.stay = stay or StaySettings()
        self._arrange()

    def limits_with(self, stay: StaySettings) -> dict[str, VitalLimits]:
        """Return the limits that would be in force with what is set for a stay."""
        context = self._context
        age_years = context.age_years(context.since_ms)
        found = self._limits.in_force(
            context.category, ward=context.ward, age_years=age_years
        )
        return {**found, **stay.limits}

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
        seen = self.state.known.device(device)
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
        if self.state.known.refuse(vital, reason, received_ms):
            self.revision += 1

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

        An older one, or one that comes late, finds nothing: it is for rules that look
        back. `again` says that a repeat is expected: catching up overlaps.
        """
        known = self.state.known
        if received_ms >= known.elapsed_ms + self._second_ms:
            self.advance(received_ms)
        known.received_ms = max(known.received_ms, received_ms)
        device = self.state.known.device(reading.device)
        before = device.told
        is_next = device.take(
            vital, reading, received_ms, may_repeat=again or judged.late
        )
        if device.told != before:
            self.revision += 1
        at_ms = judged.at_ms
        if device.offset_ms:
            at_ms = min(reading.time_ms - device.offset_ms, received_ms)
        observed = Observed(
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
        if is_next and received_ms - at_ms <= LATE_AFTER_MS:
            return self.observe(observed)
        if is_next and self._stands(observed):
            return self._observe_late(observed)
        self._fill(observed)
        return False

    def advance(self, now_ms: int) -> None:
        """Let time pass until the last whole second."""
        known = self.state.known
        second_ms = self._second_ms
        end_ms = now_ms - now_ms % second_ms
        if known.elapsed_ms < end_ms - LONGEST_SILENCE_MS:
            known.elapsed_ms = end_ms - second_ms
        while known.elapsed_ms < end_ms:
            known.elapsed_ms += second_ms
            if known.admission is not None and self._slots.pass_to(
                known.elapsed_ms, self._context
            ):
                self.revision += 1

    def elapse(self, now_ms: int) -> None:
        """Tell the rules what time it is, at once."""
        if self.state.known.admission is None:
            return
        if self._slots.elapse(now_ms, self._context):
            self.revision += 1

    def findings(self, now_ms: int) -> tuple[Finding, ...]:
        """Return what is published as true, each code once."""
        revision, until_ms, found = self._cached
        if revision == self.revision and now_ms < until_ms:
            return found
        now_found = tuple(published(self._found(now_ms)))
        # The same object where nothing has changed: whoever asked has seen it.
        found = found if now_found == found else now_found
        until_ms = now_ms + self._second_ms if self.state.known.is_timed else FOREVER_MS
        self._cached = self.revision, until_ms, found
        return found

    def conditions(self, now_ms: int) -> Iterator[Condition]:
        """Return what is true of the bed now, each condition once."""
        admission = self.state.known.admission
        for finding in self.findings(now_ms):
            yield condition_of(finding, admission, now_ms)

    @property
    def context(self) -> RuleContext:
        """What rules may know of the bed."""
        return self._context

    def _found(self, now_ms: int) -> Iterator[Finding]:
        known = self.state.known
        if known.admission is None:
            return
        yield from self._slots.found()
        yield from known.findings(now_ms)

    def observe(self, observed: Observed) -> bool:
        """Hand a reading, whatever device took it, to the rules.

        Says whether it was the newest of its vital. A recording, which has no devices
        whose clocks and numbers could be wrong, is judged through here.
        """
        known, context = self.state.known, self._context
        vital, at_ms = observed.vital, observed.at_ms
        if at_ms < known.since_ms:
            return False
        before = known.latest.get(vital)
        before_ms = -1 if before is None else before.at_ms
        if at_ms < before_ms and before is not None and _is_older(observed, before):
            return False
        known.latest[vital] = observed
        value = observed.value
        if value is not None:
            known.latest_valid[vital] = observed
            if vital == "sleep_state" and isinstance(value, str):
                known.sleep_states = (*known.sleep_states[-1:], value)
                context.sleep_states = known.sleep_states
        if known.admission is None:
            return True
        if self._slots.step(observed, before_ms, context):
            self.revision += 1
        return True

    def _stands(self, observed: Observed) -> bool:
        """Say whether what came late is a measurement that still stands for now."""
        entry, known = self._catalogue[observed.vital], self.state.known
        newest = known.latest.get(observed.vital)
        return (
            entry.episodic
            and observed.received_ms - observed.at_ms <= entry.stale_after_ms
            and observed.at_ms >= known.since_ms
            and (newest is None or observed.at_ms > newest.at_ms)
        )

    def _observe_late(self, observed: Observed) -> bool:
        """Make it the newest of its vital; rules judge it, or look back on it."""
        known = self.state.known
        known.latest[observed.vital] = observed
        if observed.value is not None:
            known.latest_valid[observed.vital] = observed
        if known.admission is not None and self._slots.step_late(
            observed, self._context
        ):
            self.revision += 1
        return True

    def _fill(self, observed: Observed) -> None:
        """Hand what came late to the rules that look back."""
        known = self.state.known
        if known.admission is None or observed.at_ms < known.since_ms:
            return
        if self._slots.fill(observed, self._context):
            self.revision += 1

    def _arrange(self) -> None:
        """Give every rule its place in the state."""
        self._slots = Slots(self.rules, self.state.slots, self._second_ms)
        self._refresh_context()

    def _refresh_context(self) -> None:
        known, bed = self.state.known, self._bed
        self.revision += 1
        context = RuleContext(
            catalogue=self._catalogue,
            ward=bed.ward if bed else "",
            bed=bed.bed if bed else "",
            admission=known.admission,
            since_ms=known.since_ms,
            category=known.category,
            birth_ms=known.birth_ms,
            entered=self.stay.entered,
            latest=known.latest,
            latest_valid=known.latest_valid,
            sleep_states=known.sleep_states,
        )
        self._context = context
        context.limits = self.limits_with(self.stay)


def _is_older(observed: Observed, before: Observed) -> bool:
    """Say whether another device, or an earlier boot, took it before the newest."""
    if (observed.device, observed.boot) == (before.device, before.boot):
        return False
    return observed.at_ms < before.at_ms
