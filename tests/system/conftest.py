"""The whole system in processes of its own, on a real broker."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from monitorme import running
from monitorme.commands.connection import collect, open_bus
from monitorme.commands.status import services_in
from monitorme.contract import topics
from monitorme.demo.stage import free_port
from monitorme.errors import BusError

MONITORME = [sys.executable, "-m", "monitorme"]


def eventually(check: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    """Wait until something comes to be; fail, saying what did not."""
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.1)


class System:
    """`monitorme up`, and the commands to look at it."""

    def __init__(
        self,
        folder: Path,
        *,
        broker: str = "mosquitto",
        more: str = "",
        vitals: str = "",
        port: int = 0,
    ) -> None:
        self.data = folder / "data"
        self.config = folder / "site.toml"
        self.port = port or free_port()
        self.config.write_text(
            (f'vitals = "{vitals}"\n' if vitals else "")
            + f'[broker]\nkind = "{broker}"\nport = {self.port}\n'
            '[wards.ward-a]\nname = "Ward A"\n'
            f"beds = {json.dumps([f'bed-{n:02}' for n in range(1, 41)])}\n"
            "[plugins.recorder]\nport = 0\n[plugins.nurse_station]\nport = 0\n" + more,
            encoding="utf-8",
        )
        self.log = (folder / "up.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> None:
        """Start it, and wait until every service runs."""
        command = [*MONITORME, "up", "--config", str(self.config)]
        self.process = subprocess.Popen(
            [*command, "--data", str(self.data)], stdout=self.log, stderr=self.log
        )
        eventually(self.is_running, "all services run")

    def is_running(self) -> bool:
        """Say whether all seven services run."""
        assert self.process is not None
        assert self.process.poll() is None, "up ended"
        states = [one["state"] for one in self.services()]
        return len(states) == 7 and set(states) == {"running"}

    def down(self) -> int:
        """Stop it as systemd does; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def run(
        self, *arguments: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it."""
        answer = subprocess.run(
            [*MONITORME, *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if check:
            assert answer.returncode == 0, answer.stderr + answer.stdout
        return answer

    def json(self, *arguments: str, check: bool = True) -> Any:  # noqa: ANN401  # JSON
        """Run a command on it and return its JSON."""
        return json.loads(self.run(*arguments, "--json", check=check).stdout)

    def services(self) -> list[dict[str, Any]]:
        """Return what the services say of themselves; nothing while none answers."""
        if running.find(self.data) is None:
            return []
        wanted = [topics.service_filter()]
        try:
            with open_bus(self.data, subscriptions=wanted) as bus:
                found = services_in(collect(bus, quiet_s=0.15))
        except BusError:
            return []
        return [{"name": one.service, **one.model_dump(mode="json")} for one in found]

    def service(self, name: str) -> dict[str, Any]:
        """Return what one service says of itself."""
        (found,) = [one for one in self.services() if one["name"] == name]
        return found

    def url(self, service: str, endpoint: str) -> str:
        """Return where a service serves."""
        found: str = self.service(service)["endpoints"][endpoint]
        return found

    def sim(self, *arguments: str) -> list[str]:
        """Return the command of a simulator on it."""
        return [
            *(*MONITORME, "sim", *arguments),
            *("--broker", f"mqtt://127.0.0.1:{self.port}"),
            *("--secret-file", str(running.secret_file(self.data))),
        ]

    def kill(self, name: str) -> None:
        """Kill a service as a crash does."""
        os.kill(self.service(name)["pid"], 9)

    def admit(self, *beds: str) -> None:
        """Admit somebody to each bed."""
        for bed in beds:
            name = ["--name", f"Patient {bed}", "--mrn", bed]
            self.run("admit", f"ward-a/{bed}", *name)

    def verify(self, ledger: Path) -> dict[str, int]:
        """Compare a ledger with what is stored."""
        found: dict[str, int] = self.json(
            "recorder", "verify", str(ledger), check=False
        )
        return found


@pytest.fixture
def make_system(tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Makes systems that are stopped at the end."""
    made: list[System] = []

    def make(**options: Any) -> System:
        system = System(tmp_path, **options)
        made.append(system)
        system.up()
        return system

    yield make
    for system in made:
        if system.process is not None and system.process.poll() is None:
            system.down()
        system.log.close()
