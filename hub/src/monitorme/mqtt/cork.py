"""A socket that reads much at once, and writes once a round."""

import contextlib
import socket
from typing import Final

from monitorme.mqtt.packets import Walked, walk

READ_BYTES: Final = 256 * 1024


class CorkedSocket:
    """Stands before a connected socket: paho reads and writes here, the bus there.

    `read` walks everything that has come; what is not on the hot path waits for paho's
    `recv`. `send` collects until `flush`.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._rest = b""
        self._for_paho = bytearray()
        self._out = bytearray()
        self._ended = False

    # What paho asks of a socket.

    def recv(self, size: int) -> bytes:
        """Return what is left for paho; like a socket that does not block."""
        if not self._for_paho:
            if self._ended:
                return b""
            raise BlockingIOError
        taken = bytes(self._for_paho[:size])
        del self._for_paho[:size]
        return taken

    def send(self, data: bytes) -> int:
        """Collect what to send."""
        self._out += data
        return len(data)

    def pending(self) -> int:
        """Return how many bytes are left for paho."""
        return len(self._for_paho)

    def fileno(self) -> int:
        """Return the file descriptor, for select."""
        return self._inner.fileno()

    def setblocking(self, blocking: bool) -> None:
        """Pass on whether the socket blocks."""
        self._inner.setblocking(blocking)

    def close(self) -> None:
        """Send what the kernel still takes, such as a DISCONNECT, and close."""
        with contextlib.suppress(OSError):
            self.flush()
        self._inner.close()

    # What the bus asks of it.

    @property
    def has_output(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._out)

    def read(self) -> tuple[Walked, bool]:
        """Read once; says also whether more is likely to wait. Raises OSError.

        A connection that has ended shows in paho's next `recv`. Raises MalformedPacket
        where the other side does not speak MQTT.
        """
        try:
            data = self._inner.recv(READ_BYTES)
        except BlockingIOError:
            return Walked(), False
        if not data:
            self._ended = True
            return Walked(), False
        walked = walk(self._rest + data if self._rest else data)
        self._rest = walked.rest
        for packet in walked.others:
            self._for_paho += packet
        return walked, len(data) == READ_BYTES

    @property
    def has_ended(self) -> bool:
        """Whether the other side has closed."""
        return self._ended

    def flush(self) -> None:
        """Send what the kernel takes now; the remainder waits. Raises OSError."""
        while self._out:
            try:
                sent = self._inner.send(self._out)
            except BlockingIOError:
                return
            del self._out[:sent]
