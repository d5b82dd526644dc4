"""What the alarms of a replay come to: by rule, by bed, by hour, and how long they last."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from monitorme.contract.payloads import Priority
from monitorme_analysis.replay.episode import RANK, Episode
from monitorme_analysis.replay.run import Stay

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class RuleTotal:
    """The alarms of one code."""

    code: str
    priority: Priority
    """The highest that one of them had."""
    alarms: int
    per_bed_day: float
    minutes: float
    """How long they lasted together."""
    median_s: float
    longest_s: float


@dataclass(frozen=True, slots=True)
class BedTotal:
    """The alarms of one bed."""

    bed: str
    hours: float
    alarms: int
    per_hour: float
    minutes: float


@dataclass(frozen=True, slots=True)
class HourTotal:
    """The alarms that rang within one hour, of all beds."""

    hour_ms: int
    alarms: int


@dataclass(frozen=True, slots=True)
class Report:
    """The alarms that one setting would have rung."""

    setting: str
    beds: int
    hours: float
    """Of all beds together."""
    readings: int
    alarms: int
    per_bed_day: float
    rules: tuple[RuleTotal, ...]
    by_bed: tuple[BedTotal, ...]
    by_hour: tuple[HourTotal, ...]


def report(setting: str, stays: Iterable[Stay]) -> Report:
    """Return what the alarms of some beds come to."""
    known = list(stays)
    by_bed: dict[str, list[Stay]] = defaultdict(list)
    for stay in known:
        by_bed[stay.bed].append(stay)
    hours = sum(stay.hours for stay in known)
    episodes = [(one, stay.end_ms) for stay in known for one in stay.episodes]
    return Report(
        setting=setting,
        beds=len(by_bed),
        hours=hours,
        readings=sum(stay.readings for stay in known),
        alarms=len(episodes),
        per_bed_day=_a_day(len(episodes), hours),
        rules=_by_rule(episodes, hours),
        by_bed=tuple(_of_bed(bed, found) for bed, found in by_bed.items()),
        by_hour=_by_hour(one for one, _ in episodes),
    )


def _by_rule(
    episodes: list[tuple[Episode, int]], hours: float
) -> tuple[RuleTotal, ...]:
    by_code: dict[str, list[tuple[Episode, int]]] = defaultdict(list)
    for episode, end_ms in episodes:
        by_code[episode.code].append((episode, end_ms))
    totals = [_of_rule(code, found, hours) for code, found in by_code.items()]
    return tuple(sorted(totals, key=lambda t: (-RANK[t.priority], -t.alarms, t.code)))


def _of_rule(code: str, found: list[tuple[Episode, int]], hours: float) -> RuleTotal:
    lasted_s = [episode.lasted_ms(end_ms) / 1000 for episode, end_ms in found]
    return RuleTotal(
        code=code,
        priority=max((episode.priority for episode, _ in found), key=RANK.__getitem__),
        alarms=len(found),
        per_bed_day=_a_day(len(found), hours),
        minutes=sum(lasted_s) / 60,
        median_s=median(lasted_s),
        longest_s=max(lasted_s),
    )


def _of_bed(bed: str, stays: list[Stay]) -> BedTotal:
    lasted_ms = sum(
        one.lasted_ms(stay.end_ms) for stay in stays for one in stay.episodes
    )
    alarms = sum(len(stay.episodes) for stay in stays)
    hours = sum(stay.hours for stay in stays)
    return BedTotal(
        bed=bed,
        hours=hours,
        alarms=alarms,
        per_hour=alarms / hours if hours else 0.0,
        minutes=lasted_ms / 60_000,
    )


def _by_hour(episodes: Iterable[Episode]) -> tuple[HourTotal, ...]:
    counts: dict[int, int] = defaultdict(int)
    for episode in episodes:
        counts[episode.rang_ms // HOUR_MS * HOUR_MS] += 1
    return tuple(HourTotal(hour, counts[hour]) for hour in sorted(counts))


def _a_day(alarms: int, hours: float) -> float:
    return 24 * alarms / hours if hours else 0.0
