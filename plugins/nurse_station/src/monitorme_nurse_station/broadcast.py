"""Frames to pages: all pages of a ward get the same bytes; a slow one harms itself."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from fastapi import WebSocket, WebSocketDisconnect

from monitorme_nurse_station.station import Station

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 1.0

QUEUE_FRAMES: Final = 50
"""About a second of frames; a page that is further behind begins anew."""


class Page:
    """One open page: a queue of frames, and the task that sends them."""

    def __init__(self, socket: WebSocket, snapshot: Callable[[], bytes]) -> None:
        self._socket = socket
        self._snapshot = snapshot
        self._queue: asyncio.Queue[bytes] = asyncio.Queue(QUEUE_FRAMES)
        self.fresh_starts = 0

    def put(self, frame: bytes) -> None:
        """Queue a frame; where the page is too slow, start it over with a snapshot."""
        if self._queue.full():
            self.fresh_starts += 1
            while not self._queue.empty():
                self._queue.get_nowait()
            frame = self._snapshot()
        self._queue.put_nowait(frame)

    async def run(self) -> None:
        """Send frames until the page goes."""
        sending = asyncio.create_task(self._send())
        try:
            while True:
                await self._socket.receive_text()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            frame = await self._queue.get()
            await self._socket.send_text(frame.decode())


class Broadcast:
    """The open pages by ward; lives in the web server's loop."""

    def __init__(self) -> None:
        self._pages: dict[str, set[Page]] = {}
        self._fresh_starts_of_gone = 0

    def add(self, ward: str, page: Page) -> None:
        """Send a ward's frames to a page."""
        self._pages.setdefault(ward, set()).add(page)

    def remove(self, ward: str, page: Page) -> None:
        """Send it no more."""
        self._pages.get(ward, set()).discard(page)
        self._fresh_starts_of_gone += page.fresh_starts

    def send(self, ward: str, frame: bytes) -> None:
        """Send a frame to all pages of a ward."""
        for page in self._pages.get(ward, ()):
            page.put(frame)

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return sum(len(pages) for pages in self._pages.values())

    @property
    def fresh_starts(self) -> int:
        """How often a page was too slow and began anew."""
        now = sum(page.fresh_starts for ward in self._pages.values() for page in ward)
        return self._fresh_starts_of_gone + now


async def send_for_ever(
    station: Station, broadcast: Broadcast, *, every_s: float
) -> None:
    """Send what changes, and a heartbeat each second, from one loop.

    A heartbeat means that frames are sent too: where they fail, pages hear nothing, and
    say so.
    """
    next_beat_s = 0.0
    while True:
        try:
            _send_frames(station, broadcast)
            if time.monotonic() >= next_beat_s:
                next_beat_s = time.monotonic() + HEARTBEAT_S
                for ward in station.wards:
                    broadcast.send(ward, station.heartbeat())
        # The loop must outlive any one frame; what failed is told, and pages show it.
        except Exception:
            log.exception("frame failed")
            await asyncio.sleep(HEARTBEAT_S)
        await asyncio.sleep(every_s)


def _send_frames(station: Station, broadcast: Broadcast) -> None:
    for ward in station.wards:
        frame, taken_ms = station.delta(ward)
        if frame is not None:
            broadcast.send(ward, frame)
        station.sent(taken_ms)
