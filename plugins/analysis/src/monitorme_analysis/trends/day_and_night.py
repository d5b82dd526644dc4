"""Day against night of one patient: told for a while after the night."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import Field

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme.contract.readings import ReadingValue
from monitorme_analysis.rule import (
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)
from monitorme_analysis.trends.dipping import DayAndNight, Hour, compare, note

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
VITALS: Final = ("heart_rate", "blood_pressure")
SLEEP: Final = "sleep_state"


class DayAndNightSettings(RuleSettings):
    """Settings of day against night."""

    pressures_awake: int = Field(default=10, ge=1, le=200)
    """So many pressures awake within 24 h are needed."""
    pressures_asleep: int = Field(default=4, ge=1, le=200)
    """So many pressures asleep are needed."""
    hours_of_heart_rate: float = Field(default=4.0, ge=0.5, le=12)
    """So much heart rate, awake and asleep, is needed."""
    told_for_h: float = Field(default=2.0, gt=0, le=24)
    """It is told for so long after the end of sleep."""


@dataclass(slots=True)
class Nights:
    """What a bed's values were awake and asleep in the last 24 hours."""

    hours: dict[str, tuple[Hour, ...]] = field(default_factory=dict)
    woke_ms: int | None = None
    """When the patient last woke up, while that is told of."""
    was_asleep: bool = False


class DayAndNightRule(Rule[Nights, DayAndNightSettings]):
    """Heart rate and pressure that do not fall asleep as they do in most people."""

    name = "day_and_night"
    vitals = (*VITALS, SLEEP)
    every_ms = {"heart_rate": MINUTE_MS}  # noqa: RUF012  # as ClassVar in Rule
    elapse_every_ms = MINUTE_MS
    source = (
        "a dip below 10 %: O'Brien et al., Lancet 1988; ESH 2014; of the heart "
        "rate: Ben-Dov et al., Arch. Intern. Med. 2007 (3,957 people)"
    )
    Settings = DayAndNightSettings
    State = Nights

    def begin(self) -> Nights:
        """Return a bed without nights."""
        return Nights()

    def step(
        self, state: Nights, observed: Observed, context: RuleContext
    ) -> tuple[Nights, Findings]:
        """Note a value under awake or asleep; when sleep ends, compare the two."""
        vital, at_ms = observed.vital, observed.at_ms
        if vital == SLEEP:
            return state, self._slept(state, at_ms, context)
        number = _number(observed.value)
        sleep = context.sleep(at_ms)
        if number is None or sleep == "unknown":
            return state, None
        hours = state.hours.get(vital, ())
        state.hours[vital] = note(hours, at_ms, number, asleep=sleep == "asleep")
        return state, None

    def elapse(
        self, state: Nights, now_ms: int, context: RuleContext
    ) -> tuple[Nights, Findings]:
        """Stop telling some hours after the night."""
        told_ms = self.settings.told_for_h * HOUR_MS
        if state.woke_ms is None or now_ms - state.woke_ms < told_ms:
            return state, None
        state.woke_ms = None
        return state, ()

    def _slept(self, state: Nights, at_ms: int, context: RuleContext) -> Findings:
        sleep = context.sleep(at_ms)
        wakes = state.was_asleep and sleep == "awake"
        if sleep != "unknown":
            state.was_asleep = sleep == "asleep"
        if not wakes:
            return None
        found = tuple(
            self._finding(vital, compared, at_ms, context)
            for vital in VITALS
            if (compared := self._compare(state, vital)) is not None
            and compared.dipping in ("non_dipping", "reverse")
        )
        state.woke_ms = at_ms if found else None
        return found

    def _compare(self, state: Nights, vital: str) -> DayAndNight | None:
        hours, settings = state.hours.get(vital, ()), self.settings
        if vital == "blood_pressure":
            awake, asleep = settings.pressures_awake, settings.pressures_asleep
        else:
            awake = asleep = round(settings.hours_of_heart_rate * 60)
        return compare(hours, awake_at_least=awake, asleep_at_least=asleep)

    def _finding(
        self, vital: str, compared: DayAndNight, at_ms: int, context: RuleContext
    ) -> Finding:
        entry = context.catalogue[vital]
        is_pressure = vital == "blood_pressure"
        label = f"{entry.label} sys" if is_pressure else entry.label
        way = "only" if compared.dip >= 0 else "rose"
        percent = abs(round(100 * compared.dip))
        said = f"{percent} % lower asleep" if way == "only" else f"{percent} % asleep"
        return Finding(
            code=f"{vital}_not_dipping",
            kind=ConditionKind.PHYSIOLOGICAL,
            priority=Priority.LOW,
            text=f"{label} {way} {said}: {compared.awake:.0f} awake, "
            f"{compared.asleep:.0f} asleep",
            since_ms=at_ms,
            vital=vital,
            component="systolic" if is_pressure else None,
            value=compared.asleep,
            worst=compared.asleep,
            unit=entry.unit or None,
            caused_by_ms=at_ms,
        )


def _number(value: ReadingValue) -> float | None:
    part = value.get("systolic") if isinstance(value, dict) else value
    return part if isinstance(part, float) else None
