"""InfluxDB as a store of history."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from math import inf
from typing import Final

import numpy as np

from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme_recorder.curve import Points
from monitorme_recorder.history_store import (
    Bucket,
    Grid,
    Latest,
    Period,
    Series,
    StoredReading,
)
from monitorme_recorder.influx import curves, rows, schema, statements
from monitorme_recorder.influx.errors import NotThere
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings

SAME_MS: Final = 16
"""So many of the newest points of a series are looked at: some may share their ms."""
SAME_MS_OF_WAVES: Final = 2
MOST_BEDS: Final = 50
"""So many are asked for at once: a proxy takes a URL of 8 KB, in which the statement is."""


class InfluxHistory:
    """Answers from InfluxDB; for any number of threads.

    Connects when it is first asked, so that a recorder starts without InfluxDB. Raises
    a StorageError where it cannot ask; a bucket that is not there yet has nothing.
    """

    def __init__(
        self,
        settings: InfluxSettings,
        catalogue: Catalogue,
        curves_from_ms: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._curves_from_ms = curves_from_ms
        self._settings = settings
        self._catalogue = catalogue
        self._known_server: InfluxServer | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._known_server is not None:
            self._known_server.close()
            self._known_server = None

    @property
    def curves_from_ms(self) -> int | None:
        """From when on all curves are here or in the journal; None where none are."""
        return self._curves_from_ms()

    def points(self, series: Series, period: Period, before_hour: str) -> Points:
        """Return a numeric vital's numbers of a period and some around it, by time.

        Only what came before an hour of the journal; raises StorageError.
        """
        statement = statements.curves(series, statements.clamped(period))
        found = self._points(self._settings.curve_bucket, statement)
        return curves.points_of((point.row for point in found), before_hour)

    def vitals(self, ward: str, bed: str) -> list[str]:
        """Return the vitals of which a bed has readings, sorted."""
        statement = statements.vitals(ward, bed)
        found = {
            str(point.row["name"])
            for bucket in self._buckets()
            for point in self._points(bucket, statement)
        }
        return sorted(found)

    def readings(self, series: Series, period: Period) -> Iterator[StoredReading]:
        """Return the readings of a period in order of position, lazily."""
        bucket = self._bucket_of(series.vital)
        found = self._points(bucket, statements.readings(series, period))
        return rows.readings(series.ward, series.bed, found)

    def latest(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        """Return the reading with the last position of each vital, of each bed."""
        found: dict[str, Latest] = {}
        for start in range(0, len(beds), MOST_BEDS):
            found |= self._latest(ward, beds[start : start + MOST_BEDS], since_ms)
        return found

    def _latest(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        points: dict[str, list[rows.Point]] = {bed: [] for bed in beds}
        for bucket, each in zip(
            self._buckets(), (SAME_MS, SAME_MS_OF_WAVES), strict=True
        ):
            statement = statements.newest(ward, beds, since_ms, each)
            for point in self._points(bucket, statement):
                # Others may have written points that name no bed of ours.
                points.get(str(point.row.get("bed")), []).append(point)
        return {bed: _last_of_each(ward, bed, some) for bed, some in points.items()}

    def buckets(
        self, series: Series, period: Period, grid: Grid, component: str | None
    ) -> list[Bucket]:
        """Return a vital's usable numbers by the buckets of a grid, empty ones left out."""
        asked = statements.clamped(period)
        if asked.from_ms >= asked.to_ms:
            return []
        field = schema.NUMBER if component is None else schema.field_of(component)
        bucket = self._settings.bucket
        text = statements.summaries(bucket, series, field, asked, grid)
        try:
            answer = self._server().flux(text)
        except NotThere:
            return []
        return _buckets(grid, rows.summaries(answer))

    def _server(self) -> InfluxServer:
        if self._known_server is None:
            self._known_server = InfluxServer(self._settings)
        return self._known_server

    def _points(self, bucket: str, statement: str) -> Iterator[rows.Point]:
        try:
            yield from rows.points(self._server().influxql(bucket, statement))
        except NotThere:
            return

    def _buckets(self) -> tuple[str, str]:
        return self._settings.bucket, self._settings.waveform_bucket

    def _bucket_of(self, vital: str) -> str:
        known = self._catalogue.get(vital)
        is_waveform = known is not None and known.kind is VitalKind.WAVEFORM
        return self._buckets()[is_waveform]


def _last_of_each(ward: str, bed: str, points: list[rows.Point]) -> Latest:
    found: Latest = {}
    points.sort(key=lambda point: int(point.row["time"]))
    for one in rows.readings(ward, bed, points):
        known = found.get(one.stream.vital)
        if known is None or one.position > known.position:
            found[one.stream.vital] = one
    return dict(sorted(found.items()))


_JOIN: Final[dict[str, tuple[np.ufunc, float]]] = {
    "min": (np.minimum, inf),
    "max": (np.maximum, -inf),
    "sum": (np.add, 0.0),
    "count": (np.add, 0.0),
}
"""How a summary of two devices comes of each one's, and what it is of none."""


def _buckets(grid: Grid, found: Iterable[rows.Summary]) -> list[Bucket]:
    summaries = list(found)
    # The summaries of a bucket all name the same time, which takes long to read.
    moments = {start for one in summaries for start in one.starts}
    indices = {start: grid.bucket_of(_ms_of(start)) for start in moments}
    if not indices:
        return []
    first = min(indices.values())
    count = max(indices.values()) - first + 1
    of = {name: np.full(count, none) for name, (_, none) in _JOIN.items()}
    for one in summaries:
        places = np.array([indices[start] for start in one.starts], np.int64) - first
        _JOIN[one.name][0].at(of[one.name], places, np.array(one.numbers))
    (there,) = of["count"].nonzero()
    starts = grid.origin_ms + (first + there) * grid.width_ms
    numbers = of["count"][there]
    columns = (
        starts,
        starts + grid.width_ms,
        numbers.astype(np.int64),
        of["min"][there],
        of["max"][there],
        of["sum"][there] / numbers,
    )
    table = zip(*(column.tolist() for column in columns), strict=True)
    return [Bucket(*row) for row in table]


def _ms_of(start: str) -> int:
    return round(datetime.fromisoformat(start).timestamp() * 1000)
