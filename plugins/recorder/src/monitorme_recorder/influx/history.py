"""InfluxDB as a store of history."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme_recorder.history_store import (
    Bucket,
    Grid,
    Period,
    Series,
    StoredReading,
)
from monitorme_recorder.influx import rows, schema, statements
from monitorme_recorder.influx.errors import NotThere
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings

SAME_MS: Final = 16
"""So many of the newest points of a series are looked at: some may share their ms."""
SAME_MS_OF_WAVES: Final = 2


class InfluxHistory:
    """Answers from InfluxDB; for any number of threads.

    Connects when it is first asked, so that a recorder starts without InfluxDB. Raises
    a StorageError where it cannot ask; a bucket that is not there yet has nothing.
    """

    def __init__(self, settings: InfluxSettings, catalogue: Catalogue) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._known_server: InfluxServer | None = None

    def close(self) -> None:
        """Close the connections."""
        if self._known_server is not None:
            self._known_server.close()
            self._known_server = None

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

    def latest(self, ward: str, bed: str, since_ms: int) -> dict[str, StoredReading]:
        """Return the reading with the last position of each of a bed's vitals."""
        found: dict[str, StoredReading] = {}
        for bucket, each in zip(
            self._buckets(), (SAME_MS, SAME_MS_OF_WAVES), strict=True
        ):
            statement = statements.newest(ward, bed, since_ms, each)
            points = sorted(
                self._points(bucket, statement), key=lambda point: point.row["time"]
            )
            for one in rows.readings(ward, bed, points):
                known = found.get(one.stream.vital)
                if known is None or one.position > known.position:
                    found[one.stream.vital] = one
        return dict(sorted(found.items()))

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


_JOIN: Final[dict[str, Callable[[float, float], float]]] = {
    "min": min,
    "max": max,
    "sum": lambda one, other: one + other,
    "count": lambda one, other: one + other,
}
"""How a summary of two devices comes of each one's."""


def _buckets(grid: Grid, found: Iterator[rows.Summary]) -> list[Bucket]:
    sums: dict[int, dict[str, float]] = {}
    # The summaries of a bucket all name the same time, which takes long to read.
    indices: dict[str, int] = {}
    for name, start, number in found:
        index = indices.get(start)
        if index is None:
            at_ms = round(datetime.fromisoformat(start).timestamp() * 1000)
            index = indices[start] = grid.bucket_of(at_ms)
        known = sums.setdefault(index, {})
        known[name] = _JOIN[name](known[name], number) if name in known else number
    return [
        Bucket(
            grid.start_ms(index),
            grid.start_ms(index + 1),
            int(one["count"]),
            one["min"],
            one["max"],
            one["sum"] / one["count"],
        )
        for index, one in sorted(sums.items())
    ]
