"""NEWS2 against vectors that lie on the boundaries of the chart."""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme_analysis.scores.news2_table import COLUMNS, INPUTS, score_rows
from monitorme_analysis.validation.markdown import paragraph, table

FILE: Final = Path("news2", "news2_vectors.csv")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many vectors there are, and in how many each column agrees."""

    count: int
    agreeing: Counter[str]
    refused: tuple[str, ...]


def compare(path: Path) -> Agreement:
    """Score the inputs of a file of vectors and compare with its points."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(enumerate(csv.DictReader(file), start=2))
    refused: list[str] = []
    inputs = ((line, _only_inputs(row)) for line, row in rows)
    scored = {
        one.line: dict(zip(COLUMNS, one.cells, strict=True))
        for one in score_rows(inputs, lambda n, why: refused.append(f"{n}: {why}"))
    }
    agreeing: Counter[str] = Counter()
    for line, row in rows:
        for name in COLUMNS[len(INPUTS) :]:
            agreeing[name] += scored.get(line, {}).get(name) == row[name]
    return Agreement(len(rows), agreeing, tuple(refused))


def _only_inputs(row: Mapping[str, str]) -> dict[str | None, str | None]:
    return {name: row[name] for name in INPUTS}


def report(data: Path) -> str:
    """Return the section on NEWS2."""
    found = compare(data / FILE)
    columns = COLUMNS[len(INPUTS) :]
    words = paragraph(
        f"{found.count} vectors on the boundaries of the chart, both scales of "
        "saturation, made by another program and checked against the chart of the Royal "
        "College of Physicians (2017). Agreeing, by part, total, and whether one part "
        f"has 3 points; {len(found.refused)} were refused."
    )
    rows = [(name, f"{found.agreeing[name]} of {found.count}") for name in columns]
    return f"## NEWS2\n\n{words}\n\n{table(('column', 'agreeing'), rows)}\n"
