"""Which of several estimates to tell, and whether any."""

from typing import Final, Literal

from monitorme_analysis.respiration.breaths import Breathing
from monitorme_analysis.respiration.monitor import Second

Source = Literal["best", "impedance", "ecg", "pulse", "heart"]

IMPEDANCE_AT_LEAST: Final = 0.2
"""Quality from which breaths in the impedance count."""
HEART_AT_LEAST: Final = 0.4
"""Share in one peak from which what ECG and pulse have in common counts."""
IMPEDANCE_SURE: Final = 0.4
HEART_SURE: Final = 0.5
AGREE_PER_MIN: Final = 3.0


def choose(second: Second, source: Source = "best") -> float | None:
    """Return breaths a minute, or None where nothing is good enough.

    The impedance sees breaths themselves and goes first. Where its breaths are not plain
    and the heart says something else, plainly, the heart has it.
    """
    if source != "best":
        found: Breathing = getattr(second, source)
        return found.per_min if _counts(found, source) else None
    impedance, heart = second.impedance, second.heart
    has_impedance = _counts(impedance, "impedance")
    if not _counts(heart, "heart"):
        return impedance.per_min if has_impedance else None
    if not has_impedance:
        return heart.per_min
    agree = abs(impedance.per_min - heart.per_min) <= AGREE_PER_MIN
    is_plain = impedance.quality >= IMPEDANCE_SURE or heart.quality < HEART_SURE
    return impedance.per_min if agree or is_plain else heart.per_min


def _counts(found: Breathing, source: str) -> bool:
    at_least = IMPEDANCE_AT_LEAST if source == "impedance" else HEART_AT_LEAST
    return found.quality >= at_least
