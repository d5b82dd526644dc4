"""The page, its WebSocket and the few things that it may ask for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import urllib3
from fastapi import FastAPI, HTTPException, Query, WebSocket
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from monitorme.contract.payloads import Id, Name
from monitorme.errors import CommandFailed
from monitorme.plugin import Context
from monitorme_nurse_station.broadcast import Broadcast, Page
from monitorme_nurse_station.config import NurseStationConfig
from monitorme_nurse_station.station import Station

HEARTBEAT_S: Final = 1.0
TREND_BUCKETS: Final = 240
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
    pool = urllib3.PoolManager(timeout=5.0, retries=False)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(_send_frames(station, broadcast, config)),
            asyncio.create_task(_send_heartbeats(station, broadcast)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(
        title="MonitorMe nurses' station",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    folder = Path(str(resources.files("monitorme_nurse_station") / "page"))
    app.mount("/static", StaticFiles(directory=folder), name="static")

    @app.get("/", include_in_schema=False)
    def first_ward() -> RedirectResponse:
        return RedirectResponse(f"/ward/{station.wards[0]}")

    @app.get("/ward/{ward}", include_in_schema=False)
    def page(ward: str) -> FileResponse:
        if ward not in station.wards:
            known = ", ".join(station.wards)
            raise HTTPException(404, f"no ward {ward!r}; there are {known}")
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return FileResponse(folder / "index.html", headers=headers)

    @app.websocket("/ws/{ward}")
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

    @app.post("/api/acknowledge")
    def acknowledge(wanted: AcknowledgeIn) -> dict[str, Any]:
        args = wanted.model_dump(exclude_none=True)
        try:
            return context.bus.request(
                "alerting", "acknowledge", args, by="station"
            ).result
        except CommandFailed as error:
            raise HTTPException(409, str(error)) from error

    @app.get("/api/trend/{ward}/{bed}")
    def trend(
        ward: str,
        bed: str,
        vital: str,
        minutes: Annotated[int, Query(ge=1, le=2880)] = 60,
    ) -> dict[str, Any]:
        if station.history_url is None:
            raise HTTPException(503, "no recorder has introduced itself yet")
        now_ms = context.now_ms()
        fields = {
            "vital": vital,
            "from_ms": str(now_ms - minutes * 60_000),
            "to_ms": str(now_ms),
            "buckets": str(TREND_BUCKETS),
        }
        url = f"{station.history_url}/v1/beds/{ward}/{bed}/history"
        try:
            answer = pool.request("GET", url, fields=fields)
        except urllib3.exceptions.HTTPError as error:
            raise HTTPException(503, "the recorder does not answer") from error
        document: dict[str, Any] = json.loads(answer.data)
        if answer.status != 200:
            raise HTTPException(answer.status, str(document.get("detail")))
        return document

    @app.get("/api/figures")
    def figures() -> dict[str, Any]:
        counts, measured = station.figures()
        return {**counts, **measured, "pages": broadcast.pages}

    @app.get("/healthz")
    def healthz() -> dict[str, bool]:
        return {"ok": True}

    return app


async def _send_frames(
    station: Station, broadcast: Broadcast, config: NurseStationConfig
) -> None:
    while True:
        for ward in station.wards:
            frame, taken_ms = station.delta(ward)
            if frame is not None:
                broadcast.send(ward, frame)
            station.sent(taken_ms)
        await asyncio.sleep(config.frame_every_ms / 1000)


async def _send_heartbeats(station: Station, broadcast: Broadcast) -> None:
    while True:
        for ward in station.wards:
            broadcast.send(ward, station.heartbeat())
        await asyncio.sleep(HEARTBEAT_S)
