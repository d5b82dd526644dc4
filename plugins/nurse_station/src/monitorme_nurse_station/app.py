"""The page, its WebSocket and the few things that it may ask for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, WebSocket
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from monitorme.contract.payloads import Id, Name
from monitorme.errors import CommandFailed
from monitorme.plugin import Context
from monitorme_nurse_station.broadcast import Broadcast, Page, send_for_ever
from monitorme_nurse_station.config import NurseStationConfig
from monitorme_nurse_station.history import History
from monitorme_nurse_station.origin import only_from_here
from monitorme_nurse_station.station import Station

# Nothing from elsewhere, nothing inline: what is on the page came from here.
_POLICY: Final = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:"


class AcknowledgeIn(BaseModel):
    """Which alarm somebody takes on; `id` is the episode that they saw."""

    ward: Id
    bed: Id
    code: Name
    id: Id | None = None


def station_app(
    station: Station, context: Context, config: NurseStationConfig
) -> FastAPI:
    """Return the station's web application."""
    broadcast = Broadcast()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        sending = asyncio.create_task(
            send_for_ever(station, broadcast, every_s=config.frame_every_ms / 1000)
        )
        yield
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    app = FastAPI(
        title="MonitorMe nurses' station",
        lifespan=lifespan,
        dependencies=[Depends(only_from_here)],
        openapi_url=None,
    )
    folder = Path(str(resources.files("monitorme_nurse_station") / "page"))
    app.mount("/static", StaticFiles(directory=folder), name="static")
    app.include_router(_page(station, folder))
    app.include_router(_feed(station, broadcast))
    app.include_router(_requests(station, context), prefix="/api")
    app.include_router(_health(station, broadcast))
    return app


def _page(station: Station, folder: Path) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    def first_ward() -> RedirectResponse:
        if not station.wards:
            raise HTTPException(404, "the site's file names no ward")
        return RedirectResponse(f"/ward/{station.wards[0]}")

    @router.get("/ward/{ward}")
    def page(ward: str) -> FileResponse:
        if ward not in station.wards:
            known = ", ".join(station.wards)
            raise HTTPException(404, f"no ward {ward!r}; there are {known}")
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return FileResponse(folder / "index.html", headers=headers)

    return router


def _feed(station: Station, broadcast: Broadcast) -> APIRouter:
    router = APIRouter()

    @router.websocket("/ws/{ward}")
    async def feed(socket: WebSocket, ward: str) -> None:
        if ward not in station.wards:
            await socket.close(4004, "no such ward")
            return
        await socket.accept()
        opened = Page(socket, lambda: station.snapshot(ward))
        opened.put(station.snapshot(ward))
        broadcast.add(ward, opened)
        try:
            await opened.run()
        finally:
            broadcast.remove(ward, opened)

    return router


def _requests(station: Station, context: Context) -> APIRouter:
    router = APIRouter()
    history = History()

    @router.post("/acknowledge")
    def acknowledge(wanted: AcknowledgeIn) -> dict[str, Any]:
        args = wanted.model_dump(exclude_none=True)
        try:
            return context.bus.request(
                "alerting", "acknowledge", args, by="station"
            ).result
        except CommandFailed as error:
            raise HTTPException(409, str(error)) from error

    @router.get("/trend/{ward}/{bed}")
    def trend(
        ward: str,
        bed: str,
        vital: str,
        minutes: Annotated[int, Query(ge=1, le=2880)] = 60,
    ) -> dict[str, Any]:
        now_ms = context.now_ms()
        return history.trend(
            station.history_url,
            ward=ward,
            bed=bed,
            vital=vital,
            span_ms=range(now_ms - minutes * 60_000, now_ms),
            since_ms=station.since_ms(ward, bed),
        )

    return router


def _health(station: Station, broadcast: Broadcast) -> APIRouter:
    router = APIRouter()

    @router.get("/api/figures")
    def figures() -> dict[str, Any]:
        counts, measured = station.figures()
        pages = {"pages": broadcast.pages, "fresh_starts": broadcast.fresh_starts}
        return {**counts, **measured, **pages}

    @router.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    return router
