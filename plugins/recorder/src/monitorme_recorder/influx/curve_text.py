"""Numbers with their times as short text.

Vitals have few decimals and come at steady steps. So a number is a whole one by a scale,
counted from the lowest, and a step is counted from the shortest: mostly a byte a number
and nothing for its time. What does not fit so is a double. There is no general compression:
each call of it would hand the interpreter to another thread, 288 times for a day.
"""

import base64
import struct
from collections.abc import Iterable
from itertools import accumulate
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitorme_recorder.curve import Points
from monitorme_recorder.history_store import NoCurve

_SCALES: Final = (1.0, 10.0, 100.0, 1000.0)
_LARGEST: Final = 1e6
"""A larger number may not fit into four bytes as a whole one by the largest scale."""
_TYPES: Final = {0: "|u1", 1: "|u1", 2: "<u2", 4: "<u4"}
"""Unsigned integers by their width in bytes; of width 0 all are 0, and none is there."""
_DOUBLES: Final = 8
"""The width of numbers that are doubles."""
_HEAD: Final = struct.Struct("<IqqiBHiB")

Integers = NDArray[np.int64]


class _Head(NamedTuple):
    numbers: int
    first_ms: int
    last_ms: int
    shortest_ms: int
    step_width: int
    scale: int
    lowest: int
    """Of the whole numbers; a number is (lowest + what is written) / scale."""
    width: int


class _Text(NamedTuple):
    """A text, taken apart."""

    head: _Head
    steps: bytes
    numbers: bytes


def pack(points: Points) -> str:
    """Return numbers, at least one, as text; nothing is lost, nor their order."""
    times, values = points
    # The first is no step: as one like the second it takes no room.
    before_ms = 2 * times[:1] - times[1:2] if times.size > 1 else times
    shortest_ms, step_width, steps = _narrow(np.diff(times, prepend=before_ms))
    scale, lowest, width, numbers = _whole(values)
    head = _Head(
        *(times.size, int(times[0]), int(times[-1])),
        *(shortest_ms, step_width, scale, lowest, width),
    )
    return base64.b64encode(_HEAD.pack(*head) + steps + numbers).decode()


class Unpacked(NamedTuple):
    """The numbers of texts, one after the other."""

    times: Integers
    values: NDArray[np.float64]
    ends: list[int]
    """Where each text's numbers end."""


def unpack(texts: Iterable[str]) -> Unpacked:
    """Return the numbers of texts; raises NoCurve.

    All become one array at once: an array for each text would take five times as long.
    """
    try:
        found = [_apart(base64.b64decode(text, validate=True)) for text in texts]
        if not found:
            return Unpacked(np.empty(0, np.int64), np.empty(0, np.float64), [])
        ends = list(accumulate(one.head.numbers for one in found))
        return Unpacked(_times(found), _values(found), ends)
    except (ValueError, struct.error, KeyError) as error:
        raise NoCurve(f"a curve in InfluxDB is not readable: {error}") from error


def _whole(values: NDArray[np.float64]) -> tuple[int, int, int, bytes]:
    """Return scale, lowest, width and bytes of numbers: as doubles if need be."""
    is_small = bool(np.all(np.abs(values) < _LARGEST))
    for scale in _SCALES if is_small else ():
        whole = np.rint(values * scale)
        if np.array_equal(whole / scale, values):
            return int(scale), *_narrow(whole.astype(np.int64))
    return 1, 0, _DOUBLES, values.astype("<f8").tobytes()


def _narrow(integers: Integers) -> tuple[int, int, bytes]:
    """Return the lowest of integers, and the others from it on, as narrow as they go."""
    lowest = int(integers.min())
    above = integers - lowest
    highest = int(above.max())
    width = 0 if not highest else 1 if highest < 2**8 else 2 if highest < 2**16 else 4
    return lowest, width, above.astype(_TYPES[width]).tobytes() if width else b""


def _apart(body: bytes) -> _Text:
    head = _Head(*_HEAD.unpack_from(body))
    middle = _HEAD.size + head.numbers * head.step_width
    end = middle + head.numbers * head.width
    if len(body) != end or not head.numbers:
        raise ValueError(f"{len(body)} bytes where {end} are said")
    return _Text(head, body[_HEAD.size : middle], body[middle:])


def _times(found: list[_Text]) -> Integers:
    """Return the times of all: the first of each text is a step from the last."""
    counts = [one.head.numbers for one in found]
    lots = [
        _integers(one.steps, one.head.numbers, one.head.step_width) for one in found
    ]
    steps = np.concatenate(lots, dtype=np.int64)
    steps += np.repeat([one.head.shortest_ms for one in found], counts)
    start, last_ms = 0, 0
    for head, _, _ in found:
        steps[start] = head.first_ms - last_ms
        start, last_ms = start + head.numbers, head.last_ms
    return np.cumsum(steps)


def _values(found: list[_Text]) -> NDArray[np.float64]:
    counts = [one.head.numbers for one in found]
    lots = [
        np.frombuffer(one.numbers, "<f8")
        if one.head.width == _DOUBLES
        else _integers(one.numbers, one.head.numbers, one.head.width)
        for one in found
    ]
    values = np.concatenate(lots, dtype=np.float64)
    values += np.repeat([float(one.head.lowest) for one in found], counts)
    values /= np.repeat([float(one.head.scale) for one in found], counts)
    return values


def _integers(data: bytes, count: int, width: int) -> NDArray[np.unsignedinteger]:
    if not width:
        return np.zeros(count, np.uint8)
    return np.frombuffer(data, _TYPES[width])
