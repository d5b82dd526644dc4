"""InfluxDB 2 as a child process: what to run, when it is ready, and its first set-up.

On a new data folder the organisation and a random token are made; the token lies in a
file that only its owner can read, and nowhere else.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from monitorme.errors import ConfigError, MonitorMeError, StorageError
from monitorme.server_process import READY_TIMEOUT_S, ServerProcess

PROGRAM_VARIABLE: Final = "MONITORME_INFLUXD"
URL_VARIABLE: Final = "MONITORME_INFLUXDB_URL"
ORG_VARIABLE: Final = "MONITORME_INFLUXDB_ORG"
TOKEN_VARIABLE: Final = "MONITORME_INFLUXDB_TOKEN"
TOKEN_FILE_VARIABLE: Final = "MONITORME_INFLUXDB_TOKEN_FILE"
ORG: Final = "monitorme"
_FIRST_BUCKET: Final = "vitals"
_FIRST_USER: Final = "monitorme"


def find_influxd() -> str | None:
    """Return the path of influxd: MONITORME_INFLUXD, or what PATH has."""
    return shutil.which(os.environ.get(PROGRAM_VARIABLE) or "influxd")


class Influxd(ServerProcess):
    """One InfluxDB with its data in a folder, on loopback."""

    title = "InfluxDB"
    section = "influxdb"
    output = subprocess.DEVNULL
    stop_timeout_s = 10.0

    def __init__(self, *, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port, folder=folder)

    @classmethod
    def at(cls, url: str, *, folder: Path) -> Self:
        """Return one that runs already."""
        parts = urlsplit(url)
        return cls(folder=folder, host=parts.hostname or "", port=parts.port or 0)

    @property
    def environment(self) -> dict[str, str]:
        """What tells a service where it is; the token itself is not in it."""
        return {
            URL_VARIABLE: self.url,
            ORG_VARIABLE: ORG,
            TOKEN_FILE_VARIABLE: str(self.token_file.absolute()),
        }

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.host}:{self.port}"

    @property
    def token_file(self) -> Path:
        """Where the token lies."""
        return self.folder / "token"

    @property
    def token(self) -> str:
        """The token of the organisation."""
        return self.token_file.read_text(encoding="ascii").strip()

    def command(self) -> list[str]:
        """Return its command; raises ConfigError where it is not installed."""
        program = find_influxd()
        if program is None:
            raise ConfigError(
                "influxd is not installed; install InfluxDB 2 (influxdata.com), or set "
                f"{PROGRAM_VARIABLE} to the program"
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"cannot make {self.folder}: {error.strerror}"
            ) from error
        return [
            program,
            f"--bolt-path={self.folder / 'influxd.bolt'}",
            f"--sqlite-path={self.folder / 'influxd.sqlite'}",
            f"--engine-path={self.folder / 'engine'}",
            f"--http-bind-address={self.host}:{self.port}",
            "--reporting-disabled",
            "--log-level=error",
        ]

    def wait_ready(self, *, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until it answers; raises MonitorMeError where it does not."""
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if time.monotonic() > deadline or self._has_ended():
                raise MonitorMeError(f"no InfluxDB came up at {self.url}; see its log")
            time.sleep(0.02)

    def set_up(self) -> None:
        """Make organisation, user and token, unless that has been done before."""
        if not self._ask("/api/v2/setup")["allowed"]:
            if not self.token_file.exists():
                raise ConfigError(
                    f"InfluxDB in {self.folder} was set up by somebody else: there is "
                    f"no {self.token_file.name}; write its token there, mode 600"
                )
            return
        # The token is on disk before it is valid: a crash in between repeats this.
        token = secrets.token_urlsafe(32)
        _write_secret(self.token_file, token)
        self._ask(
            "/api/v2/setup",
            {
                "username": _FIRST_USER,
                "password": secrets.token_urlsafe(24),
                "org": ORG,
                "bucket": _FIRST_BUCKET,
                "retentionPeriodSeconds": 30 * 86_400,
                "token": token,
            },
        )

    def start(self) -> Self:
        """Start it without a supervisor, wait until it answers, and set it up."""
        super().start()
        self.set_up()
        return self

    def _answers(self) -> bool:
        try:
            self._ask("/health")
        except MonitorMeError:
            return False
        return True

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}{path}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                said: dict[str, Any] = json.load(answer)
                return said
        except (OSError, ValueError) as error:
            text = f"InfluxDB at {self.url} does not do {path}: {error}"
            raise MonitorMeError(text) from error


def _write_secret(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
            file.write(text + "\n")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
