"""The rules of trends, reading by reading, as analysis calls them."""

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from monitorme.contract.payloads import Priority
from monitorme.contract.readings import ReadingValue
from monitorme.contract.vitals import Catalogue
from monitorme.described import described
from monitorme_analysis.limits import default_limits
from monitorme_analysis.rule import Finding, Observed, Rule, RuleContext
from monitorme_analysis.trends.day_and_night import DayAndNightRule, DayAndNightSettings
from monitorme_analysis.trends.heart_rate import (
    RisingHeartRate,
    RisingHeartRateSettings,
)
from monitorme_analysis.trends.nearing import NearingLimit, NearingLimitSettings
from monitorme_analysis.trends.rules import RULES
from monitorme_analysis.trends.saturation import (
    FallingSaturation,
    FallingSaturationSettings,
)
from monitorme_analysis.trends.systolic import (
    SystolicAgainstLast,
    SystolicAgainstLastSettings,
)
from monitorme_analysis.trends.temperature import (
    ClimbingTemperature,
    ClimbingTemperatureSettings,
)

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
CATALOGUE = Catalogue.load()
AnyRule = Rule[Any, Any]
Told = list[tuple[int, tuple[Finding, ...]]]
Values = Iterable[tuple[int, str, ReadingValue]]


class Patient:
    """One bed and one rule; what it tells, each time that it tells anything."""

    def __init__(self, rule: AnyRule) -> None:
        self.rule = rule
        self.state = rule.begin()
        self.latest: dict[str, Observed] = {}
        self.sleep: tuple[str, ...] = ()
        self.told: Told = []
        self.seq = 0

    @property
    def context(self) -> RuleContext:
        return RuleContext(
            catalogue=CATALOGUE,
            limits=default_limits().adult,
            latest=self.latest,
            latest_valid=self.latest,
            sleep_states=self.sleep,
        )

    def take(self, values: Values) -> "Patient":
        for at_ms, vital, value in values:
            self.seq += 1
            observed = Observed(
                vital, at_ms, at_ms, value, "good", None, "d", "b", self.seq, value
            )
            if value is not None:
                self.latest[vital] = observed
            if vital == "sleep_state":
                self.sleep = (*self.sleep[-1:], str(value))
            self._keep(at_ms, *self.rule.step(self.state, observed, self.context))
        return self

    def wait(self, until_ms: int) -> "Patient":
        self._keep(until_ms, *self.rule.elapse(self.state, until_ms, self.context))
        return self

    def _keep(self, at_ms: int, state: Any, findings: Any) -> None:  # noqa: ANN401
        self.state = state
        if findings is not None:
            self.told.append((at_ms, findings))

    @property
    def now(self) -> tuple[Finding, ...]:
        return self.told[-1][1] if self.told else ()

    @property
    def ever(self) -> set[str]:
        return {one.code for _, findings in self.told for one in findings}


def course(
    vital: str, value: Callable[[float], float], minutes: float, every_s: float = 5
) -> Iterator[tuple[int, str, ReadingValue]]:
    for number in range(round(minutes * 60 / every_s) + 1):
        at_s = number * every_s
        yield round(at_s * 1000), vital, float(value(at_s / 60))


def later(
    values: Iterable[tuple[int, str, ReadingValue]], by_ms: int
) -> Iterator[tuple[int, str, ReadingValue]]:
    return ((at_ms + by_ms, vital, value) for at_ms, vital, value in values)


def saturation() -> Patient:
    return Patient(FallingSaturation(FallingSaturationSettings()))


# Saturation ------------------------------------------------------------------------------


def test_a_saturation_that_falls_by_four_in_ten_minutes_is_told_with_when() -> None:
    falling = course("oxygen_saturation", lambda minute: round(98 - 0.4 * minute), 13)
    (found,) = saturation().take(falling).now
    assert found.code == "oxygen_saturation_falling"
    assert found.priority is Priority.MEDIUM
    assert found.text.startswith("SpO2 falling: 97 to 93 within 10 min; about ")
    assert found.text.endswith(" to 89")


@pytest.mark.parametrize("level", [100, 96, 91, 85])
def test_a_steady_saturation_tells_nothing_at_any_level(level: int) -> None:
    chance = random.Random(level)
    steady = course(
        "oxygen_saturation", lambda _: round(level - abs(chance.gauss(0, 1))), 180
    )
    assert saturation().take(steady).ever == set()


def test_a_fall_from_very_well_to_well_is_of_low_priority() -> None:
    falling = course("oxygen_saturation", lambda minute: max(95.1, 100 - minute), 8)
    (found,) = saturation().take(falling).now
    assert found.priority is Priority.LOW


def test_a_fall_ends_when_the_saturation_has_come_back() -> None:
    falling = course("oxygen_saturation", lambda minute: 97 - 0.5 * minute, 10)
    back = course("oxygen_saturation", lambda _: 97, 10)
    patient = saturation().take(falling)
    assert patient.now
    assert patient.take(later(back, 10 * MINUTE_MS + 5_000)).now == ()


def test_nothing_is_told_across_a_gap() -> None:
    before = course("oxygen_saturation", lambda _: 98, 9)
    after = course("oxygen_saturation", lambda _: 91, 9)
    near = saturation().take(before).take(later(after, 9 * MINUTE_MS + 30_000))
    far = saturation().take(before).take(later(after, 11 * MINUTE_MS))
    assert near.ever == {"oxygen_saturation_falling"}
    assert far.ever == set()


def test_what_was_told_ends_when_no_values_come() -> None:
    falling = course("oxygen_saturation", lambda minute: 98 - 0.5 * minute, 10)
    patient = saturation().take(falling)
    assert patient.wait(10 * MINUTE_MS + 59_000).now
    assert patient.wait(10 * MINUTE_MS + 61_000).now == ()


def test_values_without_value_change_nothing() -> None:
    falling = [*course("oxygen_saturation", lambda minute: 98 - 0.5 * minute, 10)]
    holed = [
        (at_ms + 1, vital, None if number % 3 == 0 else value)
        for number, (at_ms, vital, value) in enumerate(falling)
    ]
    assert saturation().take(holed).ever == {"oxygen_saturation_falling"}


# Heart rate ------------------------------------------------------------------------------


def heart() -> Patient:
    return Patient(RisingHeartRate(RisingHeartRateSettings()))


def test_a_heart_rate_that_rises_by_a_third_in_an_hour_is_told() -> None:
    rising = course("heart_rate", lambda minute: 84 + 0.5 * minute, 66, every_s=0.5)
    (found,) = heart().take(rising).now
    assert (found.code, found.priority) == ("heart_rate_rising", Priority.MEDIUM)
    assert found.text.startswith("HR rising: ")


def test_a_heart_rate_that_wanders_by_a_fifth_is_not_told() -> None:
    chance = random.Random(3)
    wandering = course(
        "heart_rate",
        lambda minute: 80 + (8 if minute % 40 < 20 else -4) + chance.gauss(0, 4),
        240,
    )
    assert heart().take(wandering).ever == set()


def test_a_heart_that_is_faster_awake_than_asleep_is_no_trend() -> None:
    def night(wakes: bool) -> Iterator[tuple[int, str, ReadingValue]]:
        for at_ms, vital, value in course(
            "heart_rate", lambda minute: 54 if minute < 90 else 76, 150
        ):
            if at_ms % 120_000 == 0:
                asleep = at_ms < 90 * MINUTE_MS or not wakes
                yield at_ms, "sleep_state", "asleep" if asleep else "awake"
            yield at_ms, vital, value

    assert heart().take(night(wakes=False)).ever == {"heart_rate_rising"}
    assert heart().take(night(wakes=True)).ever == set()


# Temperature and pressure ----------------------------------------------------------------


def test_a_temperature_that_climbs_is_told_before_its_limit() -> None:
    rule = ClimbingTemperature(ClimbingTemperatureSettings())
    rising = course(
        "body_temperature", lambda minute: 37.0 + minute / 100, 130, every_s=300
    )
    patient = Patient(rule).take(rising)
    (found,) = patient.now
    assert found.code == "body_temperature_climbing"
    assert found.value is not None
    assert found.value < 38.5
    assert found.priority is Priority.MEDIUM


def test_one_wrong_temperature_does_not_climb() -> None:
    rule = ClimbingTemperature(ClimbingTemperatureSettings())
    patient = Patient(rule).take(
        course(
            "body_temperature",
            lambda minute: 39.5 if minute == 60 else 36.9,
            240,
            every_s=300,
        )
    )
    assert patient.ever == set()


def pressures(*values: float, every_ms: int = HOUR_MS) -> Values:
    return [
        (number * every_ms, "blood_pressure", {"systolic": float(value)})
        for number, value in enumerate(values)
    ]


def measured(*values: float, every_ms: int = HOUR_MS) -> Patient:
    rule = SystolicAgainstLast(SystolicAgainstLastSettings())
    return Patient(rule).take(pressures(*values, every_ms=every_ms))


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ((140, 138, 142, 112), {"blood_pressure_systolic_drop"}),
        ((140, 138, 142, 113), set()),
        ((110, 112, 108, 143), {"blood_pressure_systolic_jump"}),
        ((140, 112), set()),
        ((140, 60, 142, 138), set()),
    ],
)
def test_a_systolic_pressure_stands_against_the_last_three(
    values: tuple[float, ...], codes: set[str]
) -> None:
    assert measured(*values).ever == codes


def test_a_pressure_told_of_ends_with_the_next_or_when_it_is_stale() -> None:
    assert measured(140, 138, 142, 112, 136).now == ()
    patient = measured(140, 138, 142, 112)
    assert patient.wait(5 * HOUR_MS).now
    assert patient.wait(6 * HOUR_MS + 1).now == ()


def test_a_pressure_by_the_minute_is_set_against_those_before_by_ten() -> None:
    sliding = [120.0] * 40 + [120.0 - 2 * number for number in range(1, 26)]
    patient = measured(*sliding, every_ms=MINUTE_MS)
    assert patient.state.last.earlier == (120, 100, 80)
    assert patient.ever == {"blood_pressure_systolic_drop"}


# Day and night ---------------------------------------------------------------------------


def day_and_night(awake: float, asleep: float) -> Iterator[tuple[int, str, Any]]:
    for minute in range(0, 24 * 60 + 30, 2):
        is_night = 12 * 60 <= minute < 20 * 60
        yield minute * MINUTE_MS, "sleep_state", "asleep" if is_night else "awake"
        rate = asleep / 2 if is_night else awake / 2
        for moment_ms in (1, MINUTE_MS + 1):
            yield minute * MINUTE_MS + moment_ms, "heart_rate", rate
        if minute % 60 == 30:
            systolic = asleep if is_night else awake
            at_ms = (minute + 1) * MINUTE_MS + 2
            yield at_ms, "blood_pressure", {"systolic": systolic}


def nights(awake: float, asleep: float) -> Patient:
    rule = DayAndNightRule(DayAndNightSettings())
    return Patient(rule).take(day_and_night(awake, asleep))


def test_who_does_not_dip_is_told_of_after_the_night() -> None:
    patient = nights(140.0, 134.0)
    ((at_ms, found),) = patient.told
    assert at_ms == 20 * HOUR_MS
    assert {one.code for one in found} == {
        "blood_pressure_not_dipping",
        "heart_rate_not_dipping",
    }
    pressure = next(one for one in found if one.vital == "blood_pressure")
    assert pressure.text == "NBP sys only 4 % lower asleep: 140 awake, 134 asleep"
    assert patient.wait(22 * HOUR_MS - 1).now
    assert patient.wait(22 * HOUR_MS).now == ()


def test_who_dips_is_not_told_of() -> None:
    assert nights(140.0, 120.0).ever == set()


# Nearing a limit -------------------------------------------------------------------------


def nearing(values: Values) -> Patient:
    return Patient(NearingLimit(NearingLimitSettings())).take(values)


def test_the_time_to_a_limit_is_told_with_its_range() -> None:
    chance = random.Random(2)
    falling = course(
        "oxygen_saturation",
        lambda minute: round(98 - 0.3 * minute + chance.gauss(0, 0.5)),
        21,
    )
    (found,) = nearing(falling).now
    assert (found.code, found.limit) == ("oxygen_saturation_nearing_low", 89)
    assert "SpO2 92, falling: about " in found.text
    assert "min (" in found.text


def test_what_is_far_from_any_limit_is_not_told() -> None:
    falling = course("heart_rate", lambda minute: 110 - minute, 25)
    assert nearing(falling).ever == set()


def test_no_time_is_told_once_values_have_stopped() -> None:
    falling = course("oxygen_saturation", lambda minute: 98 - 0.3 * minute, 21)
    patient = nearing(falling)
    assert patient.now
    assert patient.wait(23 * MINUTE_MS + 1_000).now == ()


# All of them -----------------------------------------------------------------------------


def mixed_day(seed: int) -> list[tuple[int, str, ReadingValue]]:
    """Return ten hours of everything: falling, climbing, asleep and awake, with gaps."""
    chance = random.Random(seed)
    values: list[tuple[int, str, ReadingValue]] = []
    for second in range(0, 10 * 3600, 20):
        at_ms, hour = second * 1000, second / 3600
        if 4.0 < hour < 4.2:
            continue
        swing = abs(hour % 3 - 1.5)
        values.append((at_ms, "heart_rate", 60 + 30 * swing + chance.gauss(0, 2)))
        values.append((at_ms + 1, "oxygen_saturation", round(90 + 5 * swing)))
        if second % 120 == 0:
            asleep = "asleep" if hour > 5 else "awake"
            values.append((at_ms + 2, "sleep_state", asleep))
        if second % 300 == 0:
            values.append((at_ms + 3, "body_temperature", 36.5 + swing))
        if second % 3600 == 0:
            values.append((at_ms + 4, "blood_pressure", {"systolic": 90 + 40 * swing}))
    return [
        (at_ms, vital, float(value) if isinstance(value, int) else value)
        for at_ms, vital, value in values
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_state_that_was_written_down_goes_on_as_if_nothing_had_been(
    rule: type[AnyRule],
) -> None:
    """Killed at random places, it tells the same as one that was never stopped."""
    values = [
        one
        for one in mixed_day(1)
        if rule.vitals == ("*",) or one[1] in rule.vitals or one[1] == "sleep_state"
    ]
    whole = Patient(rule(rule.Settings()))
    killed = Patient(rule(rule.Settings()))
    adapter = TypeAdapter(rule.State)
    chance = random.Random(2)
    for value in values:
        whole.take([value])
        killed.take([value])
        if chance.random() < 0.01:
            killed.state = adapter.validate_json(adapter.dump_json(killed.state))
    assert killed.told == whole.told
    assert killed.state == whole.state


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_says_what_it_does_and_where_its_figures_come_from(
    rule: type[AnyRule],
) -> None:
    assert rule.__doc__
    assert rule.__dict__["source"]
    for field in described(rule.Settings).model_fields.values():
        assert field.description
