"""A stand-in for MyMedicalData: takes FHIR R4 transaction Bundles, and checks them."""

import json
import threading
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from monitorme_device_sim.stand_ins.bundle_check import defects
from monitorme_device_sim.stand_ins.faults import add_faults

FHIR = "application/fhir+json"


def mymedicaldata_app() -> FastAPI:
    """Return the server; what it accepted is listed at /snapshots."""
    app = FastAPI(title="MyMedicalData stand-in", docs_url=None, redoc_url=None)
    accepted: dict[str, dict[str, Any]] = {}
    answers: dict[str, dict[str, Any]] = {}
    lock = threading.Lock()
    add_faults(app, "/")

    @app.post("/")
    async def transaction(request: Request) -> JSONResponse:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return _refusal(400, ["the header Idempotency-Key is missing"])
        if request.headers.get("Content-Type", "").split(";")[0] != FHIR:
            return _refusal(415, [f"Content-Type must be {FHIR}"])
        try:
            bundle = json.loads(await request.body())
        except ValueError:
            return _refusal(400, ["the body is not JSON"])
        found = defects(bundle)
        if found:
            return _refusal(422, found)
        with lock:
            # The same key again is a retry: the same answer, and nothing new.
            if key not in accepted:
                accepted[key] = bundle
                answers[key] = _response(bundle)
            return JSONResponse(answers[key], 200, media_type=FHIR)

    @app.get("/snapshots")
    def snapshots() -> dict[str, Any]:
        with lock:
            return {
                "snapshots": [{"key": key, "bundle": b} for key, b in accepted.items()]
            }

    return app


def _response(bundle: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction-response",
        "entry": [
            {
                "response": {
                    "status": "201 Created",
                    "location": f"{entry['resource']['resourceType']}/{uuid4()}/_history/1",
                }
            }
            for entry in bundle["entry"]
        ],
    }


def _refusal(status: int, texts: list[str]) -> JSONResponse:
    issues = [
        {"severity": "error", "code": "invalid", "diagnostics": text} for text in texts
    ]
    outcome = {"resourceType": "OperationOutcome", "issue": issues}
    return JSONResponse(outcome, status, media_type=FHIR)
