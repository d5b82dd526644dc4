"""A hospital to break: the hub in processes of its own, and devices under load."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from monitorme import running
from monitorme.commands.connection import history_url
from monitorme.influxd import Influxd
from monitorme.installation import Installation
from monitorme.site import Site
from monitorme.testing.influxdb import running_influxdb
from tests.faults.clocks import DeviceClock, HubClock
from tests.faults.disks import small_disk
from tests.faults.network import Network
from tests.faults.watching import Confirmations, LedgerTail, seconds_until_confirmed

KEEPALIVE_S = 5
"""Of services and devices alike: the least that a site may choose."""
LONGER_THAN_KEEPALIVE_S = 1.5 * KEEPALIVE_S + 1
RECOVERY_TIMEOUT_S = 120.0
DRAIN_TIMEOUT_S = 60.0
MONITORME = (sys.executable, "-m", "monitorme")


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a hospital is, and what it runs on."""

    beds: int = 500
    broker: str = "mosquitto"
    services: tuple[str, ...] = ("registry", "recorder")
    recorder_settings: str = ""
    hour_ends_in_s: float | None = None
    """So long after the start, the hub's hour ends; none means when it does."""
    is_relayed: bool = False
    """Whether devices reach the broker through a network that can be broken."""
    has_influxdb: bool = False
    """Whether an InfluxDB of its own is what the journal is shipped to."""
    disk_mb: int | None = None
    """The size of a disk for the recorder alone; none means the disk of everybody."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `monitorme recorder verify` says."""

    made: int
    stored: int
    lost: int
    doubled: int
    altered: int

    @property
    def is_exact(self) -> bool:
        """Whether every reading is stored once, as it was made."""
        return not (self.lost or self.doubled or self.altered)


class Hospital:
    """The hub and its devices; use `running_hospital`."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.folder = folder
        self.data = folder / "data"
        self.ledger = folder / "ledger.jsonl"
        ends_in_s = plan.hour_ends_in_s
        self.hub_clock = HubClock(
            folder, HubClock.before_the_hour(ends_in_s) if ends_in_s else 0.0
        )
        self.device_clock = DeviceClock(folder)
        self.torn = 0
        self.installation = self._installation()
        self.tail = LedgerTail(self.ledger)
        self.confirmations: Confirmations
        self.network: Network
        self.influxd: Influxd
        self._log: IO[bytes] = (folder / "load.log").open("ab")
        self._load: subprocess.Popen[bytes] | None = None
        self._ending = threading.Event()
        self._is_up = threading.Event()

    # What faults use.

    def pid(self, name: str) -> int:
        """Return the process of a service, of the `broker` or of the `devices`."""
        if name == "devices":
            assert self._load is not None
            return self._load.pid
        if name == "influxdb":
            assert self.influxd.pid is not None
            return self.influxd.pid
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            child = self.installation.children.get(name)
            if child is not None and child.pid is not None:
                return child.pid
            time.sleep(0.02)
        raise TimeoutError(f"{name} does not run")

    def kill(self, name: str) -> None:
        """Kill a process as a crash does; what nobody keeps running is started again."""
        if name == "influxdb":
            self.influxd.kill()
            self.influxd.start()
            return
        os.kill(self.pid(name), signal.SIGKILL)
        if name == "devices":
            assert self._load is not None
            self._load.wait(10)
            self.switch_devices_on()

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Have a process stand still, and go on again."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def switch_devices_on(self) -> None:
        """Start all devices; they find what they had kept."""
        port = self.installation.port
        if self.plan.is_relayed:
            port = self.network.port
        command = [
            *(*MONITORME, "sim", "load", "--beds", str(self.plan.beds)),
            *("--broker", f"mqtt://127.0.0.1:{port}"),
            *("--secret-file", str(running.secret_file(self.data))),
            *("--data", str(self.folder / "devices"), "--ledger", str(self.ledger)),
            *("--keepalive", str(KEEPALIVE_S)),
            *("--clock-file", str(self.device_clock.path)),
        ]
        with self.hub_clock.inherited():
            self._load = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def wait_recovered(self) -> float:
        """Wait until what was made until now is on disk; returns the seconds.

        They contain the two seconds within which the recorder tells a device.
        """
        return seconds_until_confirmed(
            self.tail.newest(), self.confirmations, timeout_s=RECOVERY_TIMEOUT_S
        )

    def wait_flowing(self) -> None:
        """Wait until every device has made readings that are on disk."""
        deadline = time.monotonic() + RECOVERY_TIMEOUT_S
        while len(self.tail.newest()) < self.plan.beds:
            assert time.monotonic() < deadline, "never: every device makes readings"
            time.sleep(0.05)
        self.wait_recovered()

    def end_load(self) -> None:
        """Switch the devices off; they wait until all they made is confirmed."""
        assert self._load is not None
        self._load.terminate()
        self._load.wait(DRAIN_TIMEOUT_S)

    def verify(self, *arguments: str) -> Verdict:
        """Compare the ledger with what is stored."""
        command = [*MONITORME, "recorder", "verify", str(self.ledger), "--json"]
        answer = subprocess.run(
            [*command, "--data", str(self.data), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if not answer.stdout:
            raise RuntimeError(f"verify failed: {answer.stderr.strip()[-300:]}")
        return Verdict(**json.loads(answer.stdout))

    def verify_influxdb(self) -> Verdict:
        """Compare the ledger with what is in InfluxDB, once everything is shipped."""
        deadline = time.monotonic() + RECOVERY_TIMEOUT_S
        verdict = self.verify("--store", "influxdb")
        while verdict.lost and time.monotonic() < deadline:
            time.sleep(1)
            verdict = self.verify("--store", "influxdb")
        return verdict

    def named_losses(self) -> int:
        """Return how many readings of the ledger the recorder itself names as lost."""
        url = history_url(self.data, None)
        named = 0
        for ward, bed, made in self.tail.newest_by_bed():
            with urllib.request.urlopen(f"{url}/v1/beds/{ward}/{bed}/gaps") as answer:
                for gap in json.load(answer):
                    newest = made.get((gap["device"], gap["boot"]), 0)
                    last = min(gap["last_seq"], newest)
                    named += max(0, last - gap["first_seq"] + 1)
        return named

    def journal_files(self) -> list[Path]:
        """Return the journal's files, oldest first."""
        return sorted((self.data / "recorder").glob("*.journal"))

    # Its life.

    def _installation(self) -> Installation:
        config = self.folder / "site.toml"
        config.write_text(
            f"services = {json.dumps(self.plan.services)}\n"
            f'[broker]\nkind = "{self.plan.broker}"\nport = 0\n'
            f"keepalive_s = {KEEPALIVE_S}\n"
            f"[plugins.recorder]\nport = 0\n{self.plan.recorder_settings}",
            encoding="utf-8",
        )
        return Installation(
            Site.load(config),
            config=config,
            data=self.data,
            log_folder=self.folder / "logs",
        )

    def keep_up(self) -> None:
        """Start the hub and keep it running; the body of a thread."""
        # Its processes end with the thread that started them.
        with self.hub_clock.inherited(), self.installation:
            self._is_up.set()
            self.installation.watch(self._ending)

    def wait_up(self) -> None:
        """Wait until the broker runs."""
        assert self._is_up.wait(30), "the hub never came up"

    def close(self) -> None:
        """End everything that still runs."""
        if self._load is not None and self._load.poll() is None:
            self._load.kill()
            self._load.wait(10)
        self._log.close()

    def end_hub(self) -> None:
        """Have the hub end as it does at SIGTERM."""
        self._ending.set()


@contextmanager
def running_hospital(folder: Path, plan: Plan) -> Iterator[Hospital]:
    """Run a hospital whose devices have all begun to make readings."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if plan.disk_mb is not None:
            stack.enter_context(small_disk(folder / "data" / "recorder", plan.disk_mb))
        influxd = None
        if plan.has_influxdb:
            influxd = stack.enter_context(_influxdb(folder / "influxdb"))
        hospital = stack.enter_context(_running(folder, plan))
        if influxd is not None:
            hospital.influxd = influxd
        yield hospital


@contextmanager
def _influxdb(folder: Path) -> Iterator[Influxd]:
    """Run an InfluxDB, and tell it to every process that is started meanwhile."""
    with (
        running_influxdb(folder) as influxd,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("MONITORME_INFLUXDB_URL", influxd.url)
        patch.setenv("MONITORME_INFLUXDB_TOKEN", influxd.token)
        yield influxd


@contextmanager
def _running(folder: Path, plan: Plan) -> Iterator[Hospital]:
    hospital = Hospital(folder, plan)
    thread = threading.Thread(target=hospital.keep_up)
    thread.start()
    try:
        hospital.wait_up()
        port = hospital.installation.port
        hospital.network = Network(port)
        hospital.confirmations = Confirmations(port, hospital.data)
        with hospital.network.running(), hospital.confirmations.heard():
            hospital.switch_devices_on()
            try:
                hospital.wait_flowing()
                yield hospital
            finally:
                hospital.close()
    finally:
        hospital.end_hub()
        thread.join(60)
