"""A proxy in front of a real HTTP server, which fails as a test tells it to."""

import http.client
import json
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[["FaultyHandler"], None]


class FaultyHttp:
    """The proxy: `faults` are used up, one a request whose path begins with `only`."""

    def __init__(self, target: str, *, only: str = "/") -> None:
        self.target = urlsplit(target)
        self.only = only
        self.faults: deque[Fault] = deque()
        self.always: Fault | None = None
        """Used where no other fault waits."""
        self.requests: list[str] = []
        """Paths asked for, in order."""
        self.ending = threading.Event()
        self.url = ""

    def next_fault(self, path: str) -> Fault | None:
        """Return what is to go wrong with a request."""
        self.requests.append(path)
        if not path.startswith(self.only):
            return None
        return self.faults.popleft() if self.faults else self.always


class FaultyHandler(BaseHTTPRequestHandler):
    """Passes a request on, or fails."""

    protocol_version = "HTTP/1.1"
    proxy: FaultyHttp
    body = b""

    def handle_any(self) -> None:
        """Read the request, then pass it on or fail."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.next_fault(self.path)
        (fault or FaultyHandler.pass_on)(self)

    do_GET = do_POST = handle_any  # http.server's names

    def pass_on(self) -> None:
        """Do what the server behind does."""
        status, headers, data = self.ask()
        self.answer(status, data, headers)

    def ask(self) -> tuple[int, dict[str, str], bytes]:
        """Return what the server behind answers."""
        target = self.proxy.target
        server = http.client.HTTPConnection(target.hostname or "", target.port)
        try:
            server.request(self.command, self.path, self.body, dict(self.headers))
            answer = server.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except OSError:
            return 502, {}, b""
        finally:
            server.close()

    def answer(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "date"):
                self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def status(
    number: int, code: str = "", headers: Mapping[str, str] | None = None
) -> Fault:
    """Answer with a status, and InfluxDB's word for it."""

    def fail(handler: FaultyHandler) -> None:
        said = json.dumps({"code": code, "message": f"told to say {number}"}).encode()
        handler.answer(number, said if code else b"<html>no", headers or {})

    return fail


def reset(handler: FaultyHandler) -> None:
    """Break the connection before anything is done."""
    _break(handler)


def done_and_reset(handler: FaultyHandler) -> None:
    """Do what was asked, and break the connection instead of saying so."""
    handler.ask()
    _break(handler)


def half_an_answer(handler: FaultyHandler) -> None:
    """Do what was asked, promise an answer, and break off in its middle."""
    handler.ask()
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half")
    _break(handler)


def hang(handler: FaultyHandler) -> None:
    """Say nothing until the test is over."""
    handler.proxy.ending.wait(30)
    handler.close_connection = True


def _break(handler: FaultyHandler) -> None:
    handler.wfile.flush()
    # With nothing to linger for, closing resets the connection.
    now = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    handler.close_connection = True
    handler.connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of what was broken on purpose."""


@contextmanager
def faulty_http(target: str, *, only: str = "/") -> Iterator[FaultyHttp]:
    """Run a proxy in front of a URL on a free port of loopback."""
    proxy = FaultyHttp(target, only=only)
    handler = type("Handler", (FaultyHandler,), {"proxy": proxy})
    server = _Server(("127.0.0.1", 0), handler)
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()
