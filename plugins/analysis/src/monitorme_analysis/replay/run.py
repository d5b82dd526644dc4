"""Readings through the rules of the live service, as fast as they can be computed."""

import gc
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import inf
from operator import attrgetter
from typing import Final

from monitorme.contract.payloads import Category
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.bed_state import BedState, Known
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.limits import Limits
from monitorme_analysis.replay.episode import Episode
from monitorme_analysis.replay.lain import Lain
from monitorme_analysis.replay.observing import observed
from monitorme_analysis.replay.pace import own_pace
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.rule import YEAR_MS
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.stay import StaySettings

TICK_MS: Final = 1_000
"""How often time is looked at between readings, as the live service does."""
SLOW_MS: Final = 60_000
"""Where nothing is stale sooner, seconds do not matter: it was written by the minute."""
TICKS_TO_STALE: Final = 6
"""Of a recording by the minute or hour, so often before its fastest vital is stale."""

_TAKEN: Final = attrgetter("at_ms")
_VITAL: Final = attrgetter("vital")


@dataclass(frozen=True, slots=True)
class Setting:
    """What readings are judged by: one side of a comparison."""

    name: str
    limits: Limits
    category: Category | None = None
    """The kind of patients; None: as recorded, or else adults."""
    age_years: float | None = None
    """How old the patients are when their recording begins, where that is known."""
    rules: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings of rules, by name; a rule without any has its defaults."""

    def rule_set(self, catalogue: Catalogue, *, has_waveforms: bool = True) -> RuleSet:
        """Return the rules; raises ConfigError naming a mistake in their settings."""
        # Settings may be of any rule, which is looked for among all of them.
        classes, _ = installed_rules(has_waveforms=has_waveforms or bool(self.rules))
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


@dataclass
class Recording:
    """Readings of some beds, each bed's in order of time."""

    catalogue: Catalogue
    beds: dict[str, list[Row]]
    lain: Mapping[str, Sequence[Lain]] = field(default_factory=dict)
    """Who lay in a bed; where nobody is known, all is of one patient."""

    @cached_property
    def has_waveforms(self) -> bool:
        """Whether any reading is a block of a waveform."""
        vitals = set(map(_VITAL, chain.from_iterable(self.beds.values())))
        kinds = {self.catalogue[vital].kind for vital in vitals}
        return VitalKind.WAVEFORM in kinds

    def stays(self) -> Iterator[tuple[Lain, list[Row]]]:
        """Return each patient in each bed, with the readings that are theirs."""
        for bed, rows in sorted(self.beds.items()):
            lain = self.lain.get(bed)
            if not lain:
                yield Lain(bed, "replay", rows[0].at_ms), rows
                continue
            for one in lain:
                theirs = rows[_from(rows, one.from_ms) : _from(rows, one.to_ms)]
                if theirs:
                    yield one, theirs

    @classmethod
    def of(
        cls, catalogue: Catalogue, rows: Iterable[Row], lain: Iterable[Lain] = ()
    ) -> "Recording":
        """Return rows by bed, who lay there, and the catalogue with their own pace."""
        beds: defaultdict[str, list[Row]] = defaultdict(list)
        with _uncollected():
            for row in rows:
                beds[row.bed].append(row)
            for of_bed in beds.values():
                of_bed.sort(key=_TAKEN)
            stays: defaultdict[str, list[Lain]] = defaultdict(list)
            for one in lain:
                stays[one.bed].append(one)
            return cls(own_pace(catalogue, beds), dict(beds), dict(stays))


def replay(recording: Recording, setting: Setting) -> list[Stay]:
    """Return what would have been found in each bed; raises nothing for odd values."""
    rules = setting.rule_set(recording.catalogue, has_waveforms=recording.has_waveforms)
    with _uncollected():
        return [
            _BedReplay(recording.catalogue, setting, rules, lain).run(rows)
            for lain, rows in recording.stays()
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
        self, catalogue: Catalogue, setting: Setting, rules: RuleSet, lain: Lain
    ) -> None:
        self._catalogue = catalogue
        self._setting, self._rules = setting, rules
        self._lain, self._changes = lain, deque(lain.settings)
        self._settings = StaySettings()
        self._stay = Stay(lain.bed, 0, 0)
        self._open: dict[str, Episode] = {}

    def run(self, rows: list[Row]) -> Stay:
        """Judge all rows, and time as it passes between them."""
        stay, catalogue = self._stay, self._catalogue
        stay.begin_ms, stay.end_ms = rows[0].at_ms, rows[-1].at_ms
        tick_ms = self._tick_ms(set(map(_VITAL, rows)))
        analysis = BedAnalysis(
            catalogue,
            self._setting.limits,
            _somebody(self._setting, self._lain, stay.begin_ms),
            rules=self._rules,
            bed=self._lain.place,
            stay=self._settings_at(stay.begin_ms),
            second_ms=tick_ms,
        )
        change_ms = self._next_change_ms()
        next_ms = stay.begin_ms - stay.begin_ms % tick_ms
        revision, is_slow = analysis.revision, tick_ms > TICK_MS
        observe, advance = analysis.observe, analysis.advance
        for stay.readings, reading in enumerate(observed(rows, catalogue), start=1):
            now_ms = reading.at_ms
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
            if now_ms >= change_ms:
                analysis.settle(self._settings_at(now_ms), now_ms)
                change_ms = self._next_change_ms()
            observe(reading)
            if analysis.revision != revision:
                revision = analysis.revision
                self._look(analysis, now_ms)
        self._leave(analysis, next_ms, tick_ms)
        stay.episodes += self._open.values()
        stay.episodes.sort(key=lambda one: (one.from_ms, one.code))
        return stay

    def _leave(self, analysis: BedAnalysis, next_ms: int, tick_ms: int) -> None:
        """Let time pass until the patient leaves; whatever is true ends then."""
        end_ms = self._lain.to_ms
        if end_ms is None:
            return
        for now_ms in range(next_ms, end_ms, tick_ms):
            analysis.advance(now_ms)
            self._look(analysis, now_ms)
        self._stay.end_ms = max(self._stay.end_ms, end_ms)
        for episode in self._open.values():
            episode.to_ms = end_ms
        self._stay.episodes += self._open.values()
        self._open.clear()

    def _settings_at(self, now_ms: int) -> StaySettings:
        """Return what is set and entered for the patient, and look no further back."""
        changes, settings = self._changes, self._settings
        while changes and changes[0][0] <= now_ms:
            _, settings = changes.popleft()
        self._settings = settings
        return settings

    def _next_change_ms(self) -> float:
        return self._changes[0][0] if self._changes else inf

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


def _somebody(setting: Setting, lain: Lain, begin_ms: int) -> BedState:
    """Return a bed in which a patient lies: as the setting says, else as recorded."""
    known = Known(
        admission=lain.admission,
        category=setting.category or lain.category or Category.ADULT,
        birth_ms=lain.birth_ms,
        since_ms=min(begin_ms, lain.from_ms),
    )
    if setting.age_years is not None:
        known.birth_ms = begin_ms - round(setting.age_years * YEAR_MS)
    return BedState(known)


def _from(rows: list[Row], at_ms: int | None) -> int:
    """Return where the rows of a time begin; None is after all."""
    if at_ms is None:
        return len(rows)
    return bisect_left(rows, at_ms, key=_TAKEN)
