"""A server as a child process: its port, its start, its end."""

import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, ClassVar, Final, Self

from monitorme.errors import MonitorMeError
from monitorme.loopback import require_loopback

READY_TIMEOUT_S: Final = 15.0


class ServerProcess(ABC):
    """A server that we start: `command` says how, `wait_ready` when it can be used.

    `start` and `stop` run it without a supervisor, as a context manager does.
    """

    title: ClassVar[str]
    """What people call it."""
    section: ClassVar[str]
    """The table of the site's file that has its port."""
    output: ClassVar[int | IO[bytes] | None] = None
    """Where it writes when `start` starts it; None is where we write."""
    stop_timeout_s: ClassVar[float] = 5.0
    """So long it has to end in good order."""

    def __init__(self, *, host: str, port: int, folder: Path) -> None:
        self.host = require_loopback(host)
        self.port = port or _free_port(self.host)
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command to run, having written what it needs."""

    @abstractmethod
    def wait_ready(self, *, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until it can be used; raises MonitorMeError where it does not come up."""

    def require_port(self) -> None:
        """Raise a MonitorMeError where something else uses the port."""
        with socket.socket(_family(self.host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise MonitorMeError(
                    f"{self.title} cannot listen on {self.host}:{self.port}: "
                    f"{error.strerror}; stop what uses the port or set "
                    f"[{self.section}] port"
                ) from error

    @property
    def pid(self) -> int | None:
        """The process, where `start` started it."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start it, and wait until it can be used."""
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
        )
        self.wait_ready()
        return self

    def kill(self) -> None:
        """Kill it as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in good order, or else kill it."""
        self._end(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(self.stop_timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _free_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
