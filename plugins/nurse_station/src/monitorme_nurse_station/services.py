"""Whether the page can be relied on: the services behind it, in words for nurses."""

import time
from collections.abc import Mapping
from typing import Final

from monitorme.contract.payloads import ServiceAlarm

NEEDED: Final[Mapping[str, str]] = {
    "analysis": "ANALYSIS IS NOT RUNNING: nothing watches the limits, no alarm will come",
    "alerting": "ALERTING IS NOT RUNNING: alarms are not raised and cannot be taken on",
    "recorder": "the recorder is not running: no trends, devices keep their readings",
}
"""What it means for the page when one of these is not there."""
NO_BROKER: Final = "THE BROKER IS NOT REACHED: what is shown is old"
STUCK: Final = "THE STATION IS STUCK: what is shown is old"
SILENT_AFTER_MS: Final = 20_000
"""A service that says nothing for so long is taken for gone; it speaks every 5 s."""
GRACE_MS: Final = 5_000
"""A service has this long to be heard of for the first time."""
STUCK_AFTER_S: Final = 5.0
"""The host calls once a second; after this it does not any more."""


class Services:
    """Knows which services are there; not thread-safe, its owner locks."""

    def __init__(self, *, now_ms: int) -> None:
        self._started_ms = now_ms
        self._heard_ms: dict[tuple[str, str], int] = {}
        self._alarms: dict[tuple[str, str], tuple[ServiceAlarm, ...]] = {}
        self._ticked_s: float | None = None

    def take(
        self,
        service: str,
        instance: str,
        *,
        is_there: bool,
        now_ms: int,
        alarms: tuple[ServiceAlarm, ...] = (),
    ) -> None:
        """Note what an instance of a service says of itself."""
        if is_there:
            self._heard_ms[service, instance] = now_ms
            self._alarms[service, instance] = alarms
        else:
            self._heard_ms.pop((service, instance), None)
            self._alarms.pop((service, instance), None)

    def alarms(self) -> list[dict[str, str | int]]:
        """Return the technical alarms of services, as the page shows them.

        Those of a service that has gone went with it: that it has gone is told.
        """
        return [
            {
                "service": service,
                "code": one.code,
                "priority": one.priority.value,
                "text": one.text,
                "raised_ms": one.since_ms,
            }
            for (service, _), found in sorted(self._alarms.items())
            for one in found
        ]

    def tick(self) -> None:
        """Note that readings are still taken in."""
        self._ticked_s = time.monotonic()

    def troubles(self, *, is_connected: bool, now_ms: int) -> list[str]:
        """Return what a nurse has to know, worst first; nothing where all is well."""
        if not is_connected:
            return [NO_BROKER]
        since_s = time.monotonic() - (self._ticked_s or time.monotonic())
        if since_s > STUCK_AFTER_S:
            return [STUCK]
        if now_ms - self._started_ms < GRACE_MS:
            return []
        there = {
            service
            for (service, _), heard_ms in self._heard_ms.items()
            if now_ms - heard_ms <= SILENT_AFTER_MS
        }
        return [words for service, words in NEEDED.items() if service not in there]
