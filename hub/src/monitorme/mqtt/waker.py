"""How another thread ends the wait of the bus's own."""

import contextlib
import socket


class Waker:
    """A pair of sockets: what is written into one makes the other readable."""

    def __init__(self) -> None:
        self._readable, self._writable = socket.socketpair()
        self._readable.setblocking(False)
        self._writable.setblocking(False)

    def fileno(self) -> int:
        """Return what to wait for, for select."""
        return self._readable.fileno()

    def wake(self) -> None:
        """End the wait that there is, or the next one; from any thread."""
        # Full means that it will wake up anyway; closed, that nobody is left to.
        with contextlib.suppress(BlockingIOError, OSError):
            self._writable.send(b"\0")

    def drain(self) -> None:
        """Be ready to wait again."""
        with contextlib.suppress(BlockingIOError):
            while self._readable.recv(4096):
                pass

    def close(self) -> None:
        """Close both ends."""
        self._readable.close()
        self._writable.close()
