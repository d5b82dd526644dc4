"""The application: routes together, and one form for everything that is refused."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from monitorme.errors import StorageError
from monitorme.plugin import Context
from monitorme_recorder.api.beds import bed_routes, ward_routes
from monitorme_recorder.api.document import openapi_of
from monitorme_recorder.api.inventory import inventory_routes
from monitorme_recorder.api.models import Problem
from monitorme_recorder.api.patients import patient_routes, record_number_routes
from monitorme_recorder.clocks import Clocks
from monitorme_recorder.history.past import Past
from monitorme_recorder.store import Store

_DESCRIPTION = """The past of every bed and patient, from the recorder.

Times are integer milliseconds since the epoch, UTC, named `*_ms`; the end of a period is
not included. What is refused says in `detail` what to do.
"""
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The question makes no sense."},
    503: {"model": Problem, "description": "A store cannot be asked now; try again."},
}


def history_app(past: Past, store: Store, clocks: Clocks, context: Context) -> FastAPI:
    """Return the HTTP API of the recorder's history."""
    app = FastAPI(
        title="MonitorMe history",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
    )
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(StorageError, _not_now)
    app.include_router(bed_routes(past, context))
    app.include_router(ward_routes(past, context))
    app.include_router(patient_routes(past, context))
    app.include_router(record_number_routes(past))
    app.include_router(inventory_routes(past, store, clocks))
    app.openapi = lambda: openapi_of(app)  # type: ignore[method-assign]  # FastAPI's way
    return app


def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return JSONResponse({"detail": f"{where}: {first['msg']}"}, 400)


def _not_now(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 503)
