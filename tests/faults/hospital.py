"""A hospital to break: the hub in processes of its own, and devices under load."""

import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

import pytest

from monitorme import running
from monitorme.commands.connection import history_url
from monitorme.demo.people import admit_everybody
from monitorme.influxd import Influxd
from monitorme.installation import Installation
from monitorme.site import Site
from monitorme.testing.influxdb import running_influxdb
from monitorme_recorder.verify import Comparison
from tests.faults.alarms import AlarmWatch
from tests.faults.clocks import DeviceClock, HubClock
from tests.faults.devices import DeviceProcess, eventful, split
from tests.faults.disks import small_disk
from tests.faults.lines import line_devices, wait_kept
from tests.faults.lines import running as running_lines
from tests.faults.network import Network
from tests.faults.plan import KEEPALIVE_S, Plan
from tests.faults.standstill import stopped
from tests.faults.verdict import verify
from tests.faults.watching import (
    Confirmations,
    LedgerTail,
    newest,
    seconds_until_well,
    wait_confirmed,
)

LONGER_THAN_KEEPALIVE_S = 1.5 * KEEPALIVE_S + 1
RECOVERY_TIMEOUT_S = 120.0


class Hospital:
    """The hub and its devices; use `running_hospital`."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.plan = plan
        self.folder = folder
        self.data = folder / "data"
        ends_in_s = plan.hour_ends_in_s
        self.hub_clock = HubClock(
            folder, HubClock.before_the_hour(ends_in_s) if ends_in_s else 0.0
        )
        self.device_clock = DeviceClock(folder)
        self.torn = 0
        self.lines = line_devices(folder, plan.lines)
        self.installation = self._installation()
        self.devices = split(folder, plan.beds, plan.device_processes)
        self.eventful = eventful(folder, plan.eventful_beds)
        self.confirmations: Confirmations
        self.alarms: AlarmWatch
        self.network: Network
        self.influxd: Influxd
        self._ending = threading.Event()
        self._is_up = threading.Event()

    # What faults use.

    def pid(self, name: str) -> int:
        """Return the process of a service, of the `broker` or of `influxdb`."""
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

    def kill_devices(self, processes: Sequence[DeviceProcess]) -> None:
        """Kill processes of devices, and switch them on again at once."""
        for one in processes:
            os.kill(one.pid, signal.SIGKILL)
        for one in processes:
            one.wait_dead()
        self.switch_on(processes)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Have a process stand still, and go on again."""
        with stopped([self.pid(name)]):
            yield

    def switch_on(self, processes: Sequence[DeviceProcess]) -> None:
        """Start devices; they find what they had kept."""
        port = self.installation.port
        if self.plan.is_relayed:
            port = self.network.port
        options = [
            *("--broker", f"mqtt://127.0.0.1:{port}"),
            *("--secret-file", str(running.secret_file(self.data))),
            *("--keepalive", str(KEEPALIVE_S)),
            *("--clock-file", str(self.device_clock.path)),
        ]
        with self.hub_clock.inherited():
            for one in processes:
                one.switch_on(options)

    def wait_recovered(self) -> float:
        """Wait until new readings of all devices are on disk too; returns the seconds.

        They contain the two seconds within which the recorder tells a device.
        """
        return seconds_until_well(
            self._steady, self.confirmations, timeout_s=RECOVERY_TIMEOUT_S
        )

    def wait_flowing(self) -> None:
        """Wait until every device has made readings that are on disk."""
        deadline = time.monotonic() + RECOVERY_TIMEOUT_S
        while len(newest(self._steady)) < self.plan.beds + self.plan.lines:
            assert time.monotonic() < deadline, "never: every device makes readings"
            time.sleep(0.05)
        self.wait_recovered()

    def end_load(self) -> None:
        """Switch the devices off; they wait until all they made is confirmed."""
        processes = [*self.devices, *self.eventful]
        for one in processes:
            one.ask_to_end()
        wait_kept(self.lines)
        wait_confirmed(
            newest(one.tail for one in self.lines),
            self.confirmations,
            deadline_s=time.monotonic() + RECOVERY_TIMEOUT_S,
        )
        for one in processes:
            one.wait_ended()

    def verify(self, *arguments: str) -> Comparison:
        """Compare all ledgers with what is stored."""
        ledgers = [tail.path for tail in self._tails]
        return verify(ledgers, self.data, *arguments)

    def verify_influxdb(self) -> Comparison:
        """Compare the ledgers with what is in InfluxDB, once everything is shipped."""
        deadline = time.monotonic() + RECOVERY_TIMEOUT_S
        verdict = self.verify("--store", "influxdb")
        while verdict.lost and time.monotonic() < deadline:
            time.sleep(1)
            verdict = self.verify("--store", "influxdb")
        return verdict

    def named_losses(self) -> int:
        """Return how many readings of the ledgers the recorder itself names as lost."""
        url = history_url(self.data, None)
        named = 0
        for ward, bed, made in chain.from_iterable(
            tail.newest_by_bed() for tail in self._tails
        ):
            with urllib.request.urlopen(f"{url}/v1/beds/{ward}/{bed}/gaps") as answer:
                for gap in json.load(answer):
                    newest = made.get((gap["device"], gap["boot"]), 0)
                    last = min(gap["last_seq"], newest)
                    named += max(0, last - gap["first_seq"] + 1)
        return named

    def wrong_alarms(self) -> list[str]:
        """Say which alarms are lost or doubled; none where nothing raises any."""
        if "alerting" not in self.plan.services:
            return []
        return self.alarms.wrongs(self.data / "alerting" / "alarms.sqlite")

    def journal_files(self) -> list[Path]:
        """Return the journal's files, oldest first."""
        return sorted((self.data / "recorder").glob("*.journal"))

    # Its life.

    @property
    def _steady(self) -> list[LedgerTail]:
        """The ledgers of devices that have something to say each second."""
        return [
            *(one.tail for one in self.devices),
            *(one.tail for one in self.lines),
        ]

    @property
    def _tails(self) -> list[LedgerTail]:
        return [*self._steady, *(one.tail for one in self.eventful)]

    def _installation(self) -> Installation:
        config = self.folder / "site.toml"
        lines = "".join(one.settings() for one in self.lines)
        config.write_text(self.plan.site() + lines, encoding="utf-8")
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

    def admit_patients(self) -> None:
        """Put somebody into the eventful beds: alarms are somebody's."""
        if self.plan.eventful_beds:
            hub = self.installation
            admit_everybody(self.data, hub.broker_url, hub.site.wards_by_id())

    def close(self) -> None:
        """End all devices that still run."""
        for one in (*self.devices, *self.eventful):
            one.close()

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
        hospital.admit_patients()
        port = hospital.installation.port
        hospital.network = Network(port)
        hospital.confirmations = Confirmations(port, hospital.data)
        hospital.alarms = AlarmWatch(port, hospital.data)
        with (
            hospital.network.running(),
            hospital.confirmations.heard(),
            hospital.alarms.heard(),
            running_lines(hospital.lines),
        ):
            try:
                hospital.switch_on([*hospital.devices, *hospital.eventful])
                hospital.wait_flowing()
                yield hospital
            finally:
                hospital.close()
    finally:
        hospital.end_hub()
        thread.join(60)
