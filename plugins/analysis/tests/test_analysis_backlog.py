"""What a device sends when it is back: known to rules that look back, ringing no more."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import pytest

from monitorme.contract.payloads import Admission, Category, Priority
from monitorme.contract.readings import Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue
from monitorme_analysis import snapshot
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.limits import default_limits
from monitorme_analysis.rule import Finding
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.scores.settling import Recent, inputs_of

CATALOGUE: Final = Catalogue.load()
RULES: Final = RuleSet.installed(CATALOGUE)
START_MS: Final = 1_760_000_000_000
MINUTE_S: Final = 60
SATURATION: Final = "oxygen_saturation"


class Taken(NamedTuple):
    """A reading, and when it was taken, in seconds from the start."""

    seq: int
    at_s: int
    vital: str
    value: ReadingValue


class Bed:
    """A bed with all rules; `ever` is what it has told until now."""

    def __init__(self, since_s: int = 0) -> None:
        self.analysis = BedAnalysis(CATALOGUE, default_limits(), rules=RULES)
        self.ever: set[str] = set()
        since_ms = START_MS + since_s * 1_000
        self.analysis.admit(
            Admission(
                admission="a-1",
                patient="p-1",
                name="Ada",
                mrn="1",
                category=Category.ADULT,
                admitted_ms=since_ms,
                since_ms=since_ms,
            )
        )

    def take(self, one: Taken, received_s: float | None = None) -> None:
        received_ms = START_MS + round(1_000 * (received_s or one.at_s))
        at_ms = START_MS + one.at_s * 1_000
        reading = Reading("d-1", "b1", one.seq, at_ms, one.value, "good", None)
        judged = judge(reading, CATALOGUE[one.vital], received_ms)
        self.analysis.take(one.vital, reading, judged, received_ms)
        self.ever |= self.now(received_ms)

    def now(self, now_ms: int) -> set[str]:
        found = self.analysis.findings(now_ms)
        return {one.code for one in found if one.kind == "physiological"}

    def write_and_read(self) -> None:
        self.analysis.state = snapshot.copy(self.analysis.state, RULES)
        self.analysis = BedAnalysis(
            CATALOGUE, default_limits(), self.analysis.state, rules=RULES
        )


def course(
    value: Callable[[float], float], minutes: int, every_s: int = 5
) -> list[Taken]:
    """Return a saturation, by the minute."""
    return [
        Taken(seq, seq * every_s, SATURATION, value(seq * every_s / MINUTE_S))
        for seq in range(1, minutes * MINUTE_S // every_s + 1)
    ]


def away(
    taken: Sequence[Taken], from_s: int, to_s: int, pace: int = 2
) -> list[tuple[Taken, float]]:
    """Return the readings as they come where the device is out of reach meanwhile.

    Live readings come at once; with each of them, `pace` of the backlog.
    """
    waiting = [one for one in taken if from_s <= one.at_s < to_s]
    coming: list[tuple[Taken, float]] = []
    for one in taken:
        if one in waiting:
            continue
        coming.append((one, one.at_s))
        if one.at_s >= to_s:
            coming.extend((late, one.at_s + 0.5) for late in waiting[:pace])
            del waiting[:pace]
    return coming


FALLING = course(lambda minute: min(98.0, 98.0 - 0.5 * (minute - 10)), 20)


@pytest.mark.parametrize("pace", [2, 3, 100])
def test_a_fall_is_found_though_half_of_it_came_late(pace: int) -> None:
    there, gone = Bed(), Bed()
    for one in FALLING:
        there.take(one)
    for one, received_s in away(FALLING, 12 * MINUTE_S, 16 * MINUTE_S, pace):
        gone.take(one, received_s)
    end_ms = START_MS + 20 * MINUTE_S * 1_000
    assert there.now(end_ms) == gone.now(end_ms) == {"oxygen_saturation_falling"}


def test_the_time_to_a_limit_looks_back_on_what_came_late() -> None:
    slow = course(lambda minute: 97.0 - 0.2 * minute, 27)
    from_s, to_s = 8 * MINUTE_S, 18 * MINUTE_S
    there, gone, without = Bed(), Bed(), Bed()
    for one in slow:
        there.take(one)
        if not from_s <= one.at_s < to_s:
            without.take(one)
    for one, received_s in away(slow, from_s, to_s):
        gone.take(one, received_s)
    assert there.ever == gone.ever == {"oxygen_saturation_nearing_low"}
    assert without.ever == set()


def test_without_the_backlog_it_is_not_found() -> None:
    bed = Bed()
    for one in FALLING:
        if not 12 * MINUTE_S <= one.at_s < 16 * MINUTE_S:
            bed.take(one)
    assert "oxygen_saturation_falling" not in bed.ever


def test_what_was_low_meanwhile_rings_no_more() -> None:
    bed = Bed()
    deep = course(lambda minute: 70.0 if 12 <= minute < 15 else 97.0, 20)
    for one, received_s in away(deep, 11 * MINUTE_S, 16 * MINUTE_S):
        bed.take(one, received_s)
    assert bed.ever == set()


def test_a_backlog_that_comes_twice_and_before_what_is_live_changes_nothing() -> None:
    once, twice = Bed(), Bed()
    from_s, to_s = 12 * MINUTE_S, 16 * MINUTE_S
    for one, received_s in away(FALLING, from_s, to_s, pace=100):
        once.take(one, received_s)
    backlog = [one for one in FALLING if from_s <= one.at_s < to_s]
    for one in FALLING:
        if one.at_s == to_s:
            for late in (*backlog, *backlog):
                twice.take(late, to_s - 0.5)
        if one not in backlog:
            twice.take(one)
    assert twice.ever - once.ever == set()
    assert "oxygen_saturation_falling" in twice.ever


def test_a_gap_that_a_backlog_leaves_is_a_gap() -> None:
    bed = Bed()
    for one, received_s in away(FALLING, 12 * MINUTE_S, 16 * MINUTE_S, pace=3):
        if not 13 * MINUTE_S <= one.at_s < 15 * MINUTE_S:
            bed.take(one, received_s)
    assert "oxygen_saturation_falling" not in bed.ever


def test_a_backlog_of_who_lay_there_before_is_nobodys() -> None:
    bed = Bed(since_s=15 * MINUTE_S)
    for one, received_s in away(FALLING, 0, 15 * MINUTE_S, pace=100):
        bed.take(one, received_s)
    assert "oxygen_saturation_falling" not in bed.ever


def test_a_restart_in_the_middle_of_a_backlog_changes_nothing() -> None:
    whole, killed = Bed(), Bed()
    coming = away(FALLING, 12 * MINUTE_S, 16 * MINUTE_S, pace=3)
    for number, (one, received_s) in enumerate(coming):
        whole.take(one, received_s)
        killed.take(one, received_s)
        if number % 7 == 0:
            killed.write_and_read()
        end_ms = START_MS + round(received_s * 1_000)
        assert killed.now(end_ms) == whole.now(end_ms)
    assert "oxygen_saturation_falling" in whole.ever


def pressures(*systolic: float) -> list[Taken]:
    """Return a cuff's pressures, one each half hour."""
    return [
        Taken(seq, seq * 30 * MINUTE_S, "blood_pressure", {"systolic": float(value)})
        for seq, value in enumerate(systolic, start=1)
    ]


def test_a_pressure_is_set_against_those_that_came_late_too() -> None:
    first, second, third, fourth, newest = pressures(140, 138, 141, 139, 108)
    bed = Bed()
    for one in (first, fourth):
        bed.take(one)
    for one in (second, third, second, third):
        bed.take(one, fourth.at_s + MINUTE_S)
    assert bed.ever == set()
    bed.take(newest)
    assert "blood_pressure_systolic_drop" in bed.ever


def test_a_low_pressure_that_came_late_is_told_by_nobody() -> None:
    first, second, third, fall, after = pressures(140, 138, 141, 100, 139)
    bed = Bed()
    for one in (first, second, third, after):
        bed.take(one)
    bed.take(fall, after.at_s + MINUTE_S)
    assert "blood_pressure_systolic_drop" not in bed.ever


def late_pressure(
    minutes: int, systolic: float = 70.0, before: float = 120.0
) -> tuple[Bed, dict[str, Finding]]:
    """Return a bed, and what is found, when the newest pressure came so late."""
    first, second, *_ = pressures(before, systolic)
    bed = Bed()
    bed.take(first)
    received_s = second.at_s + minutes * MINUTE_S
    bed.take(second, received_s)
    now_ms = START_MS + received_s * 1_000
    return bed, {one.code: one for one in bed.analysis.findings(now_ms)}


@pytest.mark.parametrize(
    ("minutes", "priority", "words"),
    [
        (0, Priority.HIGH, "NBP sys 70 \u2264 80"),
        (3, Priority.HIGH, "NBP sys 70 \u2264 80, taken 3 min before it came"),
        (10, Priority.HIGH, "NBP sys 70 \u2264 80, taken 10 min before it came"),
        (11, Priority.LOW, "NBP sys 70 \u2264 80, taken 11 min before it came"),
        (179, Priority.LOW, "NBP sys 70 \u2264 80, taken 179 min before it came"),
    ],
)
def test_a_newest_pressure_that_came_late_is_seen_and_rings_by_its_age(
    minutes: int, priority: Priority, words: str
) -> None:
    _, found = late_pressure(minutes)
    low = found["blood_pressure_systolic_low"]
    assert (low.priority, low.text) == (priority, words)
    assert low.since_ms == START_MS + 3_600_000


def test_a_pressure_older_than_three_hours_is_nobodys() -> None:
    bed, found = late_pressure(181)
    assert "blood_pressure_systolic_low" not in found
    assert bed.analysis.context.latest["blood_pressure"].value == {"systolic": 120.0}


def test_a_normal_pressure_that_came_late_ends_the_alarm() -> None:
    _, found = late_pressure(30, systolic=120.0, before=70.0)
    assert "blood_pressure_systolic_low" not in found


def test_an_alarm_that_rings_is_not_made_less_by_what_came_late() -> None:
    _, found = late_pressure(30, systolic=70.0, before=72.0)
    assert found["blood_pressure_systolic_low"].priority is Priority.HIGH


def test_a_late_pressure_counts_in_news2_until_three_hours_after_it_was_taken() -> None:
    bed, _ = late_pressure(60)
    context = bed.analysis.context
    taken_ms = START_MS + 3_600_000
    for minutes, systolic in ((61, 70.0), (180, 70.0), (181, None)):
        now_ms = taken_ms + minutes * 60_000
        inputs, _absent = inputs_of(Recent(), now_ms, context, 300_000)
        assert inputs.systolic_mmhg == systolic
    stale_ms = taken_ms + 181 * 60_000
    bed.analysis.advance(stale_ms)
    codes = {one.code for one in bed.analysis.findings(stale_ms)}
    assert "blood_pressure_stale" in codes


def test_the_next_pressure_rings_for_what_came_late() -> None:
    first, second, third = pressures(120, 70, 70)
    bed = Bed()
    bed.take(first)
    bed.take(second, second.at_s + 20 * MINUTE_S)
    bed.take(third)
    now_ms = START_MS + third.at_s * 1_000
    found = {one.code: one for one in bed.analysis.findings(now_ms)}
    assert found["blood_pressure_systolic_low"].priority is Priority.HIGH
