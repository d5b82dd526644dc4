"""The message bus on MQTT 3.1.1; its parts are in `monitorme.mqtt`.

What makes it safe:
- A batch is acknowledged by hand, after what it led to was confirmed by the broker.
- Acknowledgements carry the epoch of their connection. After a broker's restart the
  same packet id may name another message: a late acknowledgement would lose that one.
- What was published stays until the broker confirms it, over reconnects, in order.
"""

import logging
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from monitorme.contract.payloads import Payload, Reply
from monitorme.contract.topics import CommandTopic, Topic
from monitorme.messaging import Batch
from monitorme.mqtt.connection import BREAKS, Connection
from monitorme.mqtt.outgoing import Outgoing
from monitorme.mqtt.received import Received
from monitorme.mqtt.requests import Request, Requests
from monitorme.mqtt.settings import BusSettings
from monitorme.mqtt.waker import Waker

__all__ = ["BusSettings", "MqttBus", "connect"]

log = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 1.0
"""The connection's keep-alive is seen to at least this often."""
LINGER_BELOW: Final = 1_500
"""After a read of so many messages the next does not wait for more."""


def connect(settings: BusSettings) -> "MqttBus":
    """Return a bus that connects, and reconnects, as it is used."""
    return MqttBus(settings)


class MqttBus:
    """A connection to the broker; implements `monitorme.messaging.Bus`.

    One thread owns it: that which receives. `publish` may be called from any thread,
    and so may `request`, which works the connection itself when the owner calls it.
    """

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._owner = threading.get_ident()
        self._connection = Connection(
            settings, on_accepted=self._go_on, on_subscribed=self._send_requests
        )
        unique = f"{os.getpid():x}-{time.time_ns() & 0xFFFFFFFF:x}"
        self._requests = Requests(settings.client_id[:32], unique)
        self._received = Received(self._requests.take)
        self._outgoing = Outgoing()
        self._waker = Waker()
        self._may_linger = True

    # What plugins use.

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection and the subscriptions."""
        return self._connection.is_subscribed

    def publish(
        self, topic: Topic | str, payload: Payload | bytes, *, retain: bool = False
    ) -> None:
        """Send a message with QoS 1; it is sent again until the broker confirms it."""
        data = payload if isinstance(payload, bytes) else payload.to_json()
        self._outgoing.add(str(topic).encode(), data, retain=retain)
        if threading.get_ident() != self._owner:
            self._waker.wake()

    def when_confirmed(self, run: Callable[[], None]) -> None:
        """Have `run` called once everything published so far is confirmed."""
        self._outgoing.when_confirmed(run)

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

        Raises CommandFailed where the service refuses or does not answer in time.
        """
        topic = CommandTopic(service, verb)
        request = self._requests.make(topic, args, by=by, timeout_s=timeout_s)
        try:
            self._await_answer(request, timeout_s)
        finally:
            self._requests.end(request)
        return request.outcome()

    # What the owner uses.

    def receive(self, *, timeout_s: float) -> Batch | None:
        """Return the messages that have come, or None after `timeout_s` without any."""
        self._owner = threading.get_ident()
        deadline = time.monotonic() + timeout_s
        while self._received.is_empty:
            self._round(max(0.0, deadline - time.monotonic()))
            if self._received.is_empty and time.monotonic() >= deadline:
                return None
        messages, packet_ids = self._received.hand_over(self._settings.batch_max)
        return Batch(messages, (self._connection.epoch, packet_ids))

    def acknowledge(self, batch: Batch) -> None:
        """Acknowledge a batch once everything published before is confirmed."""
        assert isinstance(batch.receipt, tuple)
        epoch, packet_ids = batch.receipt
        self._outgoing.when_confirmed(
            lambda: self._connection.acknowledge(epoch, packet_ids)
        )
        try:
            self._send_queued()
        except OSError as error:
            self._lose(error)

    def idle(self, *, seconds: float) -> None:
        """Keep the connection alive for a while without handing messages over."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            self._round(left_s)

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until everything published is confirmed; says whether it was."""
        return self._work_until(lambda: self._outgoing.is_empty, timeout_s)

    def wait_connected(self, timeout_s: float) -> bool:
        """Work the connection until it is up; says whether it came up."""
        return self._work_until(lambda: self.is_connected, timeout_s)

    def close(self) -> None:
        """Disconnect; the session stays with the broker, and so does the birth."""
        self._connection.close()
        self._received.forget()
        self._waker.close()

    def abort(self) -> None:
        """Break the connection without a word, as a crash does."""
        self._connection.drop()
        self._received.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # One round of work.

    def _work_until(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Work the connection until something is so; says whether it came about."""
        deadline = time.monotonic() + timeout_s
        while not is_done():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._round(left_s)
        return True

    def _round(self, timeout_s: float) -> None:
        """Wait for something to do, at most `timeout_s`, and do it."""
        if not self._connection.open(timeout_s):
            return
        try:
            self._subscribe_answers()
            self._send_queued()
            self._wait_and_read(min(timeout_s, LONGEST_WAIT_S))
            self._connection.keep_alive()
            self._send_queued()
        except BREAKS as error:
            self._lose(error)

    def _wait_and_read(self, timeout_s: float) -> None:
        connection, waker = self._connection, self._waker
        reading: list[Connection | Waker] = [connection, waker]
        writing = [connection] if connection.has_output else []
        readable, _, _ = select.select(reading, writing, [], timeout_s)
        if waker in readable:
            waker.drain()
        if connection in readable:
            if self._may_linger and self._settings.linger_ms and self.is_connected:
                time.sleep(self._settings.linger_ms / 1000)
            self._read()

    def _read(self) -> None:
        walked, is_more = self._connection.read()
        # While much comes anyway, lingering would only fill the kernel's buffer.
        self._may_linger = not is_more and len(walked.publishes) < LINGER_BELOW
        answers = self._received.take(walked.publishes)
        if answers:
            self._connection.acknowledge(self._connection.epoch, answers)
        if walked.confirmed:
            self._outgoing.confirm(walked.confirmed)

    def _send_queued(self) -> None:
        self._connection.send(self._outgoing.to_send())
        self._connection.flush()

    def _go_on(self) -> None:
        """Go on where the last connection ended: first what it left unconfirmed."""
        self._connection.send(self._outgoing.to_send_again())
        filters = [*self._settings.subscriptions, *self._requests.reply_topics]
        self._connection.subscribe(filters)

    def _lose(self, error: Exception) -> None:
        log.warning("connection lost: %s", error or type(error).__name__)
        self._connection.drop()
        self._received.forget()

    # Requests.

    def _await_answer(self, request: Request, timeout_s: float) -> None:
        if threading.get_ident() == self._owner:
            self._work_until(request.answered.is_set, timeout_s)
        else:
            self._waker.wake()
            request.answered.wait(timeout_s)

    def _subscribe_answers(self) -> None:
        if self.is_connected:
            for topic in self._requests.to_subscribe():
                self._connection.subscribe([topic])
            for topic in self._requests.to_unsubscribe():
                self._connection.unsubscribe(topic)

    def _send_requests(self, subscribed: list[str]) -> None:
        self._requests.send_unsent(
            subscribed, lambda request: self.publish(request.topic, request.command)
        )
