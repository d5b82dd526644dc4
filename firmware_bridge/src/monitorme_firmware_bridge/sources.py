"""Where a line's bytes come from; each is a context manager around a byte stream."""

import os
import select
import socket
import termios
import time
import tty
from abc import ABC, abstractmethod
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from monitorme.errors import ConfigError

READ_BYTES: Final = 65_536
WAIT_S: Final = 0.2


class Ended(OSError):
    """The other side has closed, or a capture is over."""


class ByteSource(ABC):
    """An open line. Reading raises OSError where it breaks, Ended where it is over."""

    @abstractmethod
    def read(self) -> bytes:
        """Return what has come; empty where nothing has for a moment."""

    def write(self, data: bytes) -> None:
        """Send to the device, where the line goes both ways."""

    @abstractmethod
    def close(self) -> None:
        """Close the line."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Connection(ByteSource):
    """A TCP connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(WAIT_S)

    def read(self) -> bytes:
        """Return what has come."""
        try:
            data = self._connection.recv(READ_BYTES)
        except TimeoutError:
            return b""
        if not data:
            raise Ended("the device has closed the connection")
        return data

    def write(self, data: bytes) -> None:
        """Send to the device."""
        self._connection.sendall(data)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Capture(ByteSource):
    """A file of captured bytes, read at a rate."""

    def __init__(self, path: str, bytes_per_s: float) -> None:
        self._file = open(path, "rb")  # noqa: SIM115  # closed by close
        self._size = max(1, round(bytes_per_s * WAIT_S))

    def read(self) -> bytes:
        """Return the next bytes, as fast as the line was."""
        time.sleep(WAIT_S)
        data = self._file.read(self._size)
        if not data:
            raise Ended("the capture is over")
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Serial(ByteSource):
    """A serial line, raw, eight bits, no parity, one stop bit."""

    def __init__(self, path: str, baud: int) -> None:
        speed = getattr(termios, f"B{baud}", None)
        if speed is None:
            raise ConfigError(f"{baud} is no serial speed")
        self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._file)
        settings = termios.tcgetattr(self._file)
        settings[4] = settings[5] = speed
        termios.tcsetattr(self._file, termios.TCSANOW, settings)

    def read(self) -> bytes:
        """Return what has come."""
        readable, _, _ = select.select([self._file], [], [], WAIT_S)
        return os.read(self._file, READ_BYTES) if readable else b""

    def write(self, data: bytes) -> None:
        """Send to the device."""
        os.write(self._file, data)

    def close(self) -> None:
        """Close the line."""
        os.close(self._file)


def open_source(url: str) -> ByteSource:
    """Open a line; raises OSError where it cannot be opened now."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    match parts.scheme:
        case "tcp":
            address = (str(parts.hostname), int(parts.port or 0))
            return Connection(socket.create_connection(address, timeout=5))
        case "listen":
            return _called_at(str(parts.hostname), int(parts.port or 0))
        case "serial":
            return Serial(parts.path, int(options.get("baud", "115200")))
        case "file":
            return Capture(parts.path, float(options.get("bytes_per_s", "540")))
    raise ConfigError(f"no such source: {url}")


def _called_at(host: str, port: int) -> ByteSource:
    """Wait a moment for the device to call."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1)
        listener.settimeout(5)
        connection, _ = listener.accept()
    return Connection(connection)
