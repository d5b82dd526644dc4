"""A running installation: the broker and the services of a site, as child processes."""

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from monitorme import credentials, running
from monitorme.broker import choose
from monitorme.errors import ConfigError, MonitorMeError, StorageError
from monitorme.influxd import Influxd
from monitorme.loopback import require_loopback
from monitorme.site import BrokerKind, Site
from monitorme.supervisor import Child, Program, stop_all

log = logging.getLogger(__name__)

POLL_S: Final = 0.05
STOP_TIMEOUT_S: Final = 10.0
LOWEST_FREE_BYTES: Final = 64 * 1024 * 1024


class Installation:
    """Runs a site's broker, services and whatever else is added, until stopped.

    The broker starts first and stops last; the services start together, because each
    waits for the broker by itself. Use as a context manager, from one thread.
    """

    def __init__(
        self,
        site: Site,
        *,
        config: Path | None,
        data: Path,
        log_folder: Path | None = None,
    ) -> None:
        self.site = site
        self.data = data
        self._config = config
        self._log_folder = log_folder
        self._broker_child: Child | None = None
        self._influxd: Influxd | None = None
        self._influxdb_child: Child | None = None
        self._children: dict[str, Child] = {}
        self._stopped: dict[str, Child] = {}
        self._is_written_down = False
        self.host = site.broker.host
        self.port = site.broker.port

    @property
    def broker_url(self) -> str:
        """Where the broker listens."""
        return f"mqtt://{self.host}:{self.port}"

    @property
    def children(self) -> dict[str, Child]:
        """Every child by name, broker and InfluxDB included where they are ours."""
        ours = {"broker": self._broker_child, "influxdb": self._influxdb_child}
        return {name: one for name, one in ours.items() if one} | self._children

    def start(self) -> None:
        """Start broker and services; raises MonitorMeError where it cannot."""
        require_loopback(self.site.broker.host)
        self.site.catalogue()  # a mistake in it is told before anything starts
        prepare_data(self.data)
        self._refuse_twice()
        credentials.load_secret(running.secret_file(self.data))
        if self.site.broker.kind is not BrokerKind.EXTERNAL:
            self._start_broker()
        if self.site.influxdb.managed:
            self._start_influxdb()
        running.write(
            running.Running(
                pid=os.getpid(),
                broker_host=self.host,
                broker_port=self.port,
                started_ms=time.time_ns() // 1_000_000,
                data=self.data,
                influxdb_url=self._influxd.url if self._influxd else None,
            )
        )
        self._is_written_down = True
        for name in self.site.services:
            self.add(self.service(name))
        if self._influxd is not None:
            _set_up(self._influxd)

    def service(self, name: str) -> Program:
        """Return the program of one of the site's services."""
        command = [sys.executable, "-m", "monitorme", "run", name]
        if self._config is not None:
            command += ["--config", str(self._config)]
        command += ["--data", str(self.data), "--broker", self.broker_url]
        environment = self._influxd.environment if self._influxd else {}
        return Program(name, command, self._log_file(name), environment)

    def program(self, name: str, arguments: Sequence[str]) -> Program:
        """Return another of our own commands as a program."""
        command = [sys.executable, "-m", "monitorme", *arguments]
        return Program(name, command, self._log_file(name))

    def add(self, program: Program) -> Child:
        """Start a program and keep it running."""
        child = Child(program)
        child.start()
        self._children[program.name] = child
        return child

    def watch(self, until: threading.Event, *, timeout_s: float | None = None) -> None:
        """Keep everything running until the event, or for a time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not until.is_set() and (deadline is None or time.monotonic() < deadline):
            for child in self.children.values():
                child.watch()
            until.wait(POLL_S)

    def stop(self, *names: str) -> None:
        """Stop the named children, or everything.

        Everything is what was added first, so that it can still drain into the
        services, then the services, then broker and InfluxDB.
        """
        services = [name for name in self._children if name in self.site.services]
        added = [name for name in self._children if name not in services]
        for group in [names] if names else [added, services]:
            stop_all([self._children[name] for name in group], timeout_s=STOP_TIMEOUT_S)
        for name in names:
            self._stopped[name] = self._children.pop(name)
        if not names:
            ours = [self._broker_child, self._influxdb_child]
            stop_all([one for one in ours if one], timeout_s=STOP_TIMEOUT_S)
            # What is written down may be another installation's that refused us.
            if self._is_written_down:
                running.remove(self.data)

    @property
    def processor_s(self) -> dict[str, float]:
        """Processor seconds of every child that has ended, by name."""
        return {
            name: round(child.processor_s, 3)
            for name, child in {**self._stopped, **self.children}.items()
        }

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_broker(self) -> None:
        broker = choose(
            self.site.broker.kind,
            host=self.site.broker.host,
            port=self.site.broker.port,
            folder=self.data / "broker",
            secret_file=running.secret_file(self.data),
        )
        self.host, self.port = broker.host, broker.port
        child = Child(Program("broker", broker.command(), self._log_file("broker")))
        child.start()
        self._broker_child = child
        broker.wait_ready(timeout_s=STOP_TIMEOUT_S)

    def _start_influxdb(self) -> None:
        where = self.site.influxdb
        influxd = Influxd(
            folder=self.data / "influxdb", host=where.host, port=where.port
        )
        influxd.require_port()
        command = influxd.command()
        child = Child(Program("influxdb", command, self._log_file("influxdb")))
        child.start()
        self._influxd, self._influxdb_child = influxd, child

    def _refuse_twice(self) -> None:
        found = running.find(self.data)
        if found is not None and found.pid != os.getpid():
            raise ConfigError(
                f"{self.data} is in use by process {found.pid}; "
                "stop that one or name another folder with --data"
            )

    def _log_file(self, name: str) -> Path | None:
        return self._log_folder / f"{name}.log" if self._log_folder else None


def _set_up(influxd: Influxd) -> None:
    """Set InfluxDB up; where it does not come up, everything else runs all the same."""
    try:
        influxd.wait_ready()
        influxd.set_up()
    except MonitorMeError as error:
        log.error("InfluxDB cannot be used, the journal keeps everything: %s", error)


def prepare_data(data: Path) -> None:
    """Make the data folder; raises StorageError where it cannot be used."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        probe = data / ".writable"
        probe.write_bytes(b"x")
        probe.unlink()
        free = shutil.disk_usage(data).free
    except OSError as error:
        raise StorageError(
            f"cannot write to the data folder {data}: {error.strerror}; "
            "make it writable or name another with --data"
        ) from error
    if free < LOWEST_FREE_BYTES:
        raise StorageError(
            f"the disk of {data} has {free // 2**20} MiB free, at least "
            f"{LOWEST_FREE_BYTES // 2**20} are needed; free some or name another "
            "folder with --data"
        )
