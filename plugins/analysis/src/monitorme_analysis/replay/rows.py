"""Recorded readings as rows: what every source of a replay gives.

A CSV file has the columns time_ms, bed, vital, value and quality (and, if it likes,
reason), in any order. Lines that make no sense are named and left out; a value that a
monitor writes where it has none is kept as a reading without a value.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, repeat
from pathlib import Path
from sys import intern
from typing import Final

import msgspec

from monitorme.contract.payloads import MAX_INT
from monitorme.contract.readings import ReadingValue
from monitorme.contract.vitals import Catalogue
from monitorme.errors import MonitorMeError
from monitorme_analysis.replay.cells import Cells

COLUMNS: Final = ("time_ms", "bed", "vital", "value")
AT_ONCE: Final = 500
"""So many lines are read together, unless one of them makes no sense."""

Refuse = Callable[[str], None]
"""Takes a sentence that says where a line is and what is wrong with it."""


class RecordingError(MonitorMeError):
    """A recording cannot be read; the text names it and says what to do."""

    exit_code = 2


class Row(msgspec.Struct, frozen=True, gc=False):
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
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            lines = csv.reader(file)
            header = [name.strip() for name in next(lines, [])]
            reader = _Reader(header, path, catalogue)
            yield from reader.rows(file, lines.line_num, refuse)
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
        self._path, self._cells = path, Cells(catalogue)
        self._columns = [
            header.index(name) if name in header else None
            for name in (*COLUMNS, "quality", "reason")
        ]
        self._width = 1 + max(header.index(name) for name in COLUMNS)
        self._last = max(column or 0 for column in self._columns)

    def rows(self, file: Iterator[str], line: int, refuse: Refuse) -> Iterator[Row]:
        """Yield a row a line, and give what is wrong with the others to `refuse`.

        `line` says how many lines were read before.
        """
        while some := list(islice(file, AT_ONCE)):
            if '"' in "".join(some):
                # What is quoted may go on in the next line: csv has to see them all.
                yield from self._one_by_one(chain(some, file), line, refuse)
                return
            try:
                rows = self._at_once(some)
            except ValueError:
                rows = self._one_by_one(some, line, refuse)
            yield from rows
            line += len(some)

    def _at_once(self, lines: list[str]) -> Iterator[Row]:
        """Return the rows of lines that all make sense, without a step for each.

        Raises ValueError where one does not. Without quotes, commas are all there is.
        """
        (commas,) = set(map(str.count, lines, repeat(",")))
        if commas < self._last:
            raise ValueError("cells are missing")
        cells = "".join(lines).removesuffix("\n").replace("\n", ",").split(",")
        time, bed, *named = (
            repeat("") if column is None else cells[column :: commas + 1]
            for column in self._columns
        )
        at_ms, beds = list(map(int, time)), list(map(intern, bed))
        if min(at_ms) < 0 or max(at_ms) > MAX_INT or "" in beds:
            raise ValueError("a time or a bed is none")
        said = list(map(self._cells.__getitem__, zip(*named, strict=False)))
        return map(Row, at_ms, beds, *zip(*said, strict=True))

    def _one_by_one(
        self, lines: Iterable[str], line: int, refuse: Refuse
    ) -> Iterator[Row]:
        """Yield a row for each line that makes sense."""
        reader = csv.reader(lines)
        while True:
            try:
                for cells in reader:
                    if cells:
                        yield self._row(cells)
                return
            except (ValueError, csv.Error) as error:
                refuse(f"{self._path}, line {line + reader.line_num}: {error}")

    def _row(self, cells: list[str]) -> Row:
        if len(cells) < self._width:
            raise ValueError(f"{len(cells)} cells, not {self._width}")
        time, bed, name, cell, quality, reason = (
            "" if column is None or column >= len(cells) else cells[column]
            for column in self._columns
        )
        at_ms = _time(time)
        if not bed:
            raise ValueError("the bed is not named")
        return Row(at_ms, bed, *self._cells[name, cell, quality, reason])


def _time(cell: str) -> int:
    try:
        at_ms = int(cell)
    except ValueError:
        raise ValueError(f"time_ms {cell[:40]!r} is no whole number") from None
    if not 0 <= at_ms <= MAX_INT:
        raise ValueError(f"time_ms {cell[:40]} is no time since the epoch")
    return at_ms
