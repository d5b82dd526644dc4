"""A broker as a child process: what to run, and when it is ready."""

import os
import shutil
import socket
import time
from pathlib import Path
from typing import Final

from monitorme.errors import BusError, ConfigError
from monitorme.server_process import ServerProcess
from monitorme.site import BrokerKind

READY_TIMEOUT_S: Final = 10.0
_DAEMON_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")


def find_mosquitto() -> str | None:
    """Return the path of Mosquitto; Debian hides it from ordinary users' PATH."""
    return shutil.which("mosquitto") or shutil.which(
        "mosquitto", path=os.pathsep.join(_DAEMON_FOLDERS)
    )


class BrokerProcess(ServerProcess):
    """A broker that we start."""

    title = "the broker"
    section = "broker"

    def __init__(
        self, *, host: str, port: int, folder: Path, secret_file: Path
    ) -> None:
        super().__init__(host=host, port=port, folder=folder)
        self.secret_file = secret_file

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
