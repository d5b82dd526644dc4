"""The past of a bed, whoever lay there, and of a ward's beds together."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from monitorme.plugin import Context
from monitorme_recorder.api.asked import of_bed
from monitorme_recorder.api.charts import add_charts
from monitorme_recorder.api.exports import add_export
from monitorme_recorder.api.lines import NDJSON, as_sent, blocks
from monitorme_recorder.api.models import LatestOut, json_of, latest_fields
from monitorme_recorder.api.questions import Id, wanted_vital
from monitorme_recorder.history.past import Past
from monitorme_recorder.history_store import Latest


def bed_routes(past: Past, context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1/beds/{ward}/{bed}", tags=["beds"])
    add_charts(router, past, context, of_bed)
    add_export(router, past, context, of_bed)

    @router.get("/latest", response_model=dict[str, LatestOut])
    async def latest(ward: Id, bed: Id) -> Response:
        """Return the newest reading of each of a bed's vitals, of two days at most."""
        found = await _latest(past, ward, (bed,))
        return json_of(_fields(found[bed]))

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

    return router


def ward_routes(past: Past, context: Context) -> APIRouter:
    """Return the routes that answer for all beds of a ward."""
    router = APIRouter(prefix="/v1/wards/{ward}", tags=["wards"])

    @router.get("/latest", response_model=dict[str, dict[str, LatestOut]])
    async def latest_of_ward(ward: Id) -> Response:
        """Return the newest readings of each of a ward's beds, of two days at most."""
        beds = context.wards[ward].beds if ward in context.wards else ()
        found = await _latest(past, ward, beds)
        return json_of({bed: _fields(latest) for bed, latest in found.items()})

    return router


async def _latest(past: Past, ward: str, beds: tuple[str, ...]) -> dict[str, Latest]:
    """Return the newest readings; by a thread only where that has to wait.

    A thread is waited for twice, there and back, while others want the interpreter:
    that takes longer than the answer.
    """
    found = past.latest_at_hand(ward, beds)
    if found is None:
        found = await run_in_threadpool(past.latest, ward, beds)
    return found


def _fields(latest: Latest) -> dict[str, dict[str, object]]:
    return {vital: latest_fields(one) for vital, one in latest.items()}
