"""A broker as a child process: what to run, and when it is ready."""

import os
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Final, Self

from monitorme.errors import BusError, ConfigError, MonitorMeError
from monitorme.loopback import require_loopback
from monitorme.site import BrokerKind

STOP_TIMEOUT_S: Final = 5.0
READY_TIMEOUT_S: Final = 10.0
_DAEMON_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def find_mosquitto() -> str | None:
    """Return the path of Mosquitto; Debian hides it from ordinary users' PATH."""
    return shutil.which("mosquitto") or shutil.which(
        "mosquitto", path=os.pathsep.join(_DAEMON_FOLDERS)
    )


class BrokerProcess(ABC):
    """A broker that we start: `command` says how, `wait_ready` when it accepts.

    `start` and `stop` run it without a supervisor, as a context manager does.
    """

    def __init__(
        self, *, host: str, port: int, folder: Path, secret_file: Path
    ) -> None:
        self.host = require_loopback(host)
        self.port = port or _free_port(self.host)
        self.folder = folder
        self.secret_file = secret_file
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command to run, having written what it needs."""

    def require_port(self) -> None:
        """Raise a MonitorMeError where something else uses the port."""
        with socket.socket(_family(self.host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise MonitorMeError(
                    f"the broker cannot listen on {self.host}:{self.port}: "
                    f"{error.strerror}; stop what uses the port or set [broker] port"
                ) from error

    def wait_ready(self, *, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until it accepts connections; raises BusError where it does not."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                with socket.create_connection((self.host, self.port), timeout=1):
                    return
            except OSError as error:
                if time.monotonic() > deadline or self._has_ended():
                    text = f"no broker came up on {self.host}:{self.port}; see its log"
                    raise BusError(text) from error
                time.sleep(0.02)

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int | None:
        """The process, where `start` started it."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start it and wait until it accepts connections."""
        self._process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL)
        self.wait_ready()
        return self

    def kill(self) -> None:
        """Kill it as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in good order, or else kill it."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def choose(
    kind: BrokerKind, *, host: str, port: int, folder: Path, secret_file: Path
) -> BrokerProcess:
    """Return the broker of a kind, its port free; raises MonitorMeError.

    `auto` is Mosquitto where it is installed, and else the embedded one.
    """
    from monitorme.broker.embedded import EmbeddedBroker
    from monitorme.broker.mosquitto import Mosquitto

    if kind is BrokerKind.EXTERNAL:
        raise ConfigError("an external broker is not ours to start")
    found = find_mosquitto()
    if kind is BrokerKind.MOSQUITTO and found is None:
        raise ConfigError(
            "Mosquitto is not installed; install it (on Debian: apt install mosquitto) "
            'or set [broker] kind = "embedded"'
        )
    make = EmbeddedBroker if kind is BrokerKind.EMBEDDED or not found else Mosquitto
    broker = make(host=host, port=port, folder=folder, secret_file=secret_file)
    broker.require_port()
    return broker


def _free_port(host: str) -> int:
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
