"""A stand-in for MonitorThem: takes CloudEvents, and checks them."""

import threading
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from monitorme_device_sim.stand_ins.faults import add_faults

TYPE: Final = "application/cloudevents+json"
REQUIRED: Final = ("specversion", "id", "source", "type")
"""CloudEvents 1.0.2, section 'REQUIRED attributes'."""


def monitorthem_app() -> FastAPI:
    """Return the server; what it accepted is listed at GET /events."""
    app = FastAPI(title="MonitorThem stand-in", docs_url=None, redoc_url=None)
    accepted: dict[tuple[str, str], dict[str, Any]] = {}
    lock = threading.Lock()
    add_faults(app, "/events")

    @app.post("/events")
    async def take(request: Request) -> JSONResponse:
        if request.headers.get("Content-Type", "").split(";")[0] != TYPE:
            return JSONResponse({"error": f"Content-Type must be {TYPE}"}, 415)
        try:
            event = await request.json()
        except ValueError:
            return JSONResponse({"error": "the body is not JSON"}, 400)
        missing = [name for name in REQUIRED if not event.get(name)]
        if missing or event["specversion"] != "1.0":
            text = f"not a CloudEvent 1.0: lacks {', '.join(missing) or 'its version'}"
            return JSONResponse({"error": text}, 422)
        if "name" in event.get("data", {}):
            return JSONResponse({"error": "a name has no place in analytics"}, 422)
        with lock:
            accepted.setdefault((event["source"], event["id"]), event)
        return JSONResponse({}, 202)

    @app.get("/events")
    def events() -> dict[str, Any]:
        with lock:
            return {"events": list(accepted.values())}

    return app
