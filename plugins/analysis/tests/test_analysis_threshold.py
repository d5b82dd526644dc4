"""The threshold rule: boundaries, delays, deadband, and an oracle that knows only those."""

import csv
import itertools
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitorme.contract.payloads import Category
from monitorme.contract.vitals import Catalogue
from monitorme.testing import needs
from monitorme_analysis.limit import AgeLimits
from monitorme_analysis.limits import (
    Band,
    Limits,
    LimitsByCategory,
    VitalLimits,
    default_limits,
)
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.replay.run import Recording, Setting, replay
from monitorme_analysis.switched_off import all_switched_off
from monitorme_analysis.threshold import Side, SideState, step

SPO2 = VitalLimits(
    awake=Band(low=89, critical_low=80), on_delay_s=6, off_delay_s=5, deadband=1
)


def run(
    values: list[tuple[int, float]], limits: VitalLimits = SPO2, side: Side = "low"
) -> list[SideState]:
    states, state = [], SideState()
    for at_s, value in values:
        state = step(
            state, side, at_s * 1000, value, limits, limits.awake, episodic=False
        )
        states.append(state)
    return states


def levels(values: list[tuple[int, float]], limits: VitalLimits = SPO2) -> list[str]:
    return [state.level or "-" for state in run(values, limits)]


def test_a_value_at_the_limit_violates_it_and_one_above_does_not() -> None:
    assert levels([(0, 89), (6, 89)]) == ["-", "warning"]
    assert levels([(0, 89.1), (6, 89.1)]) == ["-", "-"]


def test_a_violation_must_last_the_delay() -> None:
    assert levels([(0, 85), (5, 85), (6, 85)]) == ["-", "-", "warning"]
    assert levels([(0, 85), (5, 95), (6, 85), (11, 85)]) == ["-"] * 4


def test_a_critical_limit_may_have_a_delay_of_its_own() -> None:
    limits = VitalLimits(awake=SPO2.awake, on_delay_s=10, critical_on_delay_s=6)
    assert limits.on_delays_ms == (10_000, 6_000)
    assert levels([(0, 79), (5, 79), (6, 79)], limits)[1:] == ["-", "critical"]
    assert levels([(0, 85), (6, 85), (10, 85)], limits)[1:] == ["-", "warning"]


@given(
    run=st.lists(st.sampled_from([79.0, 85.0]), min_size=1, max_size=30),
    every_ms=st.integers(200, 4_000),
)
def test_a_violation_of_the_delay_is_found_wherever_readings_fall(
    run: list[float], every_ms: int
) -> None:
    """A value stands until the next: no look at the clock between them is needed."""
    rows = [
        Row(
            1_000_000 + n * every_ms,
            "a/b",
            "oxygen_saturation",
            "",
            value,
            "good",
            None,
        )
        for n, value in enumerate([95.0, *run, 95.0, 95.0])
    ]
    (stay,) = replay(
        Recording.of(Catalogue.load(), rows),
        Setting("test", Limits(adult={"oxygen_saturation": SPO2})),
    )
    is_found = any(one.code == "oxygen_saturation_low" for one in stay.episodes)
    assert is_found == (len(run) * every_ms >= 6_000)


def test_it_ends_only_beyond_the_deadband_and_after_the_delay() -> None:
    falling = [(0, 85), (6, 85)]
    assert levels([*falling, (10, 89.5), (20, 89.5)])[2:] == ["warning"] * 2
    assert levels([*falling, (10, 90), (14, 90), (15, 90)])[2:] == [
        "warning",
        "warning",
        "-",
    ]


def test_the_level_rises_past_its_own_delay_and_falls_through_the_deadband() -> None:
    values = [(0, 85), (6, 85), (7, 79), (12, 79), (13, 79), (14, 80.5), (15, 82)]
    assert levels(values)[1:] == [
        *("warning", "warning", "warning"),
        *("critical", "critical", "warning"),
    ]


def test_the_worst_value_and_the_limit_are_kept() -> None:
    last = run([(0, 85), (3, 82), (6, 87)])[-1]
    assert (last.worst, last.limit, last.value, last.since_ms) == (82, 89, 87, 0)


def test_an_episodic_value_is_judged_by_itself() -> None:
    limits = VitalLimits(
        awake=Band(high=39, critical_high=40), on_delay_s=6, deadband=1
    )
    state = SideState()
    seen = []
    for at_ms, value in ((0, 39.0), (300_000, 40.0), (600_000, 38.9)):
        state = step(state, "high", at_ms, value, limits, limits.awake, episodic=True)
        seen.append(state.level)
    assert seen == ["warning", "critical", None]


def test_104_fahrenheit_is_critical() -> None:
    limits = default_limits().adult["body_temperature"]
    state = step(SideState(), "high", 0, 40.0, limits, limits.awake, episodic=True)
    assert state.level == "critical"


def test_only_a_critical_limit_makes_no_warning() -> None:
    limits = VitalLimits(awake=Band(critical_low=80), on_delay_s=6)
    assert levels([(0, 79), (6, 79), (7, 81)], limits) == ["-", "critical", "-"]


@pytest.mark.parametrize(
    "band",
    [{"low": 90, "high": 80}, {"low": 90, "critical_low": 95}, {"low": 90, "high": 90}],
)
def test_limits_that_do_not_rise_are_refused(band: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="must rise"):
        Band(**band)


def test_a_limit_that_switches_an_alarm_off_is_said_so() -> None:
    limits = Limits(
        adult={"oxygen_saturation": VitalLimits(awake=Band(low=90, high=101))}
    )
    assert list(all_switched_off(limits, Catalogue.load())) == [
        "adult: oxygen_saturation: a high limit of 101 is off: no value is so high"
    ]


def test_the_stricter_of_awake_and_asleep_is_taken_limit_by_limit() -> None:
    limits = VitalLimits(
        awake=Band(low=50, high=120, critical_high=150),
        asleep=Band(low=45, high=110, critical_low=35),
    )
    assert limits.band("unknown") == Band(
        low=50, high=110, critical_low=35, critical_high=150
    )
    assert limits.quiet == (50, 110)


def test_limits_of_awake_and_asleep_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="exclude each other"):
        VitalLimits(awake=Band(low=50), asleep=Band(high=45))


def test_the_most_particular_limits_go_first() -> None:
    rates = {name: VitalLimits(awake=Band(low=n)) for n, name in enumerate("abcd", 40)}
    limits = Limits(
        paediatric={"heart_rate": rates["a"], "respiratory_rate": rates["d"]},
        ages={
            "infant": AgeLimits(
                from_years=0, to_years=1, limits={"heart_rate": rates["b"]}
            )
        },
        wards={"nicu": LimitsByCategory(paediatric={"heart_rate": rates["c"]})},
    )
    child = Category.PAEDIATRIC
    assert limits.in_force(child)["heart_rate"] is rates["a"]
    assert limits.in_force(child, age_years=1.0)["heart_rate"] is rates["a"]
    assert limits.in_force(child, age_years=0.99)["heart_rate"] is rates["b"]
    of_ward = limits.in_force(child, age_years=0.5, ward="nicu")
    assert of_ward == {"heart_rate": rates["c"], "respiratory_rate": rates["d"]}
    assert limits.in_force(Category.ADULT, ward="nicu") == {}


def test_children_of_every_age_have_limits_of_their_own() -> None:
    limits = default_limits()
    lows = [
        limits.in_force(Category.PAEDIATRIC, age_years=age)["heart_rate"].awake.low
        for age in (0.0, 0.9, 1, 2.9, 3, 5.9, 6, 9.9, 10, 11.9, 12, 17.9)
    ]
    assert lows == [100, 100, 98, 98, 80, 80, 75, 75, 75, 75, 60, 60]


# An oracle that looks at whole series at once, and at nothing but the definition. ------


@dataclass
class Episode:
    start: int
    end: int | None


def oracle(values: list[tuple[int, float]], limits: VitalLimits) -> list[Episode]:
    """Return the episodes of a low limit without levels, found by looking back."""
    low = limits.awake.low
    assert low is not None
    episodes: list[Episode] = []
    open_episode: Episode | None = None
    for index, (at_s, _) in enumerate(values):
        past = values[: index + 1]
        if open_episode is None:
            run_of = list(itertools.takewhile(lambda v: v[1] <= low, reversed(past)))
            if run_of and at_s - run_of[-1][0] >= limits.on_delay_s:
                open_episode = Episode(at_s, None)
                episodes.append(open_episode)
        else:
            back = list(
                itertools.takewhile(
                    lambda v: v[1] >= low + limits.deadband and v[1] > low,
                    reversed(past),
                )
            )
            if back and at_s - back[-1][0] >= limits.off_delay_s:
                open_episode.end = at_s
                open_episode = None
    return episodes


def episodes(values: list[tuple[int, float]], limits: VitalLimits) -> list[Episode]:
    found: list[Episode] = []
    before: str | None = None
    for (at_s, _), state in zip(values, run(values, limits), strict=True):
        if state.level and not before:
            found.append(Episode(at_s, None))
        elif before and not state.level:
            found[-1].end = at_s
        before = state.level
    return found


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from([85, 88, 89, 89.5, 90, 91, 95.0])),
        max_size=60,
    ),
    st.sampled_from([0, 3, 6]),
    st.sampled_from([0, 5]),
    st.sampled_from([0, 1]),
)
def test_streaming_finds_what_the_oracle_finds(
    steps: list[tuple[int, float]], on_s: int, off_s: int, deadband: int
) -> None:
    times = itertools.accumulate(gap for gap, _ in steps)
    values = [(at, value) for at, (_, value) in zip(times, steps, strict=True)]
    limits = VitalLimits(
        awake=Band(low=89), on_delay_s=on_s, off_delay_s=off_s, deadband=deadband
    )
    assert episodes(values, limits) == oracle(values, limits)


@pytest.mark.data
def test_real_saturations_alarm_where_the_oracle_says() -> None:
    limits = VitalLimits(awake=Band(low=94), on_delay_s=6, off_delay_s=5, deadband=1)
    total = 0
    for path in sorted(needs.data("bidmc").glob("*_Numerics.csv")):
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
        values = [
            (int(float(row["Time [s]"])), float(row["SpO2"]))
            for row in rows
            if row["SpO2"] not in ("", "NaN") and float(row["SpO2"]) > 0
        ]
        found = episodes(values, limits)
        assert found == oracle(values, limits), path.name
        total += len(found)
    assert total > 10
