"""The life of the connection to the broker: the only module that knows paho.

paho connects, subscribes and keeps the connection alive. Publishes and
acknowledgements, the hot path, pass it by, in whole reads and whole writes.
"""

import logging
import random
import socket
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from monitorme.errors import BusError
from monitorme.mqtt.cork import CorkedSocket
from monitorme.mqtt.outgoing import FIRST_ID
from monitorme.mqtt.packets import MalformedPacket, Walked, acknowledgements
from monitorme.mqtt.settings import BusSettings

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 3.0
MISC_EVERY_S: Final = 1.0
"""How often paho looks after its keep-alive."""
BREAKS: Final = (OSError, MalformedPacket, ValueError)
"""What a connection that breaks raises wherever it is used."""
_REFUSED: Final = 0x80
"""A SUBACK's code for a subscription that was not granted."""


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


class Connection:
    """One connection after the other to the same broker, in one session.

    `on_accepted` is called when the broker accepts one, and has to `subscribe`;
    `on_subscribed` gets the filters that the broker granted. Only `open` waits, and
    only what is open may be used; using it may raise what `BREAKS` names, which is
    for the owner to answer with `drop`.
    """

    def __init__(
        self,
        settings: BusSettings,
        *,
        on_accepted: Callable[[], None],
        on_subscribed: Callable[[list[str]], None],
    ) -> None:
        self._settings = settings
        self._on_accepted = on_accepted
        self._on_subscribed = on_subscribed
        self._client = self._new_client()
        self._subscribing: dict[int, list[str]] = {}
        self._refused: BusError | None = None
        self._is_accepted = False
        self._is_subscribed = False
        self._accepted_times = 0
        self._epoch = 0
        self._retry_s = FIRST_RETRY_S
        self._retry_at_s = 0.0
        self._next_misc_s = 0.0

    @property
    def is_subscribed(self) -> bool:
        """Whether the broker has accepted the connection and the subscriptions."""
        return self._is_subscribed and self._client.corked is not None

    @property
    def epoch(self) -> int:
        """Tells one connection from another; a new one with every attempt."""
        return self._epoch

    # Beginning and ending.

    def open(self, timeout_s: float) -> bool:
        """Say whether there is a connection; tries to connect if it is time to.

        Raises BusError where the broker has refused a subscription: trying again helps
        nobody.
        """
        if self._refused is not None:
            raise self._refused
        if self._client.corked is not None:
            return True
        wait_s = self._retry_at_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            return False
        self._epoch += 1
        try:
            self._client.reconnect()
        except OSError as error:
            self._client.corked = None
            self._retry_later()
            log.info("no broker yet: %s", error)
            time.sleep(min(0.02, timeout_s))
        return self._client.corked is not None

    def close(self) -> None:
        """Disconnect in good order: the broker publishes no will."""
        if self._client.corked is not None:
            self._client.disconnect()
            self.drop()

    def drop(self) -> None:
        """Forget the connection; what it had delivered will be delivered again."""
        if self._client.corked is not None:
            self._client.corked.close()
        self._client.corked = None
        self._is_accepted = self._is_subscribed = False
        self._subscribing.clear()
        self._retry_later()

    def _retry_later(self) -> None:
        # Jitter spreads a hospital's services over the time after a broker's restart.
        self._retry_at_s = time.monotonic() + self._retry_s * random.uniform(0.5, 1.0)
        self._retry_s = min(self._retry_s * 2, LONGEST_RETRY_S)

    # While it is open.

    def fileno(self) -> int:
        """Return the file descriptor, for select."""
        return self._corked.fileno()

    @property
    def has_output(self) -> bool:
        """Whether something waits to be sent."""
        return self._corked.has_output

    def read(self) -> tuple[Walked, bool]:
        """Read once, and see to what is paho's; says also whether more may wait."""
        corked = self._corked
        walked, is_more = corked.read()
        while corked.pending():
            _check(self._client.loop_read())
        if corked.has_ended:
            raise ConnectionResetError("closed by the broker")
        return walked, is_more

    def send(self, packets: Iterable[bytes]) -> None:
        """Have packets sent by the next `flush`; asks for none before it is accepted."""
        corked = self._client.corked
        if corked is not None and self._is_accepted:
            for packet in packets:
                corked.send(packet)

    def acknowledge(self, epoch: int, packet_ids: list[bytes]) -> None:
        """Have messages acknowledged, unless they came over an earlier connection."""
        corked = self._client.corked
        if corked is not None and epoch == self._epoch:
            corked.send(acknowledgements([one for one in packet_ids if one]))

    def flush(self) -> None:
        """Send what the kernel takes now; the remainder waits."""
        if self._client.corked is not None:
            self._client.corked.flush()

    def keep_alive(self) -> None:
        """Let paho do what is due, and send what it has to say."""
        now_s = time.monotonic()
        if now_s >= self._next_misc_s:
            self._next_misc_s = now_s + MISC_EVERY_S
            _check(self._client.loop_misc())
        while self._client.want_write():
            _check(self._client.loop_write())

    @property
    def _corked(self) -> CorkedSocket:
        corked = self._client.corked
        assert corked is not None
        return corked

    # Subscribing.

    def subscribe(self, filters: list[str]) -> None:
        """Subscribe; where there is nothing to, the connection counts as subscribed."""
        if not filters:
            self._is_subscribed = True
            return
        _, mid = self._client.subscribe([(one, 1) for one in filters])
        assert mid is not None
        self._subscribing[mid] = filters

    def unsubscribe(self, topic: str) -> None:
        """End a subscription, in the session too."""
        self._client.unsubscribe(topic)

    # What paho calls.

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
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.connect_async(settings.host, settings.port, settings.keepalive_s)
        return client

    def _connected(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: object,
    ) -> None:
        if reason.is_failure:
            raise ConnectionRefusedError(f"the broker refuses the connection: {reason}")
        self._accepted_times += 1
        self._retry_s = FIRST_RETRY_S
        self._next_misc_s = time.monotonic() + MISC_EVERY_S
        if self._accepted_times > 1:
            log.info("connected again session_present=%s", flags.session_present)
        self._is_accepted = True
        self._on_accepted()

    def _subscribed(
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
                text = f"the broker refuses to let us read {wanted}"
                self._refused = BusError(text)
                return
        self._is_subscribed = True
        self._on_subscribed(filters)


def _check(code: int) -> None:
    if code != paho.MQTT_ERR_SUCCESS:
        raise ConnectionError(paho.error_string(MQTTErrorCode(code)))
