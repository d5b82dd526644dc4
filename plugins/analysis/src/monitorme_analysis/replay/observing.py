"""Rows as the rules see them: judged as readings that came when they were taken."""

from collections.abc import Iterator
from math import inf
from typing import Final

from monitorme.contract.readings import Lead, Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue, Vital
from monitorme_analysis.replay.rows import Row
from monitorme_analysis.rule import Observed

_DEVICE: Final = "recording"


def observed(rows: list[Row], catalogue: Catalogue) -> Iterator[Observed]:
    """Yield what the rules see of a bed; components of one time make one value."""
    bounds = {name: entry.plausible or (-inf, inf) for name, entry in catalogue.items()}
    together: list[Row] = []
    last = len(rows) - 1
    for number, row in enumerate(rows):
        at_ms, vital, value = row.at_ms, row.vital, row.value
        quality, reason = row.quality, row.reason
        if row.component:
            together.append(row)
            if number < last and _belongs(row, rows[number + 1]):
                continue
            value, quality, reason = _composite(together, catalogue[vital])
            together = []
        elif isinstance(value, float):
            low, high = bounds[vital]
            if not low <= value <= high:
                value, quality, reason = None, "invalid", "out_of_range"
        elif value is not None:
            value, quality, reason = _judged(row, catalogue[vital])
        yield Observed(
            vital,
            at_ms,
            at_ms,
            value,
            quality,  # type: ignore[arg-type]  # one of cells.QUALITIES
            reason,
            _DEVICE,
            _DEVICE,
            1,
            row.value,
        )


def _judged(row: Row, entry: Vital) -> tuple[ReadingValue, str, str | None]:
    """Return a state, an object or a block, judged as the live service would."""
    reading = Reading(
        _DEVICE,
        _DEVICE,
        1,
        row.at_ms,
        row.value,
        row.quality,  # type: ignore[arg-type]  # one of cells.QUALITIES
        row.reason,
    )
    judged = judge(reading, entry, row.at_ms)
    return judged.value, judged.quality, judged.reason


def _composite(
    together: list[Row], entry: Vital
) -> tuple[ReadingValue, str, str | None]:
    """Return value, quality and reason; what is impossible does not spoil the rest."""
    numbers = [row for row in together if isinstance(row.value, float)]
    parts: dict[str, float | Lead] = {
        row.component: row.value
        for row in numbers
        if isinstance(row.value, float) and entry.is_plausible(row.value)
    }
    if parts:
        doubt = any(row.quality == "questionable" for row in numbers)
        return parts, "questionable" if doubt else "good", None
    return None, "invalid", "out_of_range" if numbers else together[-1].reason


def _belongs(row: Row, following: Row) -> bool:
    return (
        bool(following.component)
        and following.vital == row.vital
        and following.at_ms == row.at_ms
        and following.component != row.component
    )
