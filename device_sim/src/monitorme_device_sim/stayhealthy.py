"""A simulated device that speaks StayHealthy's protocol (docs/stayhealthy-protocol.md)."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

from monitorme.contract.readings import Reading
from monitorme_device_sim.source import Sample, Source
from monitorme_device_sim.stayhealthy_frames import (
    VITAL_CODES,
    AnswerReader,
    hello,
    record,
    records,
    to_thousandths,
)

MAX_UNKEPT: Final = 100_000
"""Records that the device has room for; the oldest go when there are more."""
PER_FRAME: Final = 20
WAIT_S: Final = 0.02
RETRY_S: Final = 0.2
MODEL: Final = "simulated SH-100"
FIRMWARE: Final = "1.0"


class StayHealthyDevice:
    """A device that numbers its records, and forgets those that the bridge has kept.

    It waits to be called at `listen`, or calls `connect`. One thread runs it; the figures
    may be read from others.
    """

    def __init__(
        self,
        source: Source,
        *,
        listen: tuple[str, int] | None = None,
        connect: tuple[str, int] | None = None,
        device: str = "sh-1",
        speed: float = 1,
        max_unkept: int = MAX_UNKEPT,
        on_made: Callable[[str, Reading], None] | None = None,
    ) -> None:
        """Begin to measure.

        `on_made` is told of every reading and its vital before it can be sent, as the
        hub will have it: under its boot's name, and to a thousandth.
        """
        self._on_made = on_made
        self._source = source
        self._device = device
        self._speed = speed
        self._max_unkept = max_unkept
        self._boot = time.time_ns() // 1_000_000
        self._connect = connect
        self._listener = socket.create_server(listen) if listen else None
        if self._listener is not None:
            self._listener.settimeout(RETRY_S)
        self._unkept: deque[tuple[int, bytes]] = deque()
        self._samples = source.samples()
        self._waiting = next(self._samples, None)
        self._start_s = time.monotonic()
        self._start_ms = time.time_ns() // 1_000_000
        self._sent = 0
        self.made = 0
        self.kept_through = 0
        self.resent = 0

    @property
    def address(self) -> tuple[str, int]:
        """Where it waits to be called."""
        assert self._listener is not None
        host, port = self._listener.getsockname()
        return host, port

    @property
    def boot(self) -> str:
        """The boot as the hub names it."""
        return f"{self._boot:016x}"

    @property
    def unkept(self) -> int:
        """How many records are on nobody else's disk yet."""
        return len(self._unkept)

    def run(self, ending: threading.Event, *, seconds: float | None = None) -> None:
        """Measure for a while, and serve one connection after the other until ended."""
        try:
            while not ending.is_set():
                self._measure(seconds)
                connection = self._opened()
                if connection is None:
                    continue
                with connection:
                    self._serve(connection, ending, seconds)
        finally:
            if self._listener is not None:
                self._listener.close()

    def _opened(self) -> socket.socket | None:
        """Wait a moment for a connection."""
        try:
            if self._listener is not None:
                return self._listener.accept()[0]
            assert self._connect is not None
            return socket.create_connection(self._connect, timeout=RETRY_S)
        except TimeoutError:
            return None
        except OSError:
            time.sleep(RETRY_S)
            return None

    def _serve(
        self,
        connection: socket.socket,
        ending: threading.Event,
        seconds: float | None,
    ) -> None:
        """Send and hear until the connection breaks; another one follows then."""
        connection.settimeout(WAIT_S)
        answers = AnswerReader()
        try:
            self._greet(connection)
            while not ending.is_set():
                self._measure(seconds)
                self._send(connection)
                try:
                    data = connection.recv(4096)
                except TimeoutError:
                    continue
                if not data:
                    return
                self._hear(connection, answers, data)
        except OSError:
            return

    def _greet(self, connection: socket.socket) -> None:
        """Say hello; what is not kept is sent after it."""
        oldest = self._unkept[0][0] if self._unkept else self.made + 1
        vitals = self._source.vitals
        greeting = hello(
            self._boot,
            oldest,
            self._device,
            model=MODEL,
            firmware=FIRMWARE,
            vitals=vitals,
        )
        self._write(connection, greeting)
        self._sent = oldest - 1

    def _measure(self, seconds: float | None) -> None:
        """Make records of the samples whose time has come."""
        now_s = time.monotonic() - self._start_s
        if seconds is not None:
            now_s = min(now_s, seconds)
        while self._waiting and self._waiting.at_ms <= now_s * 1000 * self._speed:
            self._make(self._waiting)
            self._waiting = next(self._samples, None)

    def _make(self, sample: Sample) -> None:
        if sample.vital not in VITAL_CODES:
            return
        at_ms = self._start_ms + int(sample.at_ms / self._speed)
        time_ms = at_ms + sample.clock_offset_ms
        self.made += 1
        if self._on_made is not None:
            self._on_made(sample.vital, self._reading(sample, time_ms))
        self._unkept.append((self.made, record(sample, time_ms)))
        if len(self._unkept) > self._max_unkept:
            self._unkept.popleft()

    def _reading(self, sample: Sample, time_ms: int) -> Reading:
        return Reading(
            *(
                self._device,
                self.boot,
                self.made,
                time_ms,
                to_thousandths(sample.value),
            ),
            *(sample.quality, sample.reason),
        )

    def _send(self, connection: socket.socket) -> None:
        """Send what this connection has not been sent, in order."""
        while self._unkept and self._sent < self._unkept[-1][0]:
            oldest = self._unkept[0][0]
            first = max(self._sent + 1, oldest)
            start = first - oldest
            part = [one for _, one in islice(self._unkept, start, start + PER_FRAME)]
            self._write(connection, records(self._boot, first, part))
            self._sent = first + len(part) - 1

    def _hear(
        self, connection: socket.socket, answers: AnswerReader, data: bytes
    ) -> None:
        for answer in answers.feed(data):
            if answer.boot != self._boot:
                continue
            if answer.kind == "kept":
                self._forget(answer.seq)
            elif self._unkept and self._unkept[0][0] > answer.seq:
                self.resent += 1
                self._greet(connection)
            else:
                self.resent += 1
                self._sent = answer.seq - 1

    def _forget(self, seq: int) -> None:
        self.kept_through = max(self.kept_through, seq)
        while self._unkept and self._unkept[0][0] <= seq:
            self._unkept.popleft()

    def _write(self, connection: socket.socket, data: bytes) -> None:
        connection.settimeout(5)
        connection.sendall(data)
        connection.settimeout(WAIT_S)
