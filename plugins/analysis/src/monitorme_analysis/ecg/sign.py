"""What the waveforms of a heart say, before it becomes a condition."""

from dataclasses import dataclass

from monitorme.contract.payloads import ConditionKind, Priority


@dataclass(frozen=True, slots=True)
class Sign:
    """Something that is true now."""

    code: str
    since_ms: int
    text: str
    priority: Priority
    kind: ConditionKind = ConditionKind.PHYSIOLOGICAL
    value: float | None = None
    holds_back: tuple[str, ...] = ()
    """Codes that it makes meaningless."""


def technical(
    code: str, since_ms: int, text: str, *, holds_back: tuple[str, ...] = ()
) -> Sign:
    """Return a sign about the equipment."""
    return Sign(
        code,
        since_ms,
        text,
        Priority.LOW,
        ConditionKind.TECHNICAL,
        holds_back=holds_back,
    )
