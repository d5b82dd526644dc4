"""Numbers with their times as short text.

Vitals have few decimals and come at steady steps. So a number is a whole one by a scale,
counted from the lowest, and a step is counted from the shortest: mostly a byte a number
and nothing for its time. What does not fit so is a double. General compression would make
most of them no smaller, and each call of it hands the interpreter to another thread.
"""

import base64
import binascii
import struct
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


def unpack(text: str) -> Points:
    """Return the numbers of a text in their order; raises NoCurve."""
    try:
        one = _apart(binascii.a2b_base64(text, strict_mode=True))
        return _times(one), _values(one)
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


def _times(text: _Text) -> Integers:
    head = text.head
    if not head.step_width:
        return head.first_ms + head.shortest_ms * np.arange(head.numbers)
    steps = _integers(text.steps, head.numbers, head.step_width).astype(np.int64)
    steps += head.shortest_ms
    steps[0] = head.first_ms
    return np.cumsum(steps, out=steps)


def _values(text: _Text) -> NDArray[np.float64]:
    head = text.head
    if head.width == _DOUBLES:
        return np.frombuffer(text.numbers, "<f8")
    values = _integers(text.numbers, head.numbers, head.width).astype(np.float64)
    values += head.lowest
    if head.scale != 1:
        values /= head.scale
    return values


def _integers(data: bytes, count: int, width: int) -> NDArray[np.unsignedinteger]:
    if not width:
        return np.zeros(count, np.uint8)
    return np.frombuffer(data, _TYPES[width])
