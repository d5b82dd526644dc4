"""Curves in InfluxDB: five minutes of a numeric vital as one point.

The journal keeps a vital's times and values a second time, packed for buckets. What it
packs goes to InfluxDB when the hour is finished. So a day of long ago is 288 short texts
instead of 172,800 points, each of which InfluxDB would sum up four times.
"""

import zlib
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitorme_recorder.curve import PART_MS, Points, in_order, unpack_curves
from monitorme_recorder.influx import schema
from monitorme_recorder.influx.curve_text import pack, unpack
from monitorme_recorder.influx.lines import series_of
from monitorme_recorder.records import Stream

MOST_NUMBERS: Final = 2_400
"""So many fit into a text that InfluxDB takes (64 KiB), however badly they compress."""
CURVE: Final = "curve"
HOUR: Final = "hour"
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


def lines_of(hour: str, row: CurveRow) -> list[str]:
    """Return the points of a row; the same row gives the same points again."""
    times, values = unpack_curves([row.data])
    name = f"{row.stream.boot} {hour}".encode()
    first_ns = row.part * _PART_NS + zlib.crc32(name) % _PLACES * 1_000
    fields = f'boot={schema.quote(row.stream.boot)},{HOUR}="{hour}"'
    return [
        f"{series_of(row.stream)} {CURVE}="
        f'"{pack((times[start:end], values[start:end]))}",{fields} {first_ns + place}'
        for place, start in enumerate(range(0, times.size, MOST_NUMBERS))
        for end in [start + MOST_NUMBERS]
    ]


def points_of(rows: Iterable[Mapping[str, Any]], before_hour: str) -> Points:
    """Return the numbers of InfluxDB's rows in order of time.

    Those of `before_hour` and later hours are left out: the journal has them.
    """
    found = [row for row in rows if _is_whole(row) and row[HOUR] < before_hour]
    # So they are in order of time already, but for what came late.
    found.sort(key=lambda row: (int(row["time"]) // _PART_NS, row[HOUR]))
    times, values, ends = unpack(row[CURVE] for row in found)
    places: dict[tuple[str, str, int], dict[str, list[slice]]] = {}
    for row, (begin, end) in zip(found, pairwise([0, *ends]), strict=True):
        key = (row["device"], row["boot"], int(row["time"]) // _PART_NS)
        places.setdefault(key, {}).setdefault(row[HOUR], []).append(slice(begin, end))
    doubled = [
        place
        for hours in places.values()
        if len(hours) > 1
        for place in _doubled(times, values, list(hours.values()))
    ]
    if doubled:
        times, values = np.delete(times, doubled), np.delete(values, doubled)
    return in_order([(times, values)])


def _is_whole(row: Mapping[str, Any]) -> bool:
    """Say whether a point has all its fields: InfluxDB may answer before it has them."""
    return all(row.get(name) is not None for name in (CURVE, HOUR, "boot"))


def _doubled(
    times: NDArray[np.int64], values: NDArray[np.float64], hours: list[list[slice]]
) -> list[int]:
    """Return where numbers of a boot are that came in an earlier hour already.

    A reading that was lost in one hour and sent again in another is in both.
    """
    all_times = np.concatenate([times[one] for hour in hours for one in hour])
    if np.unique(all_times).size == all_times.size:
        return []
    known: set[tuple[int, float]] = set()
    doubled = []
    for hour in hours:
        here = {
            place: (int(times[place]), float(values[place]))
            for one in hour
            for place in range(one.start, one.stop)
        }
        doubled += [place for place, number in here.items() if number in known]
        known.update(here.values())
    return doubled
