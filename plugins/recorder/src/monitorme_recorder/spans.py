"""Runs of whole numbers."""

from typing import NamedTuple


class Span(NamedTuple):
    """All whole numbers from `first` to `last`."""

    first: int
    last: int

    def without(self, other: "Span") -> list["Span"]:
        """Return what of it is not in another, in order."""
        parts = (
            Span(self.first, min(self.last, other.first - 1)),
            Span(max(self.first, other.last + 1), self.last),
        )
        return [part for part in parts if part.first <= part.last]
