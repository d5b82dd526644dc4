"""Readings through the rules of the live service, as fast as they can be computed."""

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from monitorme.contract.payloads import Category
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.bed_state import BedState, Known
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.limits import Limits
from monitorme_analysis.replay.episode import Episode
from monitorme_analysis.replay.observing import observed
from monitorme_analysis.replay.pace import own_pace
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.rule import YEAR_MS
from monitorme_analysis.ruleset import RuleSet

TICK_MS: Final = 1_000
"""How often time is looked at between readings, as the live service does."""
SLOW_MS: Final = 60_000
"""Where nothing is stale sooner, seconds do not matter: it was written by the minute."""
TICKS_TO_STALE: Final = 6
"""Of a recording by the minute or hour, so often before its fastest vital is stale."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What readings are judged by: one side of a comparison."""

    name: str
    limits: Limits
    category: Category = Category.ADULT
    age_years: float | None = None
    """How old the patients are when their recording begins, where that is known."""
    rules: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings of rules, by name; a rule without any has its defaults."""

    def rule_set(self, catalogue: Catalogue) -> RuleSet:
        """Return the rules; raises ConfigError naming a mistake in their settings."""
        classes, _ = installed_rules()
        return RuleSet.configured(classes, self.rules, catalogue)


@dataclass(slots=True)
class Stay:
    """What was replayed of one bed."""

    bed: str
    begin_ms: int
    end_ms: int
    readings: int = 0
    episodes: list[Episode] = field(default_factory=list)

    @property
    def hours(self) -> float:
        """How long the recording is."""
        return (self.end_ms - self.begin_ms) / 3_600_000


@dataclass(slots=True)
class Recording:
    """Readings of some beds, each bed's in order of time."""

    catalogue: Catalogue
    beds: dict[str, list[Row]]

    @classmethod
    def of(cls, catalogue: Catalogue, rows: Iterable[Row]) -> "Recording":
        """Return rows by bed, and the catalogue with their own pace."""
        beds: defaultdict[str, list[Row]] = defaultdict(list)
        with _uncollected():
            for row in rows:
                beds[row[1]].append(row)  # bed
            for of_bed in beds.values():
                of_bed.sort(key=itemgetter(0))  # at_ms
            return cls(own_pace(catalogue, beds), dict(beds))


def replay(recording: Recording, setting: Setting) -> list[Stay]:
    """Return what would have been found in each bed; raises nothing for odd values."""
    rules = setting.rule_set(recording.catalogue)
    with _uncollected():
        return [
            _BedReplay(recording.catalogue, setting, rules, bed).run(rows)
            for bed, rows in sorted(recording.beds.items())
        ]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let nobody look for garbage: rows have no cycles, and looking goes over all."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _BedReplay:
    """One bed through its analysis."""

    def __init__(
        self, catalogue: Catalogue, setting: Setting, rules: RuleSet, bed: str
    ) -> None:
        self._catalogue = catalogue
        self._setting, self._rules = setting, rules
        self._stay = Stay(bed, 0, 0)
        self._open: dict[str, Episode] = {}

    def run(self, rows: list[Row]) -> Stay:
        """Judge all rows, and time as it passes between them."""
        stay, catalogue = self._stay, self._catalogue
        stay.begin_ms, stay.end_ms = rows[0].at_ms, rows[-1].at_ms
        tick_ms = self._tick_ms({row.vital for row in rows})
        analysis = BedAnalysis(
            catalogue,
            self._setting.limits,
            _somebody(self._setting, stay.begin_ms),
            rules=self._rules,
            second_ms=tick_ms,
        )
        next_ms = stay.begin_ms - stay.begin_ms % tick_ms
        revision, is_slow = analysis.revision, tick_ms > TICK_MS
        observe, advance = analysis.observe, analysis.advance
        for reading in observed(rows, catalogue):
            now_ms = reading.at_ms
            stay.readings += 1
            while next_ms <= now_ms:
                advance(next_ms)
                if analysis.revision != revision:
                    revision = analysis.revision
                    self._look(analysis, next_ms)
                next_ms += tick_ms
            if is_slow and now_ms > stay.begin_ms:
                # What became true between two slow ticks is seen before it ends.
                analysis.elapse(now_ms - 1)
                if analysis.revision != revision:
                    revision = analysis.revision
                    self._look(analysis, now_ms - 1)
            observe(reading)
            if analysis.revision != revision:
                revision = analysis.revision
                self._look(analysis, now_ms)
        stay.episodes += self._open.values()
        stay.episodes.sort(key=lambda one: (one.from_ms, one.code))
        return stay

    def _tick_ms(self, vitals: set[str]) -> int:
        soonest_ms = min(self._catalogue[vital].stale_after_ms for vital in vitals)
        return TICK_MS if soonest_ms <= SLOW_MS else soonest_ms // TICKS_TO_STALE

    def _look(self, analysis: BedAnalysis, now_ms: int) -> None:
        """Begin, follow and end episodes by what is true now."""
        true_now = {one.code: one for one in analysis.findings(now_ms)}
        for code, finding in true_now.items():
            episode = self._open.get(code)
            if episode is None:
                self._open[code] = Episode.begun(self._stay.bed, finding, now_ms)
            else:
                episode.follow(finding)
        for code in [code for code in self._open if code not in true_now]:
            episode = self._open.pop(code)
            episode.to_ms = now_ms
            self._stay.episodes.append(episode)


def _somebody(setting: Setting, begin_ms: int) -> BedState:
    """Return a bed in which a patient of the setting lies since the beginning."""
    known = Known(admission="replay", category=setting.category, since_ms=begin_ms)
    if setting.age_years is not None:
        known.birth_ms = begin_ms - round(setting.age_years * YEAR_MS)
    return BedState(known)
