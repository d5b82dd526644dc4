"""All beds of an instance: judged, announced, written down, and resumed after a restart."""

import logging
import time
from collections.abc import Iterable
from typing import Final

from monitorme.contract.payloads import Condition, Event
from monitorme.contract.topics import BedId
from monitorme.plugin import Context
from monitorme_analysis.announcing import Announcer
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.bed_state import BedState
from monitorme_analysis.config import AnalysisConfig
from monitorme_analysis.limit import Limits
from monitorme_analysis.limits_in_force import LimitsTeller
from monitorme_analysis.resuming import Resuming, Take
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.snapshot import Snapshots
from monitorme_analysis.stay import StaySettings

log = logging.getLogger(__name__)

STAYS_KEPT_MS: Final = 30 * 86_400_000
"""What was set for a stay is forgotten when nothing was set for so long."""
RESUME_SLICE_S: Final = 0.05
"""How long live beds wait at a time while the past of others is judged."""
NO_HISTORY: Final = (
    "the recorder's history does not answer: what came while analysis was away is not "
    "judged; it will be when it does"
)


class Beds:
    """Every bed that a reading, a device or an admission has named."""

    def __init__(
        self, context: Context, config: AnalysisConfig, limits: Limits, rules: RuleSet
    ) -> None:
        """Read back what was written down; the beds of it are behind."""
        self._context, self._config = context, config
        self._limits, self._rules = limits, rules
        self._snapshots = Snapshots(context.folder, context.bus)
        self._snapshots.tell()
        self._snapshots.forget(context.now_ms() - STAYS_KEPT_MS)
        self._beds: dict[BedId, BedAnalysis] = {}
        points_ms = {}
        for bed, state in self._snapshots.beds(rules):
            self._beds[bed] = self._analysis(bed, state)
            if state.known.received_ms:
                points_ms[bed] = state.known.received_ms
        self._resuming = Resuming(points_ms, self._written, context.catalogue)
        context.figures["beds_behind"] = len(self._resuming)
        self._announcer = Announcer(
            context.bus, republish_every_ms=round(config.republish_every_s * 1000)
        )
        self._limits_teller = LimitsTeller(context.bus)
        self._history: str | None = None
        self._live_ms = context.now_ms() + round(config.wait_for_history_s * 1000)
        self._is_provisional = False
        self._past: list[tuple[BedId, Event]] = []
        self._unsaved: list[BedId] = []
        self._saved_ms = context.now_ms()

    def get(self, bed: BedId) -> BedAnalysis | None:
        """Return a bed, if anything is known of it."""
        return self._beds.get(bed)

    def all(self) -> Iterable[tuple[BedId, BedAnalysis]]:
        """Return every bed."""
        return self._beds.items()

    def stay(self, admission: str) -> StaySettings:
        """Return what was set and entered for a stay."""
        return self._snapshots.stay(admission)

    def settle(
        self,
        bed: BedId,
        admission: str,
        settings: StaySettings,
        told: Iterable[Event],
    ) -> None:
        """Keep what was set for a stay, on disk first, and judge by it from now on."""
        now_ms = self._context.now_ms()
        self._snapshots.settle(
            admission, settings, now_ms, [(bed, event) for event in told]
        )
        self._beds[bed].settle(settings, now_ms)
        self.announce(bed)

    def take(self, bed: BedId, received_ms: int, take: Take) -> None:
        """Hand a message to a bed, or keep it until the bed's past is in."""
        if bed in self._resuming:
            self._resuming.wait(bed, received_ms, take)
            if not self._is_provisional:
                return
        take(self._bed(bed))

    def admit(self, bed: BedId, admit: Take) -> None:
        """Say who lies in a bed."""
        if bed in self._resuming:
            self._resuming.admit(bed, admit)
        admit(self._bed(bed))

    def refuse(self, bed: BedId, vital: str, reason: str, received_ms: int) -> None:
        """Note that a reading could not be read."""
        self._bed(bed).refuse(vital, reason, received_ms)

    def recall(self, bed: BedId, condition: Condition) -> None:
        """Take in what was retained before this start."""
        self._announcer.recall(bed, condition)

    def history(self, url: str | None) -> None:
        """Take in where the recorder serves its history; None where it is away."""
        self._history = url
        if url is not None and self._resuming:
            self._resuming.ask(url, self._context.now_ms())

    def announce(self, bed: BedId) -> None:
        """Publish what has changed of a bed, and what is due again."""
        if bed in self._resuming and not self._is_provisional:
            return
        now_ms = self._context.now_ms()
        analysis = self._bed(bed)
        is_whole = bed not in self._resuming
        self._announcer.say(bed, analysis, now_ms, is_whole=is_whole)
        self._limits_teller.say(bed, analysis, now_ms)

    def tick(self, now_ms: int) -> None:
        """Let time pass for every bed, republish, write some of the state down."""
        self._snapshots.tell()
        self._tell_past()
        self.resume()
        if self._resuming:
            self._wait_no_longer(now_ms)
            if self._history is not None:
                self._resuming.ask(self._history, now_ms)
        for bed, analysis in self._beds.items():
            if bed in self._resuming and not self._is_provisional:
                continue
            analysis.advance(now_ms)
            self.announce(bed)
        self._save_some(now_ms)

    def resume(self) -> None:
        """Judge some of what the recorder has handed over."""
        if not self._resuming:
            return
        until_s = time.monotonic() + RESUME_SLICE_S
        now_ms = self._context.now_ms()
        level = self._resuming.resume(now_ms, lambda: time.monotonic() < until_s)
        for bed, one in level.items():
            self._beds[bed] = one.analysis
            past = self._announcer.catch_up(bed, one.over, now_ms)
            self._past += [(bed, ended.event(bed, now_ms)) for ended in past]
        self._tell_past()
        for bed in level:
            self.announce(bed)
        self._context.figures["beds_behind"] = len(self._resuming)
        if level and not self._resuming:
            self._is_provisional = False
            self._context.trouble.pop("history", None)

    def stop(self) -> None:
        """Write the state down; beds that are behind stay as they were written."""
        self._resuming.stop()
        self._save(list(self._beds))
        self._snapshots.close()

    def _wait_no_longer(self, now_ms: int) -> None:
        if self._is_provisional or now_ms < self._live_ms:
            return
        self._is_provisional = True
        self._context.trouble["history"] = NO_HISTORY
        log.warning("history does not answer, going live beds=%d", len(self._resuming))
        for bed in self._resuming:
            for take in self._resuming.kept(bed):
                take(self._bed(bed))

    def _tell_past(self) -> None:
        """Keep what was over when it was found, and tell it; again where the disk fails.

        The beds are written down with it: found again, it would be told again.
        """
        if self._past:
            self._save({bed: None for bed, _ in self._past}, self._past)
            self._past.clear()
            self._snapshots.tell()

    def _save_some(self, now_ms: int) -> None:
        """Write so many beds down that each has its turn within the time configured."""
        every_ms = self._config.snapshot_every_s * 1000
        due = len(self._beds) * (now_ms - self._saved_ms) / every_ms
        if due < 1:
            return
        self._saved_ms = now_ms
        if not self._unsaved:
            self._unsaved = list(self._beds)
        count = min(round(due), len(self._unsaved))
        turn, self._unsaved = self._unsaved[:count], self._unsaved[count:]
        self._save(turn)

    def _save(
        self, beds: Iterable[BedId], told: Iterable[tuple[BedId, Event]] = ()
    ) -> None:
        level = [
            (bed, self._beds[bed].state) for bed in beds if bed not in self._resuming
        ]
        self._snapshots.save(level, self._rules, told)

    def _written(self, bed: BedId) -> BedAnalysis:
        return self._analysis(bed, self._snapshots.bed(bed, self._rules))

    def _analysis(self, bed: BedId, state: BedState | None = None) -> BedAnalysis:
        admission = state.known.admission if state else None
        return BedAnalysis(
            self._context.catalogue,
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
