"""Where a line's bytes come from: each source opens streams, one after the other."""

import select
import socket
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from monitorme.errors import ConfigError

READ_BYTES: Final = 65_536
WAIT_S: Final = 0.2
"""How long a read waits for something to come."""
CONNECT_S: Final = 5.0
WRITE_S: Final = 5.0


class Ended(OSError):
    """The other side has closed the stream."""


class Over(Exception):  # no error: a capture has an end
    """The source has nothing more to give, ever."""


class Stream(ABC):
    """An open line. Reading and writing raise OSError where it breaks."""

    @abstractmethod
    def read(self) -> bytes:
        """Return what has come; empty where nothing has for a moment."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send to the device, where the line goes both ways."""

    @abstractmethod
    def close(self) -> None:
        """Close the stream."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Source(ABC):
    """Opens the line to a device."""

    @abstractmethod
    def open(self) -> Stream | None:
        """Open the line, or wait a moment for the device to call; None: not yet.

        Raises OSError where it cannot be opened now.
        """

    def close(self) -> None:
        """Release what outlives a stream."""


class Connection(Stream):
    """A TCP connection; with a listener, the device's next call ends it."""

    def __init__(
        self, connection: socket.socket, listener: socket.socket | None = None
    ) -> None:
        self._connection = connection
        self._watched = [connection, *([listener] if listener else [])]
        connection.settimeout(WRITE_S)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def read(self) -> bytes:
        """Return what has come."""
        ready, _, _ = select.select(self._watched, [], [], WAIT_S)
        if self._connection in ready:
            data = self._connection.recv(READ_BYTES)
            if not data:
                raise Ended("the device has closed the connection")
            return data
        if ready:
            raise Ended("the device has called again")
        return b""

    def write(self, data: bytes) -> None:
        """Send to the device."""
        self._connection.sendall(data)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Called(Source):
    """Connects to a device, or to the terminal server that it hangs on."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    def open(self) -> Stream:
        """Connect."""
        return Connection(socket.create_connection(self._address, timeout=CONNECT_S))


class Calling(Source):
    """Is connected to by the device."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._listener: socket.socket | None = None

    def open(self) -> Stream | None:
        """Wait a moment for the device to call."""
        if self._listener is None:
            self._listener = socket.create_server(self._address, backlog=4)
            self._listener.settimeout(WAIT_S)
        try:
            connection, _ = self._listener.accept()
        except TimeoutError:
            return None
        return Connection(connection, self._listener)

    def close(self) -> None:
        """Listen no longer."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class Capture(Source, Stream):
    """A file of captured bytes, or of their hex digits, read at a rate."""

    def __init__(
        self, path: Path, *, bytes_per_s: float, is_hex: bool, repeats: bool
    ) -> None:
        self._path = path
        self._size = max(1, round(bytes_per_s * WAIT_S))
        self._is_hex = is_hex
        self._repeats = repeats
        self._data: bytes | None = None
        self._at = 0

    def open(self) -> Stream:
        """Read the file."""
        data = self._path.read_bytes()
        self._data = bytes.fromhex(data.decode("ascii")) if self._is_hex else data
        self._at = 0
        return self

    def read(self) -> bytes:
        """Return the next bytes, as fast as the line was."""
        assert self._data is not None
        if self._at >= len(self._data):
            if not self._repeats:
                raise Over("the capture is over")
            self._at = 0
        time.sleep(WAIT_S)
        self._at += self._size
        return self._data[self._at - self._size : self._at]

    def write(self, data: bytes) -> None:
        """Drop it: nobody listens."""

    def close(self) -> None:
        """Forget what was read."""
        self._data = None


def find_source(url: str) -> Source:
    """Return the source that a URL names; raises ConfigError where it names none."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        return _made(url, parts, options)
    except ValueError as error:
        raise ConfigError(f"source {url}: {error}") from error


def _made(url: str, parts: SplitResult, options: dict[str, str]) -> Source:
    match parts.scheme:
        case "tcp":
            return Called(str(parts.hostname), int(parts.port or 0))
        case "listen":
            return Calling(str(parts.hostname), int(parts.port or 0))
        case "file":
            return Capture(
                Path(parts.path),
                bytes_per_s=float(options.get("rate", "540")),
                is_hex=options.get("form") == "hex",
                repeats=options.get("repeat") == "1",
            )
        case "" | "serial" if parts.path.startswith("/dev/"):
            from monitorme_firmware_bridge.serial_port import SerialPort

            return SerialPort(parts.path, int(options.get("baud", "115200")))
    raise ConfigError(
        f"source {url!r} is none of tcp://HOST:PORT, listen://127.0.0.1:PORT, "
        "file:///PATH and /dev/TTY?baud=N"
    )
