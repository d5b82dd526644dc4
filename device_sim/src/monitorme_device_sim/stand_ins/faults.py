"""Faults that a stand-in can be asked for, so that a sender can be seen to bear them."""

import asyncio
import threading

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field


class Fault(BaseModel):
    """What goes wrong with the next requests."""

    status: int = Field(default=503, ge=400, le=599)
    times: int = Field(default=1, ge=1)
    delay_s: float = Field(default=0.0, ge=0, le=60)
    retry_after_s: int | None = Field(default=None, ge=0)


class Faults:
    """The faults that are still to happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: Fault | None = None

    def ask(self, fault: Fault) -> None:
        """Have the next requests fail."""
        with self._lock:
            self._fault = fault

    def next(self) -> Fault | None:
        """Return what goes wrong with this request, if anything does."""
        with self._lock:
            fault = self._fault
            if fault is not None:
                left = fault.times - 1
                self._fault = fault.model_copy(update={"times": left}) if left else None
            return fault


def add_faults(app: FastAPI, path: str) -> None:
    """Let POST /faults ask for faults of POST `path`."""
    faults = Faults()

    @app.post("/faults")
    def ask(fault: Fault) -> dict[str, bool]:
        faults.ask(fault)
        return {"ok": True}

    @app.middleware("http")
    async def fail(request: Request, call_next) -> Response:  # type: ignore[no-untyped-def]  # noqa: ANN001  # starlette's
        if request.method != "POST" or request.url.path != path:
            passed: Response = await call_next(request)
            return passed
        fault = faults.next()
        if fault is None:
            passed = await call_next(request)
            return passed
        await asyncio.sleep(fault.delay_s)
        headers = {}
        if fault.retry_after_s is not None:
            headers["Retry-After"] = str(fault.retry_after_s)
        return Response(status_code=fault.status, headers=headers)
