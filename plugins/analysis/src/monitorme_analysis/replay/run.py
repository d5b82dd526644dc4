"""Readings through the rules of the live service, as fast as they can be computed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.payloads import Admission, Category
from monitorme.contract.readings import Lead, Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue, Vital
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.limits import Limits
from monitorme_analysis.replay.episode import Episode
from monitorme_analysis.replay.pace import own_pace
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.rule import Finding
from monitorme_analysis.ruleset import RuleSet

TICK_MS: Final = 1_000
"""How often time is looked at between readings, as the live service does."""
TICKS_TO_STALE: Final = 6
"""Of a recording by the minute or hour, so often before its fastest vital is stale."""
_DEVICE: Final = "recording"


@dataclass(frozen=True, slots=True)
class Setting:
    """What readings are judged by: one side of a comparison."""

    name: str
    limits: Limits
    category: Category = Category.ADULT


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
        beds: dict[str, list[Row]] = {}
        for row in rows:
            beds.setdefault(row.bed, []).append(row)
        for of_bed in beds.values():
            of_bed.sort(key=lambda row: row.at_ms)
        return cls(own_pace(catalogue, beds), beds)


def replay(recording: Recording, setting: Setting) -> list[Stay]:
    """Return what would have been found in each bed; raises nothing for odd values."""
    rules = RuleSet.installed(recording.catalogue)
    return [
        _BedReplay(rules, setting, bed, rows).run()
        for bed, rows in sorted(recording.beds.items())
    ]


class _BedReplay:
    """One bed through its analysis."""

    def __init__(
        self, rules: RuleSet, setting: Setting, bed: str, rows: list[Row]
    ) -> None:
        self._catalogue = rules.catalogue
        self._rows = rows
        self._tick_ms = _tick_ms(self._catalogue, {row.vital for row in rows})
        self._analysis = BedAnalysis(
            self._catalogue, setting.limits, rules=rules, second_ms=self._tick_ms
        )
        self._analysis.admit(_somebody(setting.category))
        self._seen = -1
        self._found: tuple[Finding, ...] | None = None
        self._stay = Stay(bed, rows[0].at_ms, rows[-1].at_ms)
        self._open: dict[str, Episode] = {}

    def run(self) -> Stay:
        """Judge all rows, and time as it passes between them."""
        stay, tick_ms = self._stay, self._tick_ms
        next_ms = (stay.begin_ms // tick_ms + 1) * tick_ms
        for reading, vital in _readings(self._rows, self._catalogue):
            while next_ms <= reading.time_ms:
                self._analysis.advance(next_ms)
                self._look(next_ms)
                next_ms += tick_ms
            if tick_ms > TICK_MS and reading.time_ms > stay.begin_ms:
                # What became true between two slow ticks is seen before it ends.
                self._analysis.elapse(reading.time_ms - 1)
                self._look(reading.time_ms - 1)
            self._take(vital, reading)
        stay.episodes += self._open.values()
        stay.episodes.sort(key=lambda one: (one.from_ms, one.code))
        return stay

    def _take(self, vital: str, reading: Reading) -> None:
        now_ms = reading.time_ms
        judged = judge(reading, self._catalogue[vital], now_ms)
        self._stay.readings += 1
        self._analysis.take(vital, reading, judged, now_ms)
        if self._analysis.revision != self._seen:
            self._look(now_ms)

    def _look(self, now_ms: int) -> None:
        """Begin, follow and end episodes by what is true now."""
        self._seen = self._analysis.revision
        found = self._analysis.findings(now_ms)
        if found is self._found:
            return
        self._found = found
        true_now = {one.code: one for one in self._analysis.conditions(now_ms)}
        for code, condition in true_now.items():
            episode = self._open.get(code)
            if episode is None:
                self._open[code] = Episode.begun(self._stay.bed, condition, now_ms)
            else:
                episode.follow(condition)
        for code in [code for code in self._open if code not in true_now]:
            episode = self._open.pop(code)
            episode.to_ms = now_ms
            self._stay.episodes.append(episode)


def _tick_ms(catalogue: Catalogue, vitals: set[str]) -> int:
    soonest_ms = min(catalogue[vital].stale_after_ms for vital in vitals)
    return max(TICK_MS, soonest_ms // TICKS_TO_STALE)


def _readings(rows: list[Row], catalogue: Catalogue) -> Iterator[tuple[Reading, str]]:
    """Yield readings; components of one time and vital make one of them."""
    together: list[Row] = []
    seq = 0
    for number, row in enumerate(rows, start=1):
        value, quality, reason = row.value, row.quality, row.reason
        if row.component:
            together.append(row)
            if number < len(rows) and _belongs(row, rows[number]):
                continue
            value, quality, reason = _composite(together, catalogue[row.vital])
            together = []
        seq += 1
        reading = Reading(
            _DEVICE,
            _DEVICE,
            seq,
            row.at_ms,
            value,
            quality,  # type: ignore[arg-type]  # one of rows.QUALITIES
            reason,
        )
        yield reading, row.vital


def _composite(
    together: list[Row], entry: Vital
) -> tuple[ReadingValue, str, str | None]:
    """Return value, quality and reason; what is impossible does not spoil the rest."""
    numbers = [row for row in together if isinstance(row.value, float)]
    parts: dict[str, float | Lead] = {
        row.component: row.value
        for row in numbers
        if isinstance(row.value, float) and entry.is_plausible(row.value)
    }
    if parts:
        doubt = any(row.quality == "questionable" for row in numbers)
        return parts, "questionable" if doubt else "good", None
    return None, "invalid", "out_of_range" if numbers else together[-1].reason


def _belongs(row: Row, following: Row) -> bool:
    return (
        bool(following.component)
        and following.vital == row.vital
        and following.at_ms == row.at_ms
        and following.component != row.component
    )


def _somebody(category: Category) -> Admission:
    return Admission(
        admission="replay",
        patient="replay",
        name="",
        mrn="",
        category=category,
        admitted_ms=0,
        since_ms=0,
    )
