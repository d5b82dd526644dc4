"""A broker and buses in memory, with MQTT's rules, for a plugin's own tests.

Persistent sessions queue while they are away, what was not acknowledged comes again
with DUP after a reconnect, retained messages come on every subscription, a message
matches a session once, and a dropped connection publishes its will. The contract suite
in tests/ runs against this and against real brokers, so that the two cannot diverge.
"""

import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from monitorme.contract import topics
from monitorme.contract.payloads import Command, Payload, Reply
from monitorme.errors import BusError
from monitorme.messaging import Batch, Message, Will
from monitorme.mqtt.requests import Request
from monitorme.plugin import wall_clock_ms

_command_numbers = itertools.count(1)


@dataclass(slots=True)
class _Session:
    client_id: str
    clean: bool
    filters: tuple[str, ...] = ()
    queue: deque[Message] = field(default_factory=deque)
    inflight: dict[int, Message] = field(default_factory=dict)
    bus: "MemoryBus | None" = None


class MemoryBroker:
    """Holds sessions and retained messages; `published` is everything ever sent."""

    def __init__(self) -> None:
        self.now_ms: Callable[[], int] = wall_clock_ms
        self.published: list[Message] = []
        self.retained: dict[str, bytes] = {}
        self._sessions: dict[str, _Session] = {}

    def connect(
        self,
        client_id: str,
        subscriptions: Sequence[str] = (),
        *,
        clean_session: bool = False,
        will: Will | None = None,
    ) -> "MemoryBus":
        """Open a connection, taking over the session that the client id left."""
        session = self._sessions.get(client_id)
        if session is not None and session.bus is not None:
            session.bus.drop()
            session = self._sessions.get(client_id)
        if session is None or clean_session:
            session = _Session(client_id, clean_session)
            self._sessions[client_id] = session
        session.clean = clean_session
        self._requeue(session)
        session.bus = MemoryBus(self, session, will)
        session.filters = tuple(subscriptions)
        self._send_retained(session)
        return session.bus

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Route a message to every session with a matching filter."""
        if retain:
            if payload:
                self.retained[topic] = payload
            else:
                self.retained.pop(topic, None)
        message = Message(topic, payload, self.now_ms())
        self.published.append(message)
        for session in self._sessions.values():
            if any(topics.matches(wanted, topic) for wanted in session.filters):
                session.queue.append(message)

    def last(self, topic: topics.Topic | str) -> bytes | None:
        """Return the payload last published to a topic, retained or not."""
        for message in reversed(self.published):
            if message.topic == str(topic):
                return message.payload
        return None

    def _send_retained(self, session: _Session) -> None:
        for topic, payload in self.retained.items():
            if any(topics.matches(wanted, topic) for wanted in session.filters):
                session.queue.append(
                    Message(topic, payload, self.now_ms(), retained=True)
                )

    def _requeue(self, session: _Session) -> None:
        """Put what was not acknowledged back in front, marked as a duplicate."""
        for message in reversed(session.inflight.values()):
            session.queue.appendleft(
                Message(
                    message.topic,
                    message.payload,
                    message.received_ms,
                    message.retained,
                    duplicate=True,
                )
            )
        session.inflight.clear()

    def _leave(self, session: _Session) -> None:
        session.bus = None
        if session.clean:
            self._sessions.pop(session.client_id, None)


class MemoryBus:
    """A connection to a MemoryBroker; implements `monitorme.messaging.Bus`."""

    def __init__(
        self, broker: MemoryBroker, session: _Session, will: Will | None
    ) -> None:
        self._broker = broker
        self._session = session
        self._will = will
        self._packet_ids = itertools.count(1)

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open."""
        return self._session.bus is self

    def publish(
        self,
        topic: topics.Topic | str,
        payload: Payload | bytes,
        *,
        retain: bool = False,
    ) -> None:
        """Send a message; it is confirmed at once."""
        if not self.is_connected:
            raise BusError("the connection is closed")
        data = payload if isinstance(payload, bytes) else payload.to_json()
        self._broker.publish(str(topic), data, retain=retain)

    def when_confirmed(self, run: Callable[[], None]) -> None:
        """Run it: everything is confirmed at once."""
        run()

    def request(
        self,
        service: str,
        verb: str,
        args: Mapping[str, Any],
        *,
        by: str,
        timeout_s: float = 5.0,
    ) -> Reply:
        """Send a request; only an answer that is given at once can be returned."""
        now = self._broker.now_ms()
        command = Command(
            id=f"{self._session.client_id}-{next(_command_numbers)}",
            time_ms=now,
            expires_ms=now + int(timeout_s * 1000),
            by=by,
            args=dict(args),
        )
        request = Request(topics.CommandTopic(service, verb), command)
        self.publish(request.topic, command)
        answer = self._broker.last(request.reply_topic)
        if answer is not None:
            request.answer(answer)
        return request.outcome()

    def receive(self, *, timeout_s: float) -> Batch | None:
        """Return everything that waits; never blocks."""
        del timeout_s
        if not self.is_connected or not self._session.queue:
            return None
        ids = []
        while self._session.queue:
            packet_id = next(self._packet_ids)
            self._session.inflight[packet_id] = self._session.queue.popleft()
            ids.append(packet_id)
        return Batch([self._session.inflight[i] for i in ids], (self, ids))

    def acknowledge(self, batch: Batch) -> None:
        """Acknowledge a batch, unless it is of an earlier connection."""
        assert isinstance(batch.receipt, tuple)
        owner, ids = batch.receipt
        if owner is not self or not self.is_connected:
            return
        for packet_id in ids:
            self._session.inflight.pop(packet_id, None)

    def idle(self, *, seconds: float) -> None:
        """Do nothing: time does not pass in memory."""

    def flush(self, *, timeout_s: float) -> bool:
        """Return True: everything is confirmed at once."""
        return True

    def close(self) -> None:
        """Disconnect in good order: no will."""
        if self.is_connected:
            self._broker._leave(self._session)

    def drop(self) -> None:
        """Break the connection as a crash does: the will is published."""
        if self.is_connected:
            self._broker._leave(self._session)
            if self._will is not None:
                self._broker.publish(self._will.topic, self._will.payload, retain=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
