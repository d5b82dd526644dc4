"""What services need of a message bus, and what they get from it.

`bus.py` implements this on MQTT and `monitorme.testing` in memory; one contract suite
runs against both. A bus is owned by one thread, which receives and acknowledges;
`publish` and `request` may be called from any other thread too.
"""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from monitorme.contract.payloads import Payload, Reply
from monitorme.contract.topics import Topic


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message as it arrived.

    `duplicate` is MQTT's DUP flag: it may have been delivered before. `received_ms` is
    when this process read it.
    """

    topic: str
    payload: bytes
    received_ms: int
    retained: bool = False
    duplicate: bool = False


class Will(msgspec.Struct, frozen=True):
    """What the broker publishes, retained, when this connection breaks."""

    topic: str
    payload: bytes


class Batch(msgspec.Struct, frozen=True, gc=False):
    """Messages that are acknowledged together; `receipt` is the bus's own."""

    messages: Sequence[Message]
    receipt: object = None


class Publisher(Protocol):
    """The half of a bus that plugins may use."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection and the subscriptions."""

    def publish(
        self, topic: Topic | str, payload: Payload | bytes, *, retain: bool = False
    ) -> None:
        """Send a message with QoS 1; it is sent again until the broker confirms it.

        Returns at once, from any thread. An empty retained payload removes what was
        retained. Raises BusError where too much is waiting to be confirmed.
        """

    def when_confirmed(self, run: Callable[[], None]) -> None:
        """Have `run` called once everything published so far is confirmed.

        That may be at once. Only from the thread that owns the bus, which calls `run`
        too, from within the bus: it must be short and raise nothing.
        """

    def request(
        self,
        service: str,
        verb: str,
        args: Mapping[str, Any],
        *,
        by: str,
        timeout_s: float = 5.0,
    ) -> Reply:
        """Ask a service for something and wait for its answer.

        Not from the thread that owns the bus, which would wait for itself. Raises
        CommandFailed where the service refuses or does not answer in time.
        """


class Bus(Publisher, Protocol):
    """A connection to the broker, with a session that survives this process."""

    def receive(self, *, timeout_s: float) -> Batch | None:
        """Return the messages that have come, or None after `timeout_s` without any.

        Keeps the connection alive and reconnects meanwhile. A batch that is never
        acknowledged is delivered again after a reconnect or a restart.
        """

    def acknowledge(self, batch: Batch) -> None:
        """Acknowledge a batch once everything published before is confirmed.

        Acknowledging a batch of an earlier connection does nothing: it comes again.
        """

    def idle(self, *, seconds: float) -> None:
        """Keep the connection alive for a while without handing messages over."""

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until everything published is confirmed; says whether it was."""

    def close(self) -> None:
        """Disconnect; the session stays with the broker, and so does the birth."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
