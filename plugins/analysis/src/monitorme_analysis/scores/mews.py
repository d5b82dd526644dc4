"""The Modified Early Warning Score.

Source: Subbe, Kruger, Rutherford and Gemmel 2001, "Validation of a modified Early Warning
Score in medical admissions" (QJM 94:521-526), for adults; 5 or more goes with death and
with admission to intensive care. Where the printed bands leave a gap (a heart rate of 40,
a systolic pressure of 200), the value counts with the worse of its neighbours. The table
knows no new confusion: it counts as "responds to voice", which is the least that it is.
"""

from collections.abc import Mapping
from typing import Final

from monitorme_analysis.scores.bands import Bands
from monitorme_analysis.scores.news2 import (
    CONSCIOUS,
    HEART_RATE,
    RESPIRATORY_RATE,
    SYSTOLIC,
    TEMPERATURE,
    News2Inputs,
)
from monitorme_analysis.scores.score import NOT_GIVEN, Part, Score, number_part

WORRYING: Final = 5
"""From here on the study found more deaths and more intensive care."""

_PRESSURE = Bands((70, 80, 100, 199), (3, 2, 1, 0, 2))
_PULSE = Bands((40, 50, 100, 110, 129), (2, 1, 0, 1, 2, 3))
_RATE = Bands((8, 14, 20, 29), (2, 0, 1, 2, 3))
_DEGREES = Bands((34.9, 38.4), (2, 0, 2), step=0.1)
_LEVELS: Final = {"A": 0, "C": 1, "V": 1, "P": 2, "U": 3}


def mews(inputs: News2Inputs, absent: Mapping[str, str] | None = None) -> Score:
    """Return the score; `absent` says, by part, why an input is not known."""
    why = absent or {}
    level = inputs.consciousness
    if level is None:
        conscious = Part(
            CONSCIOUS, 0, max(_LEVELS.values()), why.get(CONSCIOUS, NOT_GIVEN)
        )
    else:
        conscious = Part(CONSCIOUS, _LEVELS[level], _LEVELS[level])
    parts = (
        number_part(SYSTOLIC, inputs.systolic_mmhg, _PRESSURE, why),
        number_part(HEART_RATE, inputs.heart_rate, _PULSE, why),
        number_part(RESPIRATORY_RATE, inputs.respiratory_rate, _RATE, why),
        number_part(TEMPERATURE, inputs.temperature_cel, _DEGREES, why),
        conscious,
    )
    return Score("MEWS", parts)
