"""How commands reach the bus of what is running."""

import getpass
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitorme import credentials, running
from monitorme.contract import topics
from monitorme.errors import BusError, ConfigError, MonitorMeError
from monitorme.messaging import Message

if TYPE_CHECKING:
    from monitorme.bus import MqttBus

CONNECT_TIMEOUT_S = 5.0
RECORDER_TIMEOUT_S = 5.0
"""How long a recorder may take to say where it is: one that was killed is just back."""


def address(url: str) -> tuple[str, int]:
    """Return host and port of an mqtt:// URL; raises ConfigError."""
    parts = urlsplit(url if "//" in url else f"mqtt://{url}")
    if parts.scheme != "mqtt" or not parts.hostname:
        raise ConfigError(f"{url!r} is not a broker; write mqtt://HOST:PORT")
    return parts.hostname, parts.port or 1883


@contextmanager
def open_bus(
    data: Path, broker: str | None = None, *, subscriptions: Sequence[str] = ()
) -> "Iterator[MqttBus]":
    """Connect as a command, without leaving a session behind.

    Raises MonitorMeError where nothing runs, and BusError where nothing answers.
    """
    from monitorme.bus import BusSettings, connect

    url = broker or running.broker_url(data)
    host, port = address(url)
    client_id = f"cli-{os.getpid()}-{secrets.token_hex(3)}"
    settings = BusSettings(
        host=host,
        port=port,
        client_id=client_id,
        password=credentials.password_on(data, client_id),
        subscriptions=tuple(subscriptions),
        clean_session=True,
    )
    with connect(settings) as bus:
        if not bus.wait_connected(CONNECT_TIMEOUT_S):
            raise BusError(f"no answer from the broker at {url}")
        yield bus


def who() -> str:
    """Return who sits at the command line."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def collect(
    bus: "MqttBus", *, quiet_s: float = 0.3, most_s: float = 3.0
) -> list[Message]:
    """Return what is retained: everything until nothing has come for `quiet_s`."""
    messages: list[Message] = []
    end = time.monotonic() + most_s
    while time.monotonic() < end:
        batch = bus.receive(timeout_s=quiet_s)
        if batch is None:
            break
        messages += batch.messages
        bus.acknowledge(batch)
    return messages


def history_url(data: Path, broker: str | None = None) -> str:
    """Return where the recorder of what runs serves history; raises MonitorMeError."""
    from monitorme.commands.status import services_in

    wanted = [topics.service_filter(service="recorder")]
    end = time.monotonic() + RECORDER_TIMEOUT_S
    with open_bus(data, broker, subscriptions=wanted) as bus:
        while time.monotonic() < end:
            for service in services_in(collect(bus)):
                if "history" in service.endpoints:
                    return service.endpoints["history"]
    raise MonitorMeError("no recorder has said where it serves history; is it running?")
