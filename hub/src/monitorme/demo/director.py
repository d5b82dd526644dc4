"""Runs the demo: starts everything, shows it, ends it in good order."""

import sys
import threading
import time
import webbrowser
from typing import Any, Final

import click

from monitorme import logs
from monitorme.commands.connection import open_bus
from monitorme.contract import topics
from monitorme.contract.payloads import Service, decode
from monitorme.contract.topics import ServiceTopic
from monitorme.demo import report, stage
from monitorme.demo.people import Observer, admit_everybody
from monitorme.demo.stage import SIM, DemoOptions
from monitorme.errors import MonitorMeError
from monitorme.installation import Installation, prepare_data
from monitorme.plugin import wall_clock_ms
from monitorme.process import termination
from monitorme.ward_view import WardView, ward_filters

START_TIMEOUT_S: Final = 30.0


def direct(
    options: DemoOptions, *, seconds: float | None, open_page: bool
) -> dict[str, Any] | None:
    """Run the demo until Ctrl-C, or for a time; returns the report of a timed one."""
    prepare_data(options.data)
    files = stage.files(options.data)
    ports = stage.choose_ports(options.page_port)
    site = stage.write_site(options, ports)
    logs.configure("demo")
    began_s = time.monotonic()
    with (
        termination() as stopping,
        Installation(
            site, config=files.site, data=options.data, log_folder=files.logs
        ) as installation,
    ):
        stage.add_stand_ins(installation, ports)
        url = installation.broker_url
        admit_everybody(options.data, url, site.wards_by_id())
        stage.add_patients(installation, options)
        observer = Observer(options.data, url)
        observer.start()
        page = _wait_for_page(options, url, installation)
        click.echo(f"up in {time.monotonic() - began_s:.1f} s; the page: {page}")
        if open_page and seconds is None and sys.stdout.isatty():
            webbrowser.open(page)
        with _Screen(options, installation, page, live=seconds is None):
            installation.watch(stopping, timeout_s=seconds)
        if seconds is None:
            return None
        outcome = _measure(options, installation, observer)
    return {**outcome, "processor_s": installation.processor_s}


def _wait_for_page(
    options: DemoOptions, broker: str, installation: Installation
) -> str:
    """Return the page's address once the station has said it."""
    deadline = time.monotonic() + START_TIMEOUT_S
    wanted = [topics.service_filter(service="nurse_station")]
    with open_bus(options.data, broker, subscriptions=wanted) as bus:
        while time.monotonic() < deadline:
            installation.watch(threading.Event(), timeout_s=0)
            batch = bus.receive(timeout_s=0.2)
            for message in batch.messages if batch else ():
                if isinstance(topics.parse(message.topic), ServiceTopic):
                    page = decode(Service, message.payload).endpoints.get("page")
                    if page:
                        return page
            if batch is not None:
                bus.acknowledge(batch)
    raise MonitorMeError(
        f"the nurses' station did not start; see {stage.files(options.data).logs}"
    )


def _measure(
    options: DemoOptions, installation: Installation, observer: Observer
) -> dict[str, Any]:
    """End the simulated ward, let the system settle, and say what came of it."""
    files = stage.files(options.data)
    observer.stop()
    installation.stop(SIM)
    sent = report.made(files.sim_report)
    services = report.settle(options.data, installation.broker_url, sent)
    compared = report.verify(options.data, files.ledger)
    return report.summary(services, files, compared, observer)


class _Screen:
    """The ward as a live table, drawn by a thread while the demo runs."""

    def __init__(
        self, options: DemoOptions, installation: Installation, page: str, *, live: bool
    ) -> None:
        self._options = options
        self._broker = installation.broker_url
        self._catalogue = installation.site.catalogue()
        self._title = f"MonitorMe demo, not a medical device   {page}   Ctrl-C ends it"
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self._live = live and sys.stdout.isatty()

    def __enter__(self) -> None:
        if self._live:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        from rich.live import Live

        view = WardView("ward-a", (), self._catalogue)
        options, wanted = self._options, ward_filters("ward-a")
        with (
            open_bus(options.data, self._broker, subscriptions=wanted) as bus,
            Live(refresh_per_second=4, screen=True) as live,
        ):
            while not self._ending.is_set():
                batch = bus.receive(timeout_s=0.25)
                if batch is not None:
                    view.take(batch.messages)
                    bus.acknowledge(batch)
                live.update(view.table(wall_clock_ms(), title=self._title))
