"""The plugin host: runs one plugin on one bus, and says how it is."""

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from monitorme.contract import topics
from monitorme.contract.payloads import (
    LONGEST_TEXT,
    Priority,
    Service,
    ServiceState,
    ServiceTrouble,
)
from monitorme.errors import StorageError
from monitorme.messaging import Batch, Bus, Message
from monitorme.plugin import Context, Plugin
from monitorme.quarantine import Quarantine

log = logging.getLogger(__name__)

TICK_S: Final = 1.0
HEALTH_EVERY_MS: Final = 5_000
FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 5.0
TRIES: Final = 3
DRAIN_S: Final = 5.0
LONGEST_CODE: Final = 64
_NO_CODE: Final = re.compile(r"[^a-z0-9_]")


def subscriptions(plugin: type[Plugin[Any]], wards: tuple[str, ...]) -> tuple[str, ...]:
    """Return the filters of a plugin, narrowed to the wards that it serves."""
    return tuple(
        narrowed
        for wanted in plugin.subscriptions
        for narrowed in topics.narrow(wanted, wards)
    )


def birth(name: str, instance: str, version: str) -> Service:
    """Return the first word of a service."""
    now = time.time_ns() // 1_000_000
    return Service(
        service=name,
        instance=instance,
        state=ServiceState.STARTING,
        pid=os.getpid(),
        version=version,
        started_ms=now,
        time_ms=now,
    )


class Host:
    """Runs one plugin: receives, hands over, acknowledges, ticks, reports health."""

    def __init__(
        self,
        plugin: Plugin[Any],
        bus: Bus,
        *,
        born: Service,
        quarantine: Quarantine | None = None,
    ) -> None:
        self._plugin = plugin
        self._bus = bus
        self._born = born
        self._context: Context = plugin.context
        self._quarantine = quarantine or Quarantine(self._context.folder)
        self._lag_ms = 0.0
        self._next_tick_s = 0.0
        self._next_health_ms = 0
        self._told: set[str] = set()
        """The technical alarms that were last reported."""

    def run(
        self,
        should_stop: Callable[[], bool],
        *,
        started: Callable[[], None] = lambda: None,
    ) -> None:
        """Run the plugin until told to stop; drains what it published, then leaves.

        `started` is called when the plugin has started.
        """
        self._plugin.start()
        started()
        try:
            while not should_stop():
                self.step(timeout_s=TICK_S / 4)
            self._report(ServiceState.STOPPING)
            self._bus.flush(timeout_s=DRAIN_S)
        finally:
            self._plugin.stop()
        self._report(ServiceState.OFFLINE)
        self._bus.flush(timeout_s=DRAIN_S)

    def step(self, *, timeout_s: float) -> None:
        """Handle at most one batch, and tick where a second has passed."""
        batch = self._bus.receive(timeout_s=timeout_s)
        if batch is not None:
            self._handle(batch)
        if time.monotonic() >= self._next_tick_s:
            self._tick()

    def _handle(self, batch: Batch) -> None:
        self._deliver(batch.messages)
        self._bus.acknowledge(batch)
        counts = self._context.counts
        counts["messages"] += len(batch.messages)
        oldest_ms = batch.messages[0].received_ms
        self._lag_ms = max(self._lag_ms, self._context.now_ms() - oldest_ms)

    def _deliver(self, messages: Sequence[Message]) -> None:
        try:
            self._plugin.handle(messages)
        except StorageError as error:
            self._wait_for_storage(messages, error)
        # The boundary to a plugin: one bad message must not stop the others.
        except Exception as error:
            if len(messages) > 1:
                log.warning("batch failed, trying its messages singly error=%r", error)
                for message in messages:
                    self._deliver([message])
            else:
                self._retry_one(messages[0])

    def _wait_for_storage(self, messages: Sequence[Message], error: Exception) -> None:
        """Hold the batch, unacknowledged, until the disk takes it again."""
        wait_s = FIRST_RETRY_S
        while True:
            self._context.alarm("storage", f"cannot store: {error}", Priority.MEDIUM)
            log.error("cannot store, holding the batch wait_s=%.1f: %s", wait_s, error)
            self._report(ServiceState.RUNNING)
            self._bus.idle(seconds=wait_s)
            try:
                self._plugin.handle(messages)
            except StorageError as again:
                error, wait_s = again, min(wait_s * 2, LONGEST_RETRY_S)
                continue
            self._context.over("storage")
            return

    def _retry_one(self, message: Message) -> None:
        for attempt in range(1, TRIES):
            try:
                self._plugin.handle([message])
            except StorageError as error:
                self._wait_for_storage([message], error)
                return
            except Exception as error:
                log.warning(
                    "message failed topic=%s attempt=%d", message.topic, attempt + 1
                )
                failure = error
            else:
                return
        self._context.counts["failed"] += 1
        self._quarantine.keep(message, f"{type(failure).__name__}: {failure}")
        log.error("message set aside topic=%s", message.topic, exc_info=failure)

    def _tick(self) -> None:
        self._next_tick_s = time.monotonic() + TICK_S
        now_ms = self._context.now_ms()
        try:
            self._plugin.tick(now_ms)
        # The boundary to a plugin: a failing tick is told, and tried again.
        except Exception as error:
            self._context.counts["failed_ticks"] += 1
            self._context.trouble["tick"] = f"periodic work fails: {error}"
            log.exception("tick failed")
        else:
            self._context.trouble.pop("tick", None)
        if now_ms >= self._next_health_ms or self._told != self._context.alarms.keys():
            self._next_health_ms = now_ms + HEALTH_EVERY_MS
            self._report(ServiceState.RUNNING)
            self._lag_ms = 0.0

    def _report(self, state: ServiceState) -> None:
        context = self._context
        processor = time.process_time()
        troubles = tuple(
            ServiceTrouble(code=_code(subject), text=text[:LONGEST_TEXT])
            for subject, text in context.trouble.items()
        )
        health = self._born.model_copy(
            update={
                "state": state,
                "time_ms": context.now_ms(),
                "lag_ms": self._lag_ms,
                "counts": dict(context.counts),
                "figures": {**context.figures, "processor_s": processor},
                "endpoints": dict(context.endpoints),
                "trouble": tuple(one.text for one in troubles),
                "troubles": troubles,
                "alarms": tuple(context.alarms.values()),
            }
        )
        self._told = set(context.alarms)
        topic = topics.ServiceTopic(self._born.service, self._born.instance)
        self._bus.publish(topic, health, retain=True)


def _code(subject: str) -> str:
    """Return a subject as a code; it may hold the id of a device or a line."""
    return _NO_CODE.sub("_", subject.lower())[:LONGEST_CODE]
