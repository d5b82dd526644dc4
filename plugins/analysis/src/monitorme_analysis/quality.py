"""What is wrong with one reading: no value, a doubtful one, one in another unit."""

from typing import Final, NamedTuple

from monitorme.contract.readings import Lead, ReadingValue
from monitorme.contract.vitals import Vital
from monitorme_analysis.rule import Observed
from monitorme_analysis.units import Suspicion, suspect

Numbers = float | dict[str, float]

_REASONS: Final = {
    "lead_off": "lead off",
    "probe_off": "probe off",
    "no_signal": "no signal",
    "out_of_range": "impossible value",
    "demo": "demonstration mode",
    "low_perfusion": "low perfusion",
}
_TOLD_ELSEWHERE: Final = {None, "clock_ahead"}


class Wrong(NamedTuple):
    """What is wrong, and whether nothing is measured."""

    code: str
    text: str
    is_blind: bool


def wrong_with(
    observed: Observed, entry: Vital, believed: Numbers | None
) -> Wrong | None:
    """Return what is wrong with a reading; None where all is well.

    `believed` is the vital's newest value that did not look like one in another unit.
    """
    vital, reason = observed.vital, observed.reason
    if reason in (None, "out_of_range"):
        found = _suspicion(observed.sent, entry, believed)
        if found is not None:
            sent, suspicion = found
            text = (
                f"{entry.label} {sent:g}: in {suspicion.unit}? That would be "
                f"{suspicion.converted:.{entry.decimals}f} {entry.unit}"
            )
            return Wrong(f"{vital}_unit_suspect", text, observed.value is None)
    words = _REASONS.get(reason or "", (reason or "invalid").replace("_", " "))
    if observed.value is None:
        return Wrong(f"{vital}_invalid", f"{entry.label}: {words}", True)
    if observed.quality == "questionable" and reason not in _TOLD_ELSEWHERE:
        return Wrong(f"{vital}_doubtful", f"{entry.label}: {words}", reason == "demo")
    return None


def _suspicion(
    sent: ReadingValue, entry: Vital, believed: Numbers | None
) -> tuple[float, Suspicion] | None:
    """Return the first number that looks like one of another unit."""
    numbers = numbers_of(sent)
    if isinstance(numbers, float):
        before = believed if isinstance(believed, float) else None
        found = suspect(numbers, entry, before)
        return (numbers, found) if found else None
    parts = believed if isinstance(believed, dict) else {}
    for name, number in (numbers or {}).items():
        found = suspect(number, entry, parts.get(name))
        if found:
            return number, found
    return None


def numbers_of(value: ReadingValue) -> Numbers | None:
    """Return the number or numbers of a value, but no samples."""
    if isinstance(value, float):
        return value
    if isinstance(value, dict):
        return {
            name: part for name, part in value.items() if not isinstance(part, Lead)
        } or None
    return None
