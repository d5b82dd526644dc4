"""Runs of whole numbers."""

from collections.abc import Iterable
from typing import NamedTuple


class Span(NamedTuple):
    """All whole numbers from `first` to `last`."""

    first: int
    last: int


def spans_of(numbers: Iterable[int]) -> list[Span]:
    """Return the numbers as runs, in order."""
    spans: list[Span] = []
    for number in sorted(numbers):
        if spans and number == spans[-1].last + 1:
            spans[-1] = Span(spans[-1].first, number)
        else:
            spans.append(Span(number, number))
    return spans
