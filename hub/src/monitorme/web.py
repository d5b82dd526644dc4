"""Serves a plugin's HTTP from a thread of its own, on loopback."""

import socket
import threading
from typing import TYPE_CHECKING, Self

from monitorme.errors import BusError, MonitorMeError
from monitorme.loopback import require_loopback

if TYPE_CHECKING:
    from fastapi import FastAPI


class WebServer:
    """An ASGI application, served from a thread between `start` and `stop`.

    The port is bound by the constructor, so that a port in use is told before anything
    else starts. `port` 0 picks a free one; `url` then says which.
    """

    def __init__(self, app: "FastAPI", *, host: str, port: int) -> None:
        import uvicorn

        self._socket = _bind(require_loopback(host), port)
        bound = self._socket.getsockname()
        self.url = f"http://{bound[0]}:{bound[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=2,
                # On loopback, deflating every frame for every page buys nothing.
                ws_per_message_deflate=False,
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="web", daemon=True
        )

    def start(self) -> Self:
        """Serve; returns when requests are accepted."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise BusError(f"the web server at {self.url} did not start")
            self._thread.join(0.01)
        threading.Thread(target=_load, name="web-load", daemon=True).start()
        return self

    def stop(self) -> None:
        """Finish what is under way for two seconds, then stop."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(5)
        self._socket.close()


def _load() -> None:
    """Import what FastAPI imports at its first request, which would wait for it."""
    import anyio

    anyio.run(anyio.sleep, 0)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: else every
    # answer of two packets waits 40 ms for the other side's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise MonitorMeError(
            f"cannot listen on {host}:{port}: {error.strerror}; "
            "stop what uses the port or configure another"
        ) from error
    return listener
