"""What a bedside device needs of MQTT 3.1.1, for many devices in one asyncio process."""

import asyncio
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monitorme.mqtt.packets import (
    MalformedPacket,
    acknowledgements,
    publish_packet,
    remaining_length,
    walk,
)

WINDOW: Final = 20
"""How many publishes may be unacknowledged: what Mosquitto allows a client."""
_CONNACK, _SUBACK, _PINGRESP = 2, 9, 13
_PINGREQ: Final = b"\xc0\x00"
_DISCONNECT: Final = b"\xe0\x00"


@dataclass(frozen=True, slots=True)
class Login:
    """How a device introduces itself to the broker."""

    client_id: str
    password: str | None
    will_topic: str
    will: bytes
    subscriptions: tuple[str, ...]
    keepalive_s: int = 30


class DeviceProtocol(asyncio.Protocol):
    """One connection of one device.

    `ready` is set when the broker has accepted it and its subscriptions, `lost` when the
    connection is over. Publishes beyond the window wait in order.
    """

    def __init__(
        self, login: Login, on_message: Callable[[bytes, bytes], None]
    ) -> None:
        self._login = login
        self._on_message = on_message
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._waiting: deque[tuple[bytes, bytes, bool]] = deque()
        self._unacknowledged: set[int] = set()
        self._last_id = 1
        self._last_sent_s = 0.0
        self._unanswered_pings = 0
        self._progress_s = 0.0
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce the device."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send(connect_packet(self._login))

    def data_received(self, data: bytes) -> None:
        """Take packets in; a broker that does not speak MQTT is left."""
        try:
            walked = walk(self._rest + data)
        except MalformedPacket:
            self.abort()
            return
        self._rest = walked.rest
        for topic, packet_id, payload, _ in walked.publishes:
            self._on_message(topic, payload)
            if packet_id:
                self._send(acknowledgements([packet_id]))
        if walked.confirmed:
            self._unacknowledged.difference_update(walked.confirmed)
            self._progress_s = time.monotonic()
        for packet in walked.others:
            self._take(packet)
        self._send_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that it is over."""
        self._transport = None
        for future in (self.ready, self.lost):
            if not future.done():
                future.set_result(None)

    # the device's side

    @property
    def is_open(self) -> bool:
        """Whether the connection is there and accepted."""
        return self._transport is not None and self.ready.done()

    def publish(self, topic: bytes, payload: bytes, *, retain: bool = False) -> None:
        """Send with QoS 1, as soon as the window allows."""
        self._waiting.append((topic, payload, retain))
        self._send_waiting()

    @property
    def backlog(self) -> int:
        """How many publishes wait to be sent or acknowledged."""
        return len(self._waiting) + len(self._unacknowledged)

    def keep_alive(self) -> None:
        """Ping where nothing else was sent; leave a broker that does not answer.

        A broker that answers pings and acknowledges nothing is left as well: the window
        would stay full for ever.
        """
        if self._transport is None:
            return
        waited_s = time.monotonic() - self._progress_s
        is_stuck = self._unacknowledged and waited_s > 1.5 * self._login.keepalive_s
        if self._unanswered_pings > 1 or is_stuck:
            self.abort()
        elif time.monotonic() - self._last_sent_s > self._login.keepalive_s / 2:
            self._unanswered_pings += 1
            self._send(_PINGREQ)

    def disconnect(self) -> None:
        """Leave in good order, so that the will is not published."""
        if self._transport is not None:
            self._send(_DISCONNECT)
            self._transport.close()

    def abort(self) -> None:
        """Break the connection as a crash does."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, packet: bytes) -> None:
        kind = packet[0] >> 4
        if kind == _CONNACK:
            if packet[3] != 0:
                self.abort()
            elif self._login.subscriptions:
                self._send(subscribe_packet(self._login.subscriptions))
            else:
                self._be_ready()
        elif kind == _SUBACK:
            self._be_ready()
        elif kind == _PINGRESP:
            self._unanswered_pings = 0

    def _be_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def _send_waiting(self) -> None:
        if not self.ready.done():
            return
        while self._waiting and len(self._unacknowledged) < WINDOW:
            topic, payload, retain = self._waiting.popleft()
            self._last_id = self._last_id % 65_535 + 1
            # 1 is the subscription's; within a window of 20, ids come free in time.
            self._last_id = max(self._last_id, 2)
            if not self._unacknowledged:
                self._progress_s = time.monotonic()
            self._unacknowledged.add(self._last_id)
            self._send(publish_packet(topic, payload, self._last_id, retain=retain))

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._last_sent_s = time.monotonic()
            self._transport.write(data)


def connect_packet(login: Login) -> bytes:
    """Return a CONNECT with will, user name and password (3.1.1, section 3.1)."""
    flags = 0x04 | 0x08 | 0x20 | 0x80  # will, of QoS 1, retained; user name
    parts = [login.client_id.encode(), login.will_topic.encode(), login.will]
    parts.append(login.client_id.encode())
    if login.password is not None:
        flags |= 0x40
        parts.append(login.password.encode())
    head = struct.pack(">H4sBBH", 4, b"MQTT", 4, flags, login.keepalive_s)
    body = head + b"".join(_field(part) for part in parts)
    return b"\x10" + remaining_length(len(body)) + body


def subscribe_packet(filters: tuple[str, ...]) -> bytes:
    """Return a SUBSCRIBE with QoS 1 and packet id 1 (3.1.1, section 3.8)."""
    body = b"\x00\x01" + b"".join(_field(one.encode()) + b"\x01" for one in filters)
    return b"\x82" + remaining_length(len(body)) + body


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data
