"""Trends, as mathematics: lines, windows, changes, the time to a limit, day and night."""

import copy
import math
import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme_analysis.trends.against_last import Last, measure
from monitorme_analysis.trends.change import fall, rise
from monitorme_analysis.trends.dipping import Hour, compare, note
from monitorme_analysis.trends.slope import Point, fit
from monitorme_analysis.trends.time_to_limit import time_to_limit
from monitorme_analysis.trends.window import Shape, Window, add

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
TEN_MINUTES = Shape(10 * MINUTE_MS, 30_000, 5_000, 60_000)


def window_of(
    value: Callable[[float], float], minutes: float, shape: Shape = TEN_MINUTES
) -> Window:
    window = Window()
    for number in range(int(minutes * 12) + 1):
        window = add(window, number * 5_000, value(number / 12), shape)
    return window


# Lines ---------------------------------------------------------------------------------


def test_a_line_goes_through_points_that_lie_on_it() -> None:
    line = fit([(0, 10.0), (1_000, 12.0), (2_000, 14.0), (4_000, 18.0)])
    assert line is not None
    assert (line.slope, line.level, line.change) == pytest.approx((0.002, 18.0, 8.0))
    assert line.value(1_000) == pytest.approx(12.0)


@given(
    st.floats(-1, 1),
    st.floats(0, 200),
    st.lists(st.tuples(st.integers(0, 19), st.floats(-1e4, 1e4)), max_size=5),
)
def test_five_points_of_twenty_may_be_anything(
    slope: float, start: float, wild: list[tuple[int, float]]
) -> None:
    points: list[Point] = [(n * 1_000, start + slope * n) for n in range(20)]
    for number, value in wild:
        points[number] = (number * 1_000, value)
    line = fit(points)
    assert line is not None
    # A quarter is less than the 29 % that it bears: it stays between the true slopes.
    assert line.slope_low <= line.slope <= line.slope_high
    assert line.slope * 1_000 == pytest.approx(slope, abs=1e-6)


def test_the_range_of_the_slope_holds_the_true_one_as_often_as_it_says() -> None:
    chance = random.Random(5)
    held = 0
    for _ in range(400):
        points = [(n * 1_000, 0.5 * n + chance.gauss(0, 3)) for n in range(16)]
        line = fit(points)
        assert line is not None
        held += line.slope_low <= 0.0005 <= line.slope_high
    assert 0.93 <= held / 400 <= 1.0


def test_noise_alone_is_seldom_certain_of_its_direction() -> None:
    chance = random.Random(6)
    lines = [
        fit([(n * 1_000, chance.gauss(90, 2)) for n in range(16)]) for _ in range(400)
    ]
    assert sum(line is not None and line.is_certain for line in lines) < 400 * 0.08


@pytest.mark.parametrize("points", [[], [(0, 1.0)], [(5, 1.0)] * 4])
def test_without_two_times_there_is_no_line(points: list[Point]) -> None:
    assert fit(points) is None


# Windows -------------------------------------------------------------------------------


def test_a_window_holds_medians_of_its_span_and_nothing_older() -> None:
    window = window_of(lambda minute: minute, 30)
    times = [at_ms for at_ms, _ in window.points]
    assert len(times) == 20
    assert times[0] == 20 * MINUTE_MS + 15_000
    assert window.points[-1][1] == pytest.approx(30 - 0.25, abs=0.1)


def test_a_window_begins_anew_after_a_gap() -> None:
    window = window_of(lambda _: 97, 10)
    assert len(window.points) == 20
    window = add(window, 10 * MINUTE_MS + 60_001, 90, TEN_MINUTES)
    assert (window.points, window.values) == ((), [90])


def test_values_that_come_too_soon_or_too_late_change_nothing() -> None:
    window = window_of(lambda _: 97, 5)
    kept = copy.deepcopy(window)
    assert add(window, 5 * MINUTE_MS + 4_999, 1, TEN_MINUTES) == kept
    assert add(window, MINUTE_MS, 1, TEN_MINUTES) == kept
    assert add(window, 5 * MINUTE_MS + 5_000, 1, TEN_MINUTES) != kept


def test_each_value_of_an_episodic_vital_is_a_point() -> None:
    shape = Shape(2 * HOUR_MS, 0, 0, HOUR_MS)
    window = Window()
    for number in range(40):
        window = add(window, number * 300_000, 37.0, shape)
    assert len(window.points) == 25


@given(st.integers(0, 10**6), st.integers(1, 400))
def test_where_a_window_begins_does_not_change_its_points(
    start: int, count: int
) -> None:
    """Buckets are those of the clock, so that a restart finds the same ones."""
    chance = random.Random(start)
    values = [(start + n * 5_000, chance.random()) for n in range(count)]
    window = Window()
    for at_ms, value in values:
        window = add(window, at_ms, value, TEN_MINUTES)
    for at_ms, middle in window.points:
        inside = [v for t, v in values if t // 30_000 == at_ms // 30_000]
        assert middle == statistics.median(inside)


# Changes -------------------------------------------------------------------------------


def fallen(value: Callable[[float], float], minutes: float = 10.5) -> float:
    window = window_of(value, minutes)
    return fall(window.points, TEN_MINUTES.span_ms, 4).by


def test_a_steady_fall_of_four_points_in_ten_minutes_is_four_points() -> None:
    assert fallen(lambda minute: 98 - 0.4 * minute) == pytest.approx(-4, abs=0.05)


def test_a_step_counts_once_it_has_lasted_two_buckets() -> None:
    assert fallen(lambda minute: 97 if minute < 6 else 92, 6.6) == 0
    assert fallen(lambda minute: 97 if minute < 6 else 92, 7.1) == -5


def test_a_dip_that_is_over_is_no_fall() -> None:
    assert fallen(lambda minute: 85 if 5 < minute < 5.5 else 97) == 0


def test_noise_is_no_fall() -> None:
    chance = random.Random(7)
    falls = [fallen(lambda _: round(chance.gauss(95, 1.2))) for _ in range(100)]
    assert min(falls) > -3


def test_a_rise_is_seen_as_a_share_of_where_it_began() -> None:
    hour = Shape(HOUR_MS, 150_000, 5_000, MINUTE_MS)
    window = window_of(lambda minute: 66 + 22 * minute / 60, 63, hour)
    change = rise(window.points, HOUR_MS, 15)
    assert change.share == pytest.approx(1 / 3, abs=0.02)


def test_a_short_window_knows_no_steady_change() -> None:
    # Four points in four minutes are known as a step of levels, never extrapolated.
    assert fallen(lambda minute: 98 - minute, 4.1) >= -3


# Time to limit -------------------------------------------------------------------------


def test_the_time_to_a_limit_is_that_of_the_line() -> None:
    window = window_of(lambda minute: 98 - 0.4 * minute, 10.5)
    line = fit(window.points)
    assert line is not None
    found = time_to_limit(line, 91, line.at_ms)
    assert found is not None
    way = line.level - 91
    assert found.about_ms == pytest.approx(way / 0.4 * MINUTE_MS, rel=0.02)
    assert found.earliest_ms <= found.about_ms <= found.latest_ms


def test_the_time_runs_down_while_nothing_new_comes() -> None:
    line = fit([(n * MINUTE_MS, 98 - 0.4 * n) for n in range(16)])
    assert line is not None
    now = time_to_limit(line, 90, line.at_ms)
    later = time_to_limit(line, 90, line.at_ms + 3 * MINUTE_MS)
    assert now is not None
    assert later is not None
    assert now.about_ms - later.about_ms == pytest.approx(3 * MINUTE_MS)


def test_nobody_looks_farther_ahead_than_behind() -> None:
    line = fit([(n * MINUTE_MS, 98 - 0.1 * n) for n in range(11)])
    assert line is not None
    assert time_to_limit(line, 96.5, line.at_ms) is not None
    assert time_to_limit(line, 90, line.at_ms) is None


def test_no_time_is_told_away_from_the_limit_or_without_a_direction() -> None:
    rising = fit([(n * MINUTE_MS, 90 + 0.4 * n) for n in range(11)])
    level = fit([(n * MINUTE_MS, 95 + (-1) ** n) for n in range(11)])
    assert rising is not None
    assert level is not None
    assert time_to_limit(rising, 90, rising.at_ms) is None
    assert time_to_limit(level, 94, level.at_ms) is None


def test_the_time_is_told_with_its_range() -> None:
    chance = random.Random(1)
    noisy = [(n * MINUTE_MS, 98 - 0.4 * n + chance.gauss(0, 0.3)) for n in range(16)]
    line = fit(noisy)
    assert line is not None
    text = str(time_to_limit(line, 89, line.at_ms))
    about, earliest, latest = (
        int(word)
        for word in text.replace("(", "").replace(")", "").split()
        if word.isdigit()
    )
    assert earliest < about < latest, text


# Against the last three, day against night ----------------------------------------------


def test_a_pressure_stands_against_the_median_of_the_last_three() -> None:
    last = Last()
    for hour, systolic in enumerate((120, 200, 124)):
        last = measure(last, hour * HOUR_MS, systolic, gap_ms=3 * HOUR_MS)
        assert last.share == 0
    last = measure(last, 3 * HOUR_MS, 93, gap_ms=3 * HOUR_MS)
    assert last.usual == 124
    assert last.share == pytest.approx(-0.25)


def test_the_last_three_begin_anew_after_a_gap() -> None:
    last = Last((120, 121, 122), 123, 0)
    assert measure(last, 3 * HOUR_MS + 1, 60, gap_ms=3 * HOUR_MS).usual is None


def day(awake: float, asleep: float) -> tuple[Hour, ...]:
    hours: tuple[Hour, ...] = ()
    for hour in range(24):
        is_night = hour < 8
        value = asleep if is_night else awake
        hours = note(hours, hour * HOUR_MS, value, asleep=is_night)
    return hours


@pytest.mark.parametrize(
    ("asleep", "dipping"),
    [
        (95, "extreme"),
        (96, "extreme"),
        (97, "dipping"),
        (108, "dipping"),
        (109, "non_dipping"),
        (120, "non_dipping"),
        (121, "reverse"),
    ],
)
def test_dipping_has_its_classes(asleep: float, dipping: str) -> None:
    found = compare(day(120, asleep), awake_at_least=10, asleep_at_least=4)
    assert found is not None
    assert found.dipping == dipping


def test_too_few_values_asleep_compare_with_nothing() -> None:
    assert compare(day(120, 110), awake_at_least=10, asleep_at_least=9) is None


def test_values_older_than_a_day_are_gone() -> None:
    hours = note(day(120, 110), 30 * HOUR_MS, 120, asleep=False)
    assert [hours[0].hour, len(hours)] == [7, 18]
    assert math.isclose(sum(h.asleep for h in hours), 110)
