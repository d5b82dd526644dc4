"""Adding numbers up by the buckets of a grid."""

from bisect import bisect_left

from monitorme_recorder.history.parts import Points
from monitorme_recorder.history_store import Bucket, Grid, Period
from monitorme_recorder.records import RollUp


class Sums:
    """Count, lowest, highest and sum of each bucket of a grid within a period."""

    def __init__(self, grid: Grid, period: Period) -> None:
        self._grid = grid
        self._period = period
        self._sums: dict[int, tuple[int, float, float, float]] = {}

    def takes_whole(self, first_ms: int, last_ms: int) -> bool:
        """Say whether all between two times falls into one bucket and the period."""
        period, index = self._period, self._grid.bucket_of
        inside = period.from_ms <= first_ms and last_ms < period.to_ms
        return inside and index(first_ms) == index(last_ms)

    def add_whole(self, first_ms: int, numbers: RollUp) -> None:
        """Add what `takes_whole` has allowed."""
        self._add(self._grid.bucket_of(first_ms), *numbers)

    def add_points(self, points: Points) -> None:
        """Add points, in order of time, each to its bucket."""
        times, values = points
        at = bisect_left(times, self._period.from_ms)
        end = bisect_left(times, self._period.to_ms)
        while at < end:
            index = self._grid.bucket_of(times[at])
            next_at = bisect_left(times, self._grid.start_ms(index + 1), at, end)
            part = values[at:next_at]
            self._add(index, len(part), min(part), max(part), sum(part))
            at = next_at

    def buckets(self) -> list[Bucket]:
        """Return the buckets that have numbers, in order."""
        start_ms = self._grid.start_ms
        return [
            Bucket(
                start_ms(index), start_ms(index + 1), count, low, high, total / count
            )
            for index, (count, low, high, total) in sorted(self._sums.items())
        ]

    def _add(
        self, index: int, count: int, low: float, high: float, total: float
    ) -> None:
        known = self._sums.get(index)
        if known is not None:
            count, low = count + known[0], min(low, known[1])
            high, total = max(high, known[2]), total + known[3]
        self._sums[index] = (count, low, high, total)


def joined(first: list[Bucket], second: list[Bucket]) -> list[Bucket]:
    """Return the buckets of two answers on one grid, for periods that do not overlap."""
    found: dict[int, Bucket] = {}
    for one in (*first, *second):
        known = found.get(one.start_ms)
        found[one.start_ms] = one if known is None else _both(known, one)
    return [found[start_ms] for start_ms in sorted(found)]


def _both(one: Bucket, other: Bucket) -> Bucket:
    numbers = one.numbers + other.numbers
    total = one.mean * one.numbers + other.mean * other.numbers
    return one._replace(
        numbers=numbers,
        low=min(one.low, other.low),
        high=max(one.high, other.high),
        mean=total / numbers,
    )
