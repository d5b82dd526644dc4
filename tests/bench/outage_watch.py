"""Listens to a ward: how old readings are on the bus, and when devices are told."""

import time
from collections import defaultdict
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Self

from monitorme.bus import MqttBus
from monitorme.commands.connection import open_bus
from monitorme.contract import topics
from monitorme.contract.payloads import Durable, Service, ServiceState, decode
from monitorme.contract.readings import decode_reading
from monitorme.contract.topics import DeviceTopic, ServiceTopic, VitalTopic
from monitorme.messaging import Message
from monitorme.testing.listening import heard

WARD: Final = "ward-3"
"""One of the 25, so that listening costs little."""
CAUGHT_UP_S: Final = 5.0


class Watch:
    """Listens from a thread of its own, between `with` and its end."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._url = folder, f"mqtt://127.0.0.1:{port}"
        self._bus_ms: list[int] = []
        self._told_ms: list[int] = []
        self._waiting: dict[str, dict[int, int]] = defaultdict(dict)
        self._said: Service | None = None
        self._listening = heard(self._bus, self._take)

    def __enter__(self) -> Self:
        self._listening.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.__exit__(None, None, None)

    def wait_for_recorder(self, timeout_s: float = 60.0) -> None:
        """Wait until the recorder says that it runs."""
        deadline_s = time.monotonic() + timeout_s
        while self._said is None or self._said.state is not ServiceState.RUNNING:
            if time.monotonic() > deadline_s:
                raise TimeoutError
            time.sleep(0.1)

    def begin(self) -> None:
        """Forget what was measured up to now."""
        self._bus_ms, self._told_ms = [], []

    def row(self) -> str:
        """Return what was measured, in ms."""
        bus_ms, told_ms = sorted(self._bus_ms), sorted(self._told_ms)
        return (
            f"{_of(bus_ms, 50):9,}{_of(bus_ms, 99):6,}"
            f"{_of(told_ms, 50):10,}{_of(told_ms, 99):8,}"
        )

    def shipped(self) -> int:
        """Return how many lines the recorder says it has shipped."""
        return self._said.counts.get("influxdb_lines", 0) if self._said else 0

    def figures(self) -> dict[str, float]:
        """Return what the recorder has measured itself."""
        return dict(self._said.figures) if self._said else {}

    def is_caught_up(self) -> bool:
        """Say whether InfluxDB has what came up to some seconds ago."""
        lag_s = self.figures().get("influxdb_lag_s", 0.0)
        return self.shipped() > 0 and lag_s < CAUGHT_UP_S

    def _bus(self) -> AbstractContextManager[MqttBus]:
        wanted = [
            topics.vital_filter(ward=WARD),
            topics.device_filter("durable", ward=WARD),
            topics.service_filter(service="recorder"),
        ]
        return open_bus(self._folder, self._url, subscriptions=wanted)

    def _take(self, message: Message) -> None:
        payload = message.payload
        now_ms = time.time_ns() // 1_000_000
        topic = topics.parse(message.topic)
        if isinstance(topic, VitalTopic):
            reading = decode_reading(payload)
            self._bus_ms.append(now_ms - reading.time_ms)
            self._waiting[reading.device][reading.seq] = reading.time_ms
        elif isinstance(topic, DeviceTopic) and payload:
            durable = decode(Durable, payload)
            waiting = self._waiting[durable.device]
            for seq in [one for one in waiting if one <= durable.seq]:
                self._told_ms.append(now_ms - waiting.pop(seq))
        elif isinstance(topic, ServiceTopic) and payload:
            self._said = decode(Service, payload)


def _of(ordered: list[int], percent: int) -> int:
    return (
        ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0
    )
