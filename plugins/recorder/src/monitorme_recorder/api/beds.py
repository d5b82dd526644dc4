"""The past of a bed, whoever lay there."""

import json
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from monitorme.plugin import Context
from monitorme_recorder.api.lines import NDJSON, as_sent, blocks
from monitorme_recorder.api.models import (
    EventOut,
    HistoryOut,
    LossOut,
    bucket_out,
    loss_out,
    reading_out,
    shown_value,
)
from monitorme_recorder.api.questions import (
    DAY_MS,
    Id,
    Ms,
    VitalName,
    require_numbers,
    wanted_period,
    wanted_vital,
)
from monitorme_recorder.history.past import Past
from monitorme_recorder.history_store import Series, grid_of

MAX_READINGS = 20_000


def bed_routes(past: Past, context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/beds/{ward}/{bed}", tags=["beds"])

    @router.get("/history")
    def history(
        ward: Id,
        bed: Id,
        vital: VitalName,
        from_ms: Ms = None,
        to_ms: Ms = None,
        buckets: Annotated[int | None, Query(ge=1, le=10_000)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_READINGS)] = 5_000,
    ) -> HistoryOut:
        """Return one vital over a time; a component is named `blood_pressure.mean`."""
        wanted = wanted_vital(context.catalogue, vital)
        period = wanted_period(from_ms, to_ms, context.now_ms())
        answer = HistoryOut(
            vital=vital,
            unit=wanted.entry.unit,
            from_ms=period.from_ms,
            to_ms=period.to_ms,
        )
        series = Series(ward, bed, wanted.name)
        if buckets is not None:
            require_numbers(wanted)
            found = past.readings.buckets(
                series, period, grid_of(period, buckets), wanted.component
            )
            answer.buckets = [bucket_out(one) for one in found]
            return answer
        page = list(islice(past.readings.readings(series, period), limit + 1))
        answer.readings = [reading_out(one) for one in page[:limit]]
        if len(page) > limit:
            answer.next_ms = page[limit].kept.at_ms
        return answer

    @router.get("/since", response_class=StreamingResponse)
    def since(
        ward: Id,
        bed: Id,
        received_ms: Annotated[int, Query(ge=0, le=2**53)],
        vital: Annotated[list[str] | None, Query(max_length=50)] = None,
    ) -> StreamingResponse:
        """Stream what has come since a moment in order of arrival, as it was sent.

        A line of JSON each: device, boot, seq, vital, time_ms, received_ms, value,
        quality, reason. For a service that starts and catches up; it judges by itself.
        """
        names = {wanted_vital(context.catalogue, one).name for one in vital or ()}
        lines = map(as_sent, past.arrivals.since(ward, bed, received_ms, names))
        return StreamingResponse(blocks(lines), media_type=NDJSON)

    @router.get("/latest")
    def latest(ward: Id, bed: Id) -> dict[str, dict[str, Any]]:
        """Return the newest reading of each of a bed's vitals."""
        since_ms = max(0, context.now_ms() - 2 * DAY_MS)
        return {
            vital: {
                "at_ms": one.kept.at_ms,
                "value": shown_value(one),
                "quality": one.kept.quality,
                "reason": one.kept.reason,
            }
            for vital, one in past.readings.latest(ward, bed, since_ms).items()
        }

    @router.get("/events")
    def events(
        ward: Id,
        bed: Id,
        from_ms: Annotated[int, Query(ge=0, le=2**53)] = 0,
        to_ms: Ms = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> list[EventOut]:
        """Return a bed's alarms, admissions and events, in order of arrival."""
        period = wanted_period(from_ms, to_ms, context.now_ms())
        return [
            EventOut(
                received_ms=one.received_ms,
                kind=one.kind,
                payload=_document(one.payload),
            )
            for one in past.written.events(ward, bed, period, limit)
        ]

    @router.get("/gaps")
    def gaps(ward: Id, bed: Id) -> list[LossOut]:
        """Return what of a bed is lost for ever, and why."""
        return [loss_out(one) for one in past.written.losses(ward, bed)]

    return router


def _document(payload: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(payload)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
