"""Recorded readings as rows: what every source of a replay gives.

A CSV file has the columns time_ms, bed, vital, value and quality (and, if it likes,
reason), in any order. Lines that make no sense are named and left out; a value that a
monitor writes where it has none is kept as a reading without a value.
"""

import csv
from collections.abc import Callable, Iterator
from math import inf, isfinite
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from monitorme.contract.payloads import MAX_INT
from monitorme.contract.readings import Lead, ReadingValue, check_kind
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme.errors import ContractError, MonitorMeError

COLUMNS: Final = ("time_ms", "bed", "vital", "value")
QUALITIES: Final = ("good", "questionable", "invalid")
NO_VALUE: Final = "no_value"
"""The reason of a reading whose value a recording does not hold."""
NO_VALUE_WORDS: Final = frozenset(
    {"", "nan", "na", "n/a", "null", "none", "-", "--", "---"}
)
ZERO_IS_NO_VALUE: Final = frozenset({"heart_rate", "respiratory_rate"})
"""Monitors write 0 for these where they have none, and 0 is within what is plausible."""
_DECODER: Final = msgspec.json.Decoder(dict[str, float | Lead])

Refuse = Callable[[str], None]
"""Takes a sentence that says where a line is and what is wrong with it."""


class RecordingError(MonitorMeError):
    """A recording cannot be read; the text names it and says what to do."""

    exit_code = 2


class Row(NamedTuple):
    """One recorded reading of one vital, or of one component of it."""

    at_ms: int
    bed: str
    vital: str
    component: str
    value: ReadingValue
    quality: str
    reason: str | None


def read_csv(path: Path, catalogue: Catalogue, refuse: Refuse) -> Iterator[Row]:
    """Yield the rows of a file; raises RecordingError where it has no such columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            yield from _Reader(header, path, catalogue).rows(lines, refuse)
    except OSError as error:
        raise RecordingError(f"cannot read {path}: {error.strerror}") from error


class _Reader:
    """Reads the lines below one header."""

    def __init__(self, header: list[str], path: Path, catalogue: Catalogue) -> None:
        missing = [name for name in COLUMNS if name not in header]
        if missing:
            raise RecordingError(
                f"{path}: no column {', '.join(missing)}; the first line must name "
                f"{', '.join(COLUMNS)} and quality"
            )
        self._path, self._catalogue = path, catalogue
        cells = [header.index(name) for name in COLUMNS]
        self._four = itemgetter(*cells)
        self._quality = header.index("quality") if "quality" in header else None
        self._reason = header.index("reason") if "reason" in header else None
        self._width = 1 + max(cells)
        self._names: dict[str, tuple[str, str, Vital]] = {}
        self._plain: dict[str, tuple[str, str]] = {}
        """Vitals and components that are numbers, by their name in the file."""

    def rows(self, lines: Any, refuse: Refuse) -> Iterator[Row]:  # noqa: ANN401  # csv's
        """Yield a row a line, and give what is wrong with the others to `refuse`."""
        while True:
            try:
                yield from self._rows(lines)
                return
            except (ValueError, csv.Error) as error:
                refuse(f"{self._path}, line {lines.line_num}: {error}")

    def _rows(self, lines: Any) -> Iterator[Row]:  # noqa: ANN401  # csv's
        """Yield rows up to the first line that makes no sense."""
        four, quality, plain = self._four, self._quality, self._plain
        width = max(self._width, 1 + (quality or 0))
        new = tuple.__new__
        for cells in lines:
            # Nearly all lines are a good number: a look at the rest costs them nothing.
            if len(cells) >= width and (quality is None or cells[quality] == "good"):
                time, bed, name, cell = four(cells)
                if name in plain and bed and time.isdecimal() and cell[:1].isdecimal():
                    number, at_ms = float(cell), int(time)
                    if 0 < number < inf and at_ms <= MAX_INT:
                        vital, component = plain[name]
                        row = at_ms, bed, vital, component, number, "good", None
                        yield new(Row, row)
                        continue
            if cells:
                yield self._row(cells)

    def _row(self, cells: list[str]) -> Row:
        if len(cells) < self._width:
            raise ValueError(f"{len(cells)} cells, not {self._width}")
        time, bed, name, cell = self._four(cells)
        at_ms = _time(time)
        if not bed:
            raise ValueError("the bed is not named")
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = self._named(name.strip())
        vital, component, entry = known
        quality = self._cell(cells, self._quality) or "good"
        if quality not in QUALITIES:
            raise ValueError(f"quality {quality!r} is none of {', '.join(QUALITIES)}")
        value = None
        if quality != "invalid":
            value = value_of(cell, vital, component, entry)
        if value is not None:
            return Row(at_ms, bed, vital, component, value, quality, None)
        reason = self._cell(cells, self._reason) or NO_VALUE
        return Row(at_ms, bed, vital, component, None, "invalid", reason)

    @staticmethod
    def _cell(cells: list[str], number: int | None) -> str:
        if number is None or number >= len(cells):
            return ""
        return cells[number].strip()

    def _named(self, name: str) -> tuple[str, str, Vital]:
        vital, _, component = name.partition(".")
        entry = self._catalogue.get(vital)
        if entry is None:
            raise ValueError(
                f"no vital {name!r}; there are {', '.join(self._catalogue)}"
            )
        if component and component not in entry.components:
            raise ValueError(f"{vital} has no component {component!r}")
        if component or entry.kind is VitalKind.NUMERIC:
            self._plain[name] = vital, component
        return vital, component, entry


def value_of(cell: str, vital: str, component: str, entry: Vital) -> ReadingValue:
    """Return the value in a cell, None where it holds none; raises ValueError."""
    if entry.kind is VitalKind.NUMERIC or component:
        return _number(cell, vital)
    cell = cell.strip()
    if cell.lower() in NO_VALUE_WORDS:
        return None
    value: ReadingValue = cell
    if entry.kind is not VitalKind.STATE:
        try:
            value = _DECODER.decode(cell)
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{vital} needs a JSON object, or a name as {vital}.part: {error}"
            ) from None
    try:
        check_kind(value, entry)
    except ContractError as error:
        raise ValueError(f"{cell[:40]!r}: {error}") from None
    return value


def _number(cell: str, vital: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        if cell.strip().lower() in NO_VALUE_WORDS:
            return None
        raise ValueError(f"{cell[:40]!r} is no number") from None
    if not isfinite(number) or (not number and vital in ZERO_IS_NO_VALUE):
        return None
    return number


def _time(cell: str) -> int:
    try:
        at_ms = int(cell)
    except ValueError:
        raise ValueError(f"time_ms {cell[:40]!r} is no whole number") from None
    if not 0 <= at_ms <= MAX_INT:
        raise ValueError(f"time_ms {cell[:40]} is no time since the epoch")
    return at_ms
