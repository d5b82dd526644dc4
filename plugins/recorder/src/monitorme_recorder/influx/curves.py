"""Curves in InfluxDB: an hour of a numeric vital as one point.

The journal keeps a vital's times and values a second time, packed for buckets. What it
packs goes to InfluxDB when the hour is finished. So a day of long ago is 24 texts instead
of 172,800 points, each of which InfluxDB would sum up four times.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitorme_recorder.curve import PART_MS, Points, in_order, unpack_curves
from monitorme_recorder.influx import schema
from monitorme_recorder.influx.curve_text import pack, unpack
from monitorme_recorder.influx.lines import series_of
from monitorme_recorder.records import Stream

LONGEST_TEXT: Final = 60_000
"""A text that InfluxDB takes has 64 KiB; few numbers compress so badly."""
CURVE: Final = "curve"
HOUR: Final = "hour"
CURVE_MS: Final = 12 * PART_MS
"""How much time a point covers; it stands in the first five minutes of what it has."""
_CURVE_NS: Final = CURVE_MS * schema.NS_OF_MS
_PART_NS: Final = PART_MS * schema.NS_OF_MS
_PLACES: Final = _PART_NS // 1_000
"""A part has so many places of a thousand points for the hours and boots in it."""


class CurveRow(NamedTuple):
    """A row of the journal's curves: which stream, which five minutes, and the numbers."""

    number: int
    """The stream's number in its hour."""
    part: int
    data: bytes
    stream: Stream

    @property
    def point(self) -> tuple[int, int]:
        """Which point it goes into: that of its stream and of the hour of its times."""
        return self.number, self.part * PART_MS // CURVE_MS


def lines_of(hour: str, rows: Sequence[CurveRow]) -> list[str]:
    """Return the lines of one point's rows, mostly one; the same rows give the same."""
    first = rows[0]
    points = in_order([unpack_curves(row.data for row in rows)])
    name = f"{first.stream.boot} {hour}".encode()
    first_ns = first.part * _PART_NS + zlib.crc32(name) % _PLACES * 1_000
    fields = f'boot={schema.quote(first.stream.boot)},{HOUR}="{hour}"'
    return [
        f'{series_of(first.stream)} {CURVE}="{text}",{fields} {first_ns + place}'
        for place, text in enumerate(_texts(points))
    ]


def _texts(points: Points) -> list[str]:
    """Return numbers as texts that are none too long."""
    text = pack(points)
    if len(text) <= LONGEST_TEXT:
        return [text]
    times, values = points
    half = times.size // 2
    lots = (times[:half], values[:half]), (times[half:], values[half:])
    return [text for lot in lots for text in _texts(lot)]


def points_of(rows: Iterable[Mapping[str, Any]], before_hour: str) -> Points:
    """Return the numbers of InfluxDB's rows in order of time.

    Those of `before_hour` and later hours are left out: the journal has them.
    """
    found = [row for row in rows if _is_whole(row) and row[HOUR] < before_hour]
    # So they are in order of time already, but for what came late.
    found.sort(key=lambda row: (int(row["time"]) // _PART_NS, row[HOUR]))
    lots = [unpack(row[CURVE]) for row in found]
    places: dict[tuple[str, str, int], dict[str, list[int]]] = {}
    for place, row in enumerate(found):
        key = (row["device"], row["boot"], int(row["time"]) // _CURVE_NS)
        places.setdefault(key, {}).setdefault(row[HOUR], []).append(place)
    for hours in places.values():
        if len(hours) > 1:
            _leave_out_doubled(lots, list(hours.values()))
    return in_order(lots)


def _is_whole(row: Mapping[str, Any]) -> bool:
    """Say whether a point has all its fields: InfluxDB may answer before it has them."""
    return all(row.get(name) is not None for name in (CURVE, HOUR, "boot"))


def _leave_out_doubled(lots: list[Points], hours: list[list[int]]) -> None:
    """Leave out of a boot's lots what came in an earlier hour already.

    A reading that was lost in one hour and sent again in another is in both.
    """
    if not _may_share_times([lots[place][0] for hour in hours for place in hour]):
        return
    known: set[tuple[int, float]] = set()
    for hour in hours:
        here = set()
        for place in hour:
            numbers = list(
                zip(*(column.tolist() for column in lots[place]), strict=True)
            )
            here.update(numbers)
            new = np.array([one not in known for one in numbers], bool)
            lots[place] = lots[place][0][new], lots[place][1][new]
        known |= here


def _may_share_times(lots: list[NDArray[np.int64]]) -> bool:
    """Say whether two lots may have a time in common.

    Mostly one ends where the other begins: the hour's last readings came in the next.
    """
    spans = sorted((int(times.min()), int(times.max())) for times in lots)
    if all(before[1] < after[0] for before, after in pairwise(spans)):
        return False
    times = np.concatenate(lots)
    return bool(np.unique(times).size < times.size)
