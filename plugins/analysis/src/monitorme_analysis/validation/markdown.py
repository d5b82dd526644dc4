"""Tables of figures, and sentences around them, as Markdown."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

WIDTH: Final = 92


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; its first column is text, the others are numbers."""
    lines = [_line(header), _line(["---", *["---:"] * (len(header) - 1)])]
    lines += [_line([_cell(cell) for cell in row]) for row in rows]
    return "\n".join(lines)


def paragraph(text: str) -> str:
    """Return text in lines of the documents' width, whatever its figures made of them."""
    words = " ".join(text.split())
    return textwrap.fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)
