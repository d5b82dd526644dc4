"""What of an hour's curves is not in InfluxDB yet, a parcel at a time."""

from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from monitorme_recorder.history.hour_readers import open_read_only
from monitorme_recorder.influx.cursor import CurvePlace
from monitorme_recorder.influx.curves import CurveRow, lines_of
from monitorme_recorder.records import Stream

_CURVES: Final = (
    "select c.stream, c.part, c.data, s.ward, s.bed, s.vital, s.device, s.boot"
    " from curve c join stream s on s.id = c.stream"
    " where (c.stream, c.part) > (?, ?) order by c.stream, c.part"
)


@dataclass(slots=True)
class CurveParcel:
    """Curves of an hour as lines, and where they end."""

    hour: str
    last: CurvePlace = (0, 0)
    lines: list[str] = field(default_factory=list)


def curves_behind(path: Path, place: CurvePlace, rows: int) -> CurveParcel | None:
    """Return the curves of an hour behind a row; None where there are none.

    A point's rows are never taken apart: the same rows make it again, whenever that is.
    """
    parcel = CurveParcel(path.stem)
    taken = 0
    with closing(open_read_only(path)) as db:
        found = (
            CurveRow(number, part, data, Stream(*stream))
            for number, part, data, *stream in db.execute(_CURVES, place)
        )
        for _, together in groupby(found, key=attrgetter("point")):
            point = list(together)
            parcel.lines += lines_of(parcel.hour, point)
            parcel.last = (point[-1].number, point[-1].part)
            taken += len(point)
            if taken >= rows:
                break
    return parcel if parcel.lines else None
