"""What a technician asks: devices, how many readings, and all of them."""

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from monitorme_recorder.api.lines import NDJSON, blocks, for_comparison
from monitorme_recorder.api.models import CountOut, DeviceOut
from monitorme_recorder.clocks import Clocks
from monitorme_recorder.history.past import Past
from monitorme_recorder.store import Store


def inventory_routes(past: Past, store: Store, clocks: Clocks) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["inventory"])

    @router.get("/devices")
    def devices() -> list[DeviceOut]:
        """Return what is stored of every boot of every device, and its clock."""
        offsets_ms = clocks.offsets_ms()
        with store.lock:
            marks = list(store.marks().items())
            return [
                DeviceOut(
                    device=device,
                    boot=boot,
                    through_seq=mark.through,
                    open_gaps=[(gap.first, gap.last) for gap in mark.missing()],
                    clock_offset_ms=offsets_ms.get(device),
                )
                for (device, boot), mark in marks
            ]

    @router.get("/count")
    def count() -> CountOut:
        """Return how many readings are stored."""
        return CountOut(
            readings=past.inventory.count(), duplicates_refused=store.tally.duplicates
        )

    @router.get("/readings", response_class=StreamingResponse)
    def readings() -> StreamingResponse:
        """Stream every reading as sent, a line of JSON each, for comparison."""
        lines = map(for_comparison, past.inventory.everything())
        return StreamingResponse(blocks(lines), media_type=NDJSON)

    return router
