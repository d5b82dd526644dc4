"""What scores are made of at a moment: settled numbers, and what staff entered.

A score is of a patient at rest, not of a half-second: rates and saturation count as the
median of the newest two minutes. Pressure and temperature are measurements by themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final, cast

from monitorme_analysis.rule import Observed, RuleContext
from monitorme_analysis.scores.assessment import Patient
from monitorme_analysis.scores.news2 import (
    CONSCIOUS,
    CONSCIOUSNESS,
    HEART_RATE,
    OXYGEN,
    RESPIRATORY_RATE,
    SATURATION,
    SYSTOLIC,
    TEMPERATURE,
    Consciousness,
    News2Inputs,
)

SETTLING_MS: Final = 120_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000

_NUMBERS: Final = {
    RESPIRATORY_RATE: "respiratory_rate",
    SATURATION: "oxygen_saturation",
    HEART_RATE: "heart_rate",
    TEMPERATURE: "body_temperature",
    SYSTOLIC: "blood_pressure",
}
"""The vital of each input."""
_COMPONENT: Final = "systolic"


@dataclass(slots=True)
class Recent:
    """The values of the newest two minutes, by input; times are those of the readings."""

    samples: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def inputs_of(
    recent: Recent, now_ms: int, context: RuleContext, keep_ms: int
) -> tuple[News2Inputs, dict[str, str]]:
    """Take in the newest values; return the inputs, and why others are not known.

    A value counts until its vital is stale, and `keep_ms` at least.
    """
    values: dict[str, float | None] = {}
    absent: dict[str, str] = {}
    for name, vital in _NUMBERS.items():
        newest = context.latest_valid.get(vital)
        value = None if newest is None else _number(newest)
        if newest is None or value is None:
            values[name], absent[name] = None, "not measured"
            continue
        age_ms = now_ms - newest.counts_from_ms
        if age_ms > max(context.catalogue[vital].stale_after_ms, keep_ms):
            values[name], absent[name] = None, f"{_span(age_ms)} old"
            continue
        is_episodic = context.catalogue[vital].episodic
        values[name] = value if is_episodic else _settled(recent, name, newest, value)
    oxygen = _entered(OXYGEN, context, now_ms, absent)
    level = _entered(CONSCIOUS, context, now_ms, absent)
    scale = context.entry("spo2_scale", now_ms)
    inputs = News2Inputs(
        respiratory_rate=values[RESPIRATORY_RATE],
        saturation_percent=values[SATURATION],
        scale=2 if scale is not None and scale.value == 2 else 1,
        oxygen=oxygen if isinstance(oxygen, bool) else None,
        systolic_mmhg=values[SYSTOLIC],
        heart_rate=values[HEART_RATE],
        consciousness=cast("Consciousness", level) if level in CONSCIOUSNESS else None,
        temperature_cel=values[TEMPERATURE],
    )
    return inputs, absent


def patient_of(context: RuleContext, now_ms: int) -> Patient:
    """Return what is known of the patient."""
    pregnant = context.entry("pregnant", now_ms)
    is_pregnant = pregnant is not None and pregnant.value is True
    return Patient(context.category, context.age_years(now_ms), is_pregnant)


def _settled(recent: Recent, name: str, newest: Observed, value: float) -> float:
    """Return the median of what was seen before the newest reading."""
    samples = recent.samples.setdefault(name, [])
    if not samples or samples[-1][0] < newest.at_ms:
        samples.append((newest.at_ms, value))
    oldest_ms = newest.at_ms - SETTLING_MS
    samples[:] = [one for one in samples if one[0] > oldest_ms]
    return median(one[1] for one in samples) if samples else value


def _number(observed: Observed) -> float | None:
    sent = observed.value
    if isinstance(sent, float):
        return sent
    value = sent.get(_COMPONENT) if isinstance(sent, Mapping) else sent
    return float(value) if isinstance(value, int | float) else None


def _entered(
    name: str, context: RuleContext, now_ms: int, absent: dict[str, str]
) -> bool | float | str | None:
    """Return what staff entered, or say why it does not count."""
    entry = context.entered.get(name)
    if entry is None:
        absent[name] = "not entered"
    elif now_ms >= entry.expires_ms:
        absent[name] = f"entered {_span(now_ms - entry.entered_ms)} ago"
    else:
        return entry.value
    return None


def _span(span_ms: int) -> str:
    if span_ms < 2 * HOUR_MS:
        return f"{span_ms // MINUTE_MS} min"
    return f"{span_ms // HOUR_MS} h"
