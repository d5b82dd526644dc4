"""The National Early Warning Score 2, with both scales of saturation.

Source: Royal College of Physicians, National Early Warning Score (NEWS) 2, London 2017:
chart 1 (the table) and chart 4 (the response). For people of 16 years or more, and not in
pregnancy, says the same report. Scale 2 is for confirmed hypercapnic respiratory failure,
by decision of a clinician; without one, scale 1 applies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from monitorme_analysis.scores.bands import Bands
from monitorme_analysis.scores.score import NOT_GIVEN, Part, Score, number_part

Consciousness = Literal["A", "C", "V", "P", "U"]
"""Alert, newly Confused, responds to Voice, to Pain, Unresponsive."""
CONSCIOUSNESS: Final = get_args(Consciousness)
Scale = Literal[1, 2]

MINIMUM_AGE_YEARS: Final = 16

RESPIRATORY_RATE: Final = "respiratory rate"
SATURATION: Final = "saturation"
OXYGEN: Final = "oxygen"
SYSTOLIC: Final = "systolic pressure"
HEART_RATE: Final = "heart rate"
CONSCIOUS: Final = "consciousness"
TEMPERATURE: Final = "temperature"

_RATE = Bands((8, 11, 20, 24), (3, 1, 0, 2, 3))
_SCALE_1 = Bands((91, 93, 95), (3, 2, 1, 0))
_SCALE_2_ON_AIR = Bands((83, 85, 87), (3, 2, 1, 0))
_SCALE_2_ON_OXYGEN = Bands((83, 85, 87, 92, 94, 96), (3, 2, 1, 0, 1, 2, 3))
_PRESSURE = Bands((90, 100, 110, 219), (3, 2, 1, 0, 3))
_PULSE = Bands((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3))
_DEGREES = Bands((35.0, 36.0, 38.0, 39.0), (3, 1, 0, 1, 2), step=0.1)
_OXYGEN_POINTS: Final = 2
_NOT_ALERT_POINTS: Final = 3
RED: Final = 3
"""Points of one part that call for a response by themselves."""


@dataclass(frozen=True, slots=True)
class News2Inputs:
    """What NEWS2 is made of; None is what is not known."""

    respiratory_rate: float | None = None
    """Breaths a minute."""
    saturation_percent: float | None = None
    """Oxygen saturation."""
    scale: Scale = 1
    """The scale that its points come from."""
    oxygen: bool | None = None
    """Whether the patient breathes extra oxygen."""
    systolic_mmhg: float | None = None
    """Systolic blood pressure."""
    heart_rate: float | None = None
    """Beats a minute."""
    consciousness: Consciousness | None = None
    """As staff see it."""
    temperature_cel: float | None = None
    """Body temperature."""


def news2(inputs: News2Inputs, absent: Mapping[str, str] | None = None) -> Score:
    """Return the score; `absent` says, by part, why an input is not known."""
    why = absent or {}
    parts = (
        number_part(RESPIRATORY_RATE, inputs.respiratory_rate, _RATE, why),
        _saturation(inputs, why),
        _oxygen(inputs.oxygen, why),
        number_part(SYSTOLIC, inputs.systolic_mmhg, _PRESSURE, why),
        number_part(HEART_RATE, inputs.heart_rate, _PULSE, why),
        _conscious(inputs.consciousness, why),
        number_part(TEMPERATURE, inputs.temperature_cel, _DEGREES, why),
    )
    return Score("NEWS2", parts)


def has_red_part(score: Score) -> bool:
    """Say whether one part alone gives 3 points, the chart's red score."""
    return any(part.low >= RED for part in score.parts)


def _saturation(inputs: News2Inputs, why: Mapping[str, str]) -> Part:
    value = inputs.saturation_percent
    if inputs.scale == 1:
        return number_part(SATURATION, value, _SCALE_1, why)
    if inputs.oxygen is not None or value is None:
        bands = _SCALE_2_ON_AIR if inputs.oxygen is False else _SCALE_2_ON_OXYGEN
        return number_part(SATURATION, value, bands, why)
    # Above 92 the points depend on oxygen; that is what is missing, not the value.
    on_air = _SCALE_2_ON_AIR.points_of(value)
    on_oxygen = _SCALE_2_ON_OXYGEN.points_of(value)
    return Part(SATURATION, on_air, on_oxygen)


def _oxygen(oxygen: bool | None, why: Mapping[str, str]) -> Part:
    if oxygen is None:
        return Part(OXYGEN, 0, _OXYGEN_POINTS, why.get(OXYGEN, NOT_GIVEN))
    points = _OXYGEN_POINTS if oxygen else 0
    return Part(OXYGEN, points, points)


def _conscious(level: Consciousness | None, why: Mapping[str, str]) -> Part:
    if level is None:
        return Part(CONSCIOUS, 0, _NOT_ALERT_POINTS, why.get(CONSCIOUS, NOT_GIVEN))
    points = 0 if level == "A" else _NOT_ALERT_POINTS
    return Part(CONSCIOUS, points, points)
