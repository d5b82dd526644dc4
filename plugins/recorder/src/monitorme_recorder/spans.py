"""Runs of whole numbers."""

from typing import NamedTuple


class Span(NamedTuple):
    """All whole numbers from `first` to `last`."""

    first: int
    last: int
