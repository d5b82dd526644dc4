"""One plugin as a process: from its name to a host that runs until SIGTERM."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monitorme import credentials, logs, running
from monitorme.bus import BusSettings, connect
from monitorme.commands.connection import address
from monitorme.contract import topics
from monitorme.contract.payloads import ServiceState
from monitorme.errors import StorageError
from monitorme.host import Host, birth, subscriptions
from monitorme.installed import find_named
from monitorme.messaging import Will
from monitorme.plugin import Context
from monitorme.site import Site

log = logging.getLogger(__name__)


def client_id(name: str, instance: str) -> str:
    """Return the MQTT client id, and user name, of a service's instance."""
    return topics.check_id(f"{name.replace('_', '-')}-{instance}", "client")


def keep_what_is_there() -> None:
    """Look for garbage no more in what has been made up to now.

    A service that has started holds some hundred thousand objects of its libraries, which
    stay. To look through them took 30 to 40 ms, again and again, in which nothing else ran.
    """
    gc.collect()
    gc.freeze()


def run_plugin(
    name: str, *, config: Path | None, data: Path, broker: str | None, instance: str
) -> None:
    """Run a plugin until SIGTERM or SIGINT; raises MonitorMeError where it cannot."""
    identity = client_id(name, instance)
    logs.configure(identity)
    site = Site.load(config)
    distribution = find_named(name)
    make = distribution.plugin()
    settings = site.plugin_config(make)
    host, port = address(broker) if broker else _site_broker(site, data)
    born = birth(name, instance, distribution.version)
    dead = born.model_copy(update={"state": ServiceState.OFFLINE})
    bus_settings = BusSettings(
        host=host,
        port=port,
        client_id=identity,
        password=credentials.password_on(data, identity),
        subscriptions=subscriptions(make, settings.wards),
        will=Will(str(topics.ServiceTopic(name, instance)), dead.to_json()),
        keepalive_s=site.broker.keepalive_s,
        linger_ms=make.linger_ms,
    )
    with termination() as stopping, connect(bus_settings) as bus:
        plugin = make(
            settings,
            Context(
                bus=bus,
                catalogue=site.catalogue(),
                folder=_folder(data, name, instance),
                wards=site.wards_by_id(),
                instance=instance,
            ),
        )
        log.info("starting pid=%d broker=%s:%d", os.getpid(), host, port)
        Host(plugin, bus, born=born).run(stopping.is_set, started=keep_what_is_there)
    log.info("stopped")


def _site_broker(site: Site, data: Path) -> tuple[str, int]:
    """Return the broker of what runs on the data folder, or else the configured one."""
    found = running.find(data)
    if found is not None:
        return found.broker_host, found.broker_port
    return site.broker.host, site.broker.port


def _folder(data: Path, name: str, instance: str) -> Path:
    folder = data / (name if instance == "1" else f"{name}-{instance}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror}") from error
    return folder


@contextmanager
def termination() -> Iterator[threading.Event]:
    """Set an event at SIGTERM and SIGINT, and at the end put back what was there."""
    stopping = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
