"""Alarms of intensive care that were true or false: PhysioNet/CinC Challenge 2015.

The monitor's alarm came at 300 s; what it was about lies in the seconds before. Ours is
counted where a condition of its type was true in the last 16 s before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme_analysis.recording.conditions import conditions_of
from monitorme_analysis.recording.wfdb_record import read_record

ALARM_MS: Final = 300_000
BEFORE_MS: Final = 16_000
CODES: Final = {
    "Asystole": "ecg_asystole",
    "Bradycardia": "ecg_extreme_bradycardia",
    "Tachycardia": "ecg_extreme_tachycardia",
    "Ventricular_Flutter_Fib": "ecg_ventricular_fibrillation",
    "Ventricular_Tachycardia": "ecg_ventricular_tachycardia",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the monitor, and whether we would have given it."""

    record: str
    type: str
    is_true: bool
    is_found: bool


def alarms(folder: Path) -> Iterator[Alarm]:
    """Yield the alarms that a folder lists."""
    for line in (folder / "ALARMS").read_text(encoding="utf-8").split():
        name, kind, is_true = line.split(",")
        yield Alarm(name, kind, is_true == "1", _is_found(folder / name, CODES[kind]))


def score(judged: list[Alarm]) -> float:
    """Return the challenge's score: a missed alarm counts as five false ones."""
    hits = sum(one.is_true == one.is_found for one in judged)
    false = sum(one.is_found and not one.is_true for one in judged)
    missed = sum(one.is_true and not one.is_found for one in judged)
    return 100 * hits / (hits + false + 5 * missed)


def _is_found(record: Path, code: str) -> bool:
    return any(
        spell.code == code
        and spell.from_ms <= ALARM_MS
        and (spell.to_ms is None or spell.to_ms >= ALARM_MS - BEFORE_MS)
        for spell in conditions_of(read_record(record))
    )
