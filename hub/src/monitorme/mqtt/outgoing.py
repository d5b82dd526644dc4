"""What is on its way out: published, not yet confirmed, and what waits for that."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from monitorme.errors import BusError
from monitorme.mqtt.packets import as_duplicate, publish_packet

FIRST_ID: Final = 1024
"""Smaller packet ids are paho's, for its subscriptions."""
LAST_ID: Final = 65_535
WINDOW: Final = 1_000
"""How many publishes may be unconfirmed on the wire."""
MAX_WAITING: Final = 60_000
"""How many may wait altogether: without a broker, about ten minutes of a ward."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    number: int
    topic: bytes
    payload: bytes
    retain: bool


class Outgoing:
    """Numbers publishes, keeps them until confirmed, and runs what waits for that.

    `add` may be called from any thread, everything else only from the bus's own.
    """

    def __init__(self) -> None:
        self._queue: deque[_Waiting] = deque()
        self._sent: dict[int, tuple[int, bytes]] = {}
        self._barriers: deque[tuple[int, Callable[[], None]]] = deque()
        self._lock = threading.Lock()
        self._number = 0
        self._next_id = FIRST_ID

    def add(self, topic: bytes, payload: bytes, *, retain: bool) -> None:
        """Queue a publish; raises BusError where too many wait."""
        with self._lock:
            if len(self._queue) + len(self._sent) >= MAX_WAITING:
                raise BusError(
                    f"{MAX_WAITING} messages wait for the broker to confirm them"
                )
            self._number += 1
            self._queue.append(_Waiting(self._number, topic, payload, retain))

    @property
    def is_empty(self) -> bool:
        """Whether everything has been confirmed."""
        return not self._queue and not self._sent

    def to_send(self) -> Iterable[bytes]:
        """Return the packets that may go out now, each once."""
        while self._queue and len(self._sent) < WINDOW:
            waiting = self._queue.popleft()
            packet_id = self._free_id()
            packet = publish_packet(
                waiting.topic, waiting.payload, packet_id, retain=waiting.retain
            )
            self._sent[packet_id] = (waiting.number, packet)
            yield packet

    def to_send_again(self) -> list[bytes]:
        """Return what an earlier connection sent without an answer, in order."""
        return [as_duplicate(packet) for _, packet in self._sent.values()]

    def confirm(self, packet_ids: Iterable[int]) -> None:
        """Forget confirmed publishes, and run what waited for them."""
        for packet_id in packet_ids:
            self._sent.pop(packet_id, None)
        while self._barriers and self._barriers[0][0] < self._oldest():
            self._barriers.popleft()[1]()

    def when_confirmed(self, run: Callable[[], None]) -> None:
        """Run something once everything added so far has been confirmed."""
        number = self._number
        if not self._barriers and number < self._oldest():
            run()
        else:
            self._barriers.append((number, run))

    def _oldest(self) -> int:
        """Return the number of the oldest unconfirmed publish."""
        for number, _ in self._sent.values():
            return number
        with self._lock:
            return self._queue[0].number if self._queue else self._number + 1

    def _free_id(self) -> int:
        while self._next_id in self._sent:
            self._advance()
        packet_id = self._next_id
        self._advance()
        return packet_id

    def _advance(self) -> None:
        self._next_id = FIRST_ID if self._next_id == LAST_ID else self._next_id + 1
