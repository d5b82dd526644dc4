"""What the chart asks for at a NEWS2 score.

Source: Royal College of Physicians, NEWS2, London 2017, chart 4; the times to assessment
are those of the report's text.
"""

from dataclasses import dataclass
from typing import Final

from monitorme.contract.payloads import Priority
from monitorme_analysis.scores.news2 import has_red_part
from monitorme_analysis.scores.score import Score

URGENT: Final = 5
"""From here on the chart asks for an urgent response."""
EMERGENCY: Final = 7
"""From here on it asks for an emergency response."""


@dataclass(frozen=True, slots=True)
class Response:
    """How often to observe, and what staff do."""

    name: str
    """What the chart calls it."""
    observe: str
    """How often vital signs are taken, at the least."""
    action: str
    """What staff do."""
    within: str
    """In a few words, for an alarm."""
    priority: Priority | None
    """How an alarm of it is told; None where it is none."""


ROUTINE = Response(
    "routine",
    "every 12 h",
    "continue routine observation",
    "observe",
    None,
)
LOW = Response(
    "low",
    "every 4 to 6 h",
    "a registered nurse assesses and decides on the frequency and on escalation",
    "a nurse assesses",
    None,
)
SINGLE_RED = Response(
    "urgent on the ward",
    "every hour",
    "the nurse informs the medical team, who review and decide on escalation",
    "inform the medical team",
    Priority.MEDIUM,
)
URGENT_RESPONSE = Response(
    "urgent",
    "every hour",
    "inform the medical team at once; urgent assessment within 1 h by a clinician "
    "competent in acute illness; care with monitoring",
    "urgent assessment within 1 h",
    Priority.MEDIUM,
)
EMERGENCY_RESPONSE = Response(
    "emergency",
    "continuously",
    "inform the medical team, a registrar at least, at once; emergency assessment "
    "within 30 min by a team with critical care and airway skills; consider level 2 or "
    "3 care",
    "emergency assessment within 30 min",
    Priority.HIGH,
)


def response(score: Score) -> Response:
    """Return the response to a score; to an incomplete one, that of the least it can be.

    What is missing can only raise a score, so this never asks for too much.
    """
    if score.low >= EMERGENCY:
        return EMERGENCY_RESPONSE
    if score.low >= URGENT:
        return URGENT_RESPONSE
    if has_red_part(score):
        return SINGLE_RED
    return LOW if score.low > 0 else ROUTINE
