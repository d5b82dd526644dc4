"""The curve of a numeric vital: times and values alone, packed for buckets.

A bucket's border falls into most chunks, and to load a chunk for it costs ten times as
much as to read the numbers alone. So what is folded is kept a second time, without all
that buckets do not need, in rows of five minutes: 24 h of a stream are 288 rows.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitorme_recorder.records import Kept

PART_MS: Final = 300_000
_HEAD: Final = struct.Struct("<I")

Points = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times in ms and values."""


Number = tuple[int, float]
"""Time in ms and value."""


class CurvePart(NamedTuple):
    """Points of one row: which five minutes, from when to when, and packed."""

    part: int
    first_ms: int
    last_ms: int
    data: bytes


def numbers_of(kept: Iterable[Kept]) -> list[Number]:
    """Return time and value of the usable numbers among readings, in order of time."""
    return sorted(
        (one.at_ms, one.value)
        for one in kept
        if one.is_usable and isinstance(one.value, float)
    )


def curve_of(numbers: list[Number]) -> list[CurvePart]:
    """Return numbers in order of time, by row."""
    if not numbers:
        return []
    part = numbers[0][0] // PART_MS
    if part == numbers[-1][0] // PART_MS:
        return [_packed(part, numbers)]
    return [
        _packed(part, list(inside))
        for part, inside in groupby(numbers, key=lambda one: one[0] // PART_MS)
    ]


def unpack_curves(rows: Iterable[bytes]) -> Points:
    """Return the points of rows as they were added: each lot is in order of time.

    A day is thousands of lots. Their bytes are joined before they become arrays, since an
    array for each would take ten times as long.
    """
    times: list[bytes] = []
    values: list[bytes] = []
    for data in rows:
        start = 0
        while start < len(data):
            (count,) = _HEAD.unpack_from(data, start)
            middle = start + _HEAD.size + 8 * count
            times.append(data[start + _HEAD.size : middle])
            start = middle + 8 * count
            values.append(data[middle:start])
    return (
        np.frombuffer(b"".join(times), np.int64),
        np.frombuffer(b"".join(values), np.float64),
    )


def in_order(lots: Sequence[Points]) -> Points:
    """Return lots of points as one, in order of time."""
    if not lots:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    times = np.concatenate([lot[0] for lot in lots])
    values = np.concatenate([lot[1] for lot in lots])
    if np.any(times[1:] < times[:-1]):
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return times, values


def _packed(part: int, points: list[tuple[int, float]]) -> CurvePart:
    times, values = zip(*points, strict=True)
    count = len(points)
    data = struct.pack(f"<I{count}q{count}d", count, *times, *values)
    return CurvePart(part, times[0], times[-1], data)
