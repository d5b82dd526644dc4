"""NEWS2 over a table: rows of inputs in, the same rows with points out."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from monitorme.errors import MonitorMeError
from monitorme_analysis.scores.news2 import (
    CONSCIOUSNESS,
    RED,
    Consciousness,
    News2Inputs,
    has_red_part,
    news2,
)
from monitorme_analysis.scores.score import Part, Score, lacking

INPUTS: Final = (
    "rr",
    "spo2",
    "spo2_scale",
    "on_oxygen",
    "sbp",
    "hr",
    "acvpu",
    "temp_c",
)
POINTS: Final = ("s_rr", "s_spo2", "s_o2", "s_sbp", "s_hr", "s_acvpu", "s_temp")
COLUMNS: Final = (*INPUTS, *POINTS, "total", "any_param_3")

_YES: Final = ("true", "1", "yes")
_NO: Final = ("false", "0", "no")

T = TypeVar("T")


class RowError(MonitorMeError):
    """A row makes no sense; the message says which column and what it may hold."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A row with its points."""

    line: int
    """Where it stands in the file; the header is line 1."""
    cells: tuple[str, ...]
    """In the order of `COLUMNS`; empty where it cannot be said."""
    note: str = ""
    """What is missing; empty where nothing is."""


def score_rows(
    rows: Iterable[tuple[int, Mapping[str | None, str | None]]],
    refuse: Callable[[int, str], None],
) -> Iterator[Scored]:
    """Yield each row with its points; `refuse` hears of lines that make no sense."""
    for line, row in rows:
        try:
            yield _score_row(line, row)
        except RowError as error:
            refuse(line, str(error))


def _score_row(line: int, row: Mapping[str | None, str | None]) -> Scored:
    if None in row or None in row.values():
        raise RowError("the row has more or fewer fields than the header")
    given = {name: (row.get(name) or "").strip() for name in INPUTS}
    score = news2(_inputs(given))
    red = has_red_part(score)
    # Not red so far, but an unknown part may be: that cannot be said.
    may_be = any(part.high >= RED for part in score.parts)
    said = "" if may_be and not red else str(int(red))
    cells = (
        *given.values(),
        *(_cell(part) for part in score.parts),
        "" if score.total is None else str(score.total),
        said,
    )
    return Scored(line, cells, _note(score))


def _inputs(given: Mapping[str, str]) -> News2Inputs:
    scale = _optional(given, "spo2_scale", _scale)
    return News2Inputs(
        respiratory_rate=_optional(given, "rr", _number(0, 150)),
        saturation_percent=_optional(given, "spo2", _number(1, 100)),
        scale=2 if scale == 2 else 1,
        oxygen=_optional(given, "on_oxygen", _truth),
        systolic_mmhg=_optional(given, "sbp", _number(10, 330)),
        heart_rate=_optional(given, "hr", _number(0, 350)),
        consciousness=_optional(given, "acvpu", _level),
        temperature_cel=_optional(given, "temp_c", _number(20, 45)),
    )


def _optional(
    given: Mapping[str, str], name: str, parse: Callable[[str], T]
) -> T | None:
    text = given[name]
    if not text:
        return None
    try:
        return parse(text)
    except RowError as error:
        raise RowError(f"{name} is {text!r}; {error}") from None


def _number(low: float, high: float) -> Callable[[str], float]:
    """Return a parser of what is plausible (the catalogue's ranges)."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise RowError(f"write a number from {low:g} to {high:g}")
        return value

    return parse


def _scale(text: str) -> int:
    if text not in ("1", "2"):
        raise RowError("write 1 or 2")
    return int(text)


def _truth(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise RowError("write True or False")


def _level(text: str) -> Consciousness:
    if text.upper() not in CONSCIOUSNESS:
        raise RowError(f"write one of {', '.join(CONSCIOUSNESS)}")
    return cast("Consciousness", text.upper())


def _cell(part: Part) -> str:
    return "" if part.why or part.low != part.high else str(part.low)


def _note(score: Score) -> str:
    if not score.missing:
        return ""
    return f"incomplete, {score.low} to {score.high}: {lacking(score.missing)}"
