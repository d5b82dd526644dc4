"""The message bus on MQTT 3.1.1: the only module that knows paho.

paho connects, subscribes and keeps the connection alive; publishes and
acknowledgements, the hot path, are handled here in whole reads and whole writes (see
`monitorme.mqtt`).

What makes it safe:
- A batch is acknowledged by hand, after what it led to was confirmed by the broker.
- Acknowledgements carry the epoch of their connection. After a broker's restart the
  same packet id may name another message: a late acknowledgement would lose that one.
- What was published stays until the broker confirms it, over reconnects, in order.
"""

import contextlib
import logging
import os
import random
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from monitorme.contract.payloads import Command, Payload, Reply
from monitorme.contract.topics import CommandTopic, Topic
from monitorme.errors import BusError, CommandFailed
from monitorme.messaging import Batch, Message, Will
from monitorme.mqtt.cork import CorkedSocket
from monitorme.mqtt.outgoing import FIRST_ID, Outgoing
from monitorme.mqtt.packets import (
    PLAIN,
    MalformedPacket,
    Walked,
    acknowledgements,
    is_duplicate,
    is_retained,
)
from monitorme.mqtt.requests import Request, Requests

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 3.0
MISC_EVERY_S: Final = 1.0
LINGER_BELOW: Final = 1_500
"""After a read of so many messages the next does not wait for more."""
MAX_CACHED_TOPICS: Final = 100_000
_REFUSED: Final = 0x80
"""A SUBACK's code for a subscription that was not granted."""


@dataclass(frozen=True, slots=True)
class BusSettings:
    """How to connect, and as whom."""

    host: str
    port: int
    client_id: str
    password: str | None = None
    subscriptions: tuple[str, ...] = ()
    will: Will | None = None
    clean_session: bool = False
    keepalive_s: int = 30
    linger_ms: int = 5
    batch_max: int = 5_000


def connect(settings: BusSettings) -> "MqttBus":
    """Return a bus that connects, and reconnects, as it is used."""
    return MqttBus(settings)


class _Client(paho.Client):
    """paho's client on a corked socket, with packet ids that leave ours alone."""

    corked: CorkedSocket | None = None

    def _create_socket(self) -> "SocketLike":
        connection = cast(socket.socket, super()._create_socket())
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.corked = CorkedSocket(connection)
        return cast("SocketLike", self.corked)

    def _mid_generate(self) -> int:
        self._last_mid = self._last_mid % (FIRST_ID - 1) + 1
        return self._last_mid


class MqttBus:
    """A connection to the broker; implements `monitorme.messaging.Bus`.

    One thread owns it: that which receives. `publish` may be called from any thread,
    and so may `request`, which works the connection itself when the owner calls it.
    """

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._owner = threading.get_ident()
        self._client = self._new_client()
        self._outgoing = Outgoing()
        unique = f"{os.getpid():x}-{time.time_ns() & 0xFFFFFFFF:x}"
        self._requests = Requests(settings.client_id[:32], unique)
        self._new_requests: deque[Request] = deque()
        self._subscribing: dict[int, list[str]] = {}
        self._messages: list[Message] = []
        self._packet_ids: list[bytes] = []
        self._topics: dict[bytes, str] = {}
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._epoch = 0
        self._is_accepted = False
        self._is_subscribed = False
        self._may_linger = True
        self._retry_s = FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._next_misc_s = 0.0
        self._fatal: BusError | None = None
        self.counts: dict[str, int] = {"connections": 0}

    # What plugins use.

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted the connection and the subscriptions."""
        return self._is_subscribed and self._client.corked is not None

    def publish(
        self, topic: Topic | str, payload: Payload | bytes, *, retain: bool = False
    ) -> None:
        """Send a message with QoS 1; it is sent again until the broker confirms it."""
        data = payload if isinstance(payload, bytes) else payload.to_json()
        self._outgoing.add(str(topic).encode(), data, retain=retain)
        if threading.get_ident() != self._owner:
            self._wake()

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
        now_ms = time.time_ns() // 1_000_000
        command = Command(
            id=self._requests.new_id(),
            time_ms=now_ms,
            expires_ms=now_ms + int(timeout_s * 1000),
            by=by,
            args=dict(args),
        )
        request = Request(CommandTopic(service, verb), command)
        self._new_requests.append(request)
        try:
            self._await_answer(request, timeout_s)
        finally:
            self._requests.remove(request)
        if request.reply is None:
            raise CommandFailed(f"{service} did not answer {verb} in {timeout_s:g} s")
        if not request.reply.ok:
            raise CommandFailed(request.reply.error or f"{service} refused {verb}")
        return request.reply

    # What the owner uses.

    def receive(self, *, timeout_s: float) -> Batch | None:
        """Return the messages that have come, or None after `timeout_s` without any."""
        self._owner = threading.get_ident()
        deadline = time.monotonic() + timeout_s
        while not self._messages:
            self._round(max(0.0, deadline - time.monotonic()))
            if not self._messages and time.monotonic() >= deadline:
                return None
        return self._next_batch()

    def acknowledge(self, batch: Batch) -> None:
        """Acknowledge a batch once everything published before is confirmed."""
        assert isinstance(batch.receipt, tuple)
        epoch, packets = batch.receipt
        self._outgoing.when_confirmed(
            lambda: self._send_acknowledgements(epoch, packets)
        )
        self._send_queued()
        self._flush()

    def idle(self, *, seconds: float) -> None:
        """Keep the connection alive for a while without handing messages over."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            self._round(left_s)

    def flush(self, *, timeout_s: float) -> bool:
        """Wait until everything published is confirmed; says whether it was."""
        deadline = time.monotonic() + timeout_s
        while not self._outgoing.is_empty:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._round(min(left_s, 0.05))
        return True

    def wait_connected(self, timeout_s: float) -> bool:
        """Work the connection until it is up; says whether it came up."""
        deadline = time.monotonic() + timeout_s
        while not self.is_connected:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._round(min(left_s, 0.1))
        return True

    def close(self) -> None:
        """Disconnect; the session stays with the broker, and so does the birth."""
        if self._client.corked is not None:
            self._client.disconnect()
            with contextlib.suppress(OSError):
                self._client.corked.flush()
            self._drop()
        self._wake_in.close()
        self._wake_out.close()

    def abort(self) -> None:
        """Break the connection without a word, as a crash does."""
        self._drop()

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

    def _round(self, timeout_s: float) -> None:
        """Wait for something to do, at most `timeout_s`, and do it."""
        if self._fatal is not None:
            raise self._fatal
        if self._client.corked is None and not self._connect(timeout_s):
            return
        corked = self._client.corked
        if corked is None:
            return
        try:
            self._subscribe_requests()
            self._send_queued()
            corked.flush()
            self._work(corked, timeout_s)
        except (OSError, MalformedPacket, ValueError) as error:
            log.warning("connection lost: %s", error or type(error).__name__)
            self._drop()

    def _work(self, corked: CorkedSocket, timeout_s: float) -> None:
        reading = [corked.fileno(), self._wake_in.fileno()]
        writing = [corked.fileno()] if corked.has_output else []
        timeout_s = min(timeout_s, MISC_EVERY_S)
        readable, _, _ = select.select(reading, writing, [], timeout_s)
        if self._wake_in.fileno() in readable:
            self._drain_wakes()
        if corked.fileno() in readable:
            if self._may_linger and self._settings.linger_ms and self._is_subscribed:
                time.sleep(self._settings.linger_ms / 1000)
            self._read(corked)
        now_s = time.monotonic()
        if now_s >= self._next_misc_s:
            self._next_misc_s = now_s + MISC_EVERY_S
            self._check(self._client.loop_misc())
        while self._client.want_write():
            self._check(self._client.loop_write())
        self._send_queued()
        corked.flush()

    def _read(self, corked: CorkedSocket) -> None:
        walked, is_more = corked.read()
        # While much comes anyway, lingering would only fill the kernel's buffer.
        self._may_linger = not is_more and len(walked.publishes) < LINGER_BELOW
        self._take(walked)
        while corked.pending():
            self._check(self._client.loop_read())
        if corked.has_ended:
            raise ConnectionResetError("closed by the broker")
        if walked.confirmed:
            self._outgoing.confirm(walked.confirmed)

    def _take(self, walked: Walked) -> None:
        received_ms = time.time_ns() // 1_000_000
        add, topics, ids = self._messages.append, self._topics, self._packet_ids
        for topic, packet_id, payload, first in walked.publishes:
            name = topics.get(topic)
            if name is None:
                # The topic of an answer is never learnt: it comes once.
                if self._requests.take(topic, payload):
                    self._send_acknowledgements(self._epoch, [packet_id])
                    continue
                name = self._learn(topic)
            if first == PLAIN:
                add(Message(name, payload, received_ms))
            else:
                flags = is_retained(first), is_duplicate(first)
                add(Message(name, payload, received_ms, *flags))
            ids.append(packet_id)

    def _learn(self, topic: bytes) -> str:
        if len(self._topics) >= MAX_CACHED_TOPICS:
            self._topics.clear()
        name = topic.decode(errors="replace")
        self._topics[topic] = name
        return name

    def _next_batch(self) -> Batch:
        size = self._settings.batch_max
        messages, self._messages = self._messages[:size], self._messages[size:]
        packet_ids, self._packet_ids = self._packet_ids[:size], self._packet_ids[size:]
        return Batch(messages, (self._epoch, packet_ids))

    def _forget_received(self) -> None:
        self._messages = []
        self._packet_ids = []

    # Going out.

    def _send_queued(self) -> None:
        corked = self._client.corked
        if corked is not None and self._is_accepted:
            for packet in self._outgoing.to_send():
                corked.send(packet)

    def _send_acknowledgements(self, epoch: int, packet_ids: list[bytes]) -> None:
        corked = self._client.corked
        if corked is not None and epoch == self._epoch:
            corked.send(acknowledgements([one for one in packet_ids if one]))

    def _flush(self) -> None:
        if self._client.corked is None:
            return
        try:
            self._client.corked.flush()
        except OSError as error:
            log.warning("connection lost: %s", error)
            self._drop()

    # Connecting.

    def _new_client(self) -> _Client:
        settings = self._settings
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            clean_session=settings.clean_session,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if settings.password is not None:
            client.username_pw_set(settings.client_id, settings.password)
        if settings.will is not None:
            client.will_set(settings.will.topic, settings.will.payload, 1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.connect_async(settings.host, settings.port, settings.keepalive_s)
        return client

    def _connect(self, timeout_s: float) -> bool:
        """Try to connect if it is time to; says whether there is a connection."""
        wait_s = self._retry_at_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            return False
        self._epoch += 1
        self._forget_received()
        try:
            self._client.reconnect()
        except OSError as error:
            self._client.corked = None
            self._retry_later()
            log.info("no broker yet: %s", error)
            time.sleep(min(0.02, timeout_s))
            return False
        return True

    def _retry_later(self) -> None:
        # Jitter spreads a hospital's services over the time after a broker's restart.
        self._retry_at_s = time.monotonic() + self._retry_s * random.uniform(0.5, 1.0)
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)

    def _drop(self) -> None:
        """Forget the connection; what it had delivered will be delivered again."""
        if self._client.corked is not None:
            self._client.corked.close()
        self._client.corked = None
        self._is_accepted = self._is_subscribed = False
        self._subscribing.clear()
        self._epoch += 1
        self._forget_received()
        self._retry_later()

    def _on_connect(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: object,
    ) -> None:
        if reason.is_failure:
            raise ConnectionRefusedError(f"the broker refuses the connection: {reason}")
        self.counts["connections"] += 1
        self._retry_s = FIRST_RETRY_S
        self._next_misc_s = time.monotonic() + MISC_EVERY_S
        if self.counts["connections"] > 1:
            log.info("connected again session_present=%s", flags.session_present)
        self._resume()
        wanted = [*self._settings.subscriptions, *self._requests.reply_topics]
        self._is_subscribed = not wanted
        if wanted:
            self._subscribe(wanted)

    def _subscribe(self, filters: list[str]) -> None:
        _, mid = self._client.subscribe([(one, 1) for one in filters])
        assert mid is not None
        self._subscribing[mid] = filters

    def _on_subscribe(
        self,
        client: paho.Client,
        userdata: object,
        mid: int,
        codes: list[ReasonCode],
        properties: object,
    ) -> None:
        filters = self._subscribing.pop(mid, [])
        for wanted, code in zip(filters, codes, strict=False):
            if code.value >= _REFUSED:
                self._fatal = BusError(f"the broker refuses to let us read {wanted}")
                return
        self._is_subscribed = True
        self._requests.send_unsent(filters, self._send_request)

    def _resume(self) -> None:
        """Go on where the last connection ended: first what it left unconfirmed."""
        self._is_accepted = True
        corked = self._client.corked
        assert corked is not None
        for packet in self._outgoing.to_send_again():
            corked.send(packet)

    def _check(self, code: int) -> None:
        if code != paho.MQTT_ERR_SUCCESS:
            raise ConnectionError(paho.error_string(MQTTErrorCode(code)))

    # Requests.

    def _await_answer(self, request: Request, timeout_s: float) -> None:
        if threading.get_ident() != self._owner:
            self._wake()
            request.answered.wait(timeout_s)
            return
        deadline = time.monotonic() + timeout_s
        while not request.answered.is_set():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return
            self._round(left_s)

    def _subscribe_requests(self) -> None:
        while self._is_subscribed and self._new_requests:
            request = self._new_requests.popleft()
            self._requests.add(request)
            self._subscribe([request.reply_topic])

    def _send_request(self, request: Request) -> None:
        self._outgoing.add(
            str(request.topic).encode(), request.command.to_json(), retain=False
        )

    # Waking up.

    def _wake(self) -> None:
        # Full means that it will wake up anyway; closed, that nobody is left to.
        with contextlib.suppress(BlockingIOError, OSError):
            self._wake_out.send(b"\0")

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_in.recv(4096):
                pass
