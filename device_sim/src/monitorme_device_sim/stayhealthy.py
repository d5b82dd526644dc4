"""A simulated device that speaks StayHealthy's protocol (docs/stayhealthy-protocol.md).

Written against the document alone: the bridge's decoder is another implementation of it.
"""

import socket
import struct
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Final

from monitorme.contract.readings import Lead, ReadingValue
from monitorme_device_sim.source import Sample, Source

_TYPES: Final = {"hello": 1, "records": 2, "kept": 3}
_VITALS: Final = {
    "heart_rate": 1,
    "ecg": 2,
    "respiratory_rate": 3,
    "oxygen_saturation": 4,
    "blood_glucose": 5,
    "sleep_state": 6,
    "body_temperature": 7,
    "blood_pressure": 8,
}
_QUALITIES: Final = {"good": 0, "questionable": 1, "invalid": 2}
_REASONS: Final = {
    "lead_off": 1,
    "probe_off": 2,
    "no_signal": 3,
    "out_of_range": 4,
    "motion": 5,
    "low_perfusion": 6,
    "demo": 7,
}
_PARTS: Final = {"systolic": 0, "diastolic": 1, "mean": 2}
_LEADS: Final = {
    name: number
    for number, name in enumerate(
        ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    )
}
_KEPT: Final = struct.Struct(">2sBBHQQI")
MAX_UNKEPT: Final = 100_000
PER_FRAME: Final = 20


def frame(kind: str, payload: bytes) -> bytes:
    """Return a frame."""
    body = struct.pack(">BBH", 1, _TYPES[kind], len(payload)) + payload
    return b"SH" + body + struct.pack(">I", zlib.crc32(body))


def hello(boot: int, name: str, firmware: str) -> bytes:
    """Return what a device says first."""
    texts = b"".join(
        bytes([len(text)]) + text for text in (name.encode(), firmware.encode())
    )
    return frame("hello", struct.pack(">Q", boot) + texts)


def records(boot: int, first_seq: int, packed: list[bytes]) -> bytes:
    """Return consecutive records in a frame."""
    head = struct.pack(">QQB", boot, first_seq, len(packed))
    return frame("records", head + b"".join(packed))


def record(sample: Sample, time_ms: int) -> bytes:
    """Return a sample as a record."""
    value = b"" if sample.value is None else _value(sample.value)
    reason = _REASONS.get(sample.reason or "", 0)
    head = struct.pack(
        ">BBBQH",
        _VITALS[sample.vital],
        _QUALITIES[sample.quality],
        reason,
        time_ms,
        len(value),
    )
    return head + value


def _value(value: ReadingValue) -> bytes:
    if isinstance(value, str):
        return bytes([("awake", "asleep").index(value)])
    if isinstance(value, dict):
        return b"".join(
            _lead(name, part) if isinstance(part, Lead) else _part(name, part)
            for name, part in value.items()
        )
    assert value is not None
    return struct.pack(">i", round(value * 1000))


def _part(name: str, value: float) -> bytes:
    return struct.pack(">Bi", _PARTS[name], round(value * 1000))


def _lead(name: str, lead: Lead) -> bytes:
    head = struct.pack(
        ">BIIiH",
        _LEADS[name],
        round(lead.rate_hz * 1000),
        round(lead.scale * 1e9),
        round(lead.offset * 1000),
        len(lead.samples),
    )
    return head + struct.pack(f">{len(lead.samples)}h", *lead.samples)


class StayHealthyDevice:
    """A device that waits to be connected to, and keeps what was not kept for it."""

    def __init__(
        self,
        source: Source,
        *,
        host: str,
        port: int,
        name: str = "sh-1",
        speed: float = 1,
    ) -> None:
        self._source = source
        self._name = name
        self._speed = speed
        self._boot = time.time_ns() // 1_000_000
        self._listener = socket.create_server((host, port))
        self._listener.settimeout(0.2)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._unkept: deque[tuple[int, bytes]] = deque(maxlen=MAX_UNKEPT)
        self.made = 0
        self._start_s = time.monotonic()
        self._start_ms = time.time_ns() // 1_000_000

    @property
    def boot(self) -> str:
        """The boot as the hub names it."""
        return f"{self._boot:016x}"

    @property
    def unkept(self) -> int:
        """How many records nobody has on disk yet."""
        return len(self._unkept)

    def run(self, ending: threading.Event, *, seconds: float | None = None) -> None:
        """Serve one bridge after the other until ended; drains when the time is over."""
        samples = self._source.samples()
        waiting = next(samples, None)
        with self._listener:
            while not ending.is_set():
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    waiting = self._measure(samples, waiting, seconds)
                    continue
                with connection:
                    try:
                        waiting = self._serve(
                            connection, samples, waiting, ending, seconds
                        )
                    except OSError:
                        continue

    def _serve(
        self,
        connection: socket.socket,
        samples: Iterator[Sample],
        waiting: Sample | None,
        ending: threading.Event,
        seconds: float | None,
    ) -> Sample | None:
        connection.settimeout(0.02)
        connection.sendall(hello(self._boot, self._name, "1.0"))
        sent, answer = 0, b""
        while not ending.is_set():
            waiting = self._measure(samples, waiting, seconds)
            sent = self._send(connection, sent)
            try:
                data = connection.recv(4096)
            except TimeoutError:
                continue
            if not data:
                return waiting
            answer = self._forget(answer + data)
        return waiting

    def _measure(
        self, samples: Iterator[Sample], waiting: Sample | None, seconds: float | None
    ) -> Sample | None:
        """Make records of the samples whose time has come; return the next one."""
        now_s = time.monotonic() - self._start_s
        if seconds is not None:
            now_s = min(now_s, seconds)
        while waiting is not None and waiting.at_ms <= now_s * 1000 * self._speed:
            if waiting.vital in _VITALS:
                self.made += 1
                at_ms = self._start_ms + int(waiting.at_ms / self._speed)
                packed = record(waiting, at_ms + waiting.clock_offset_ms)
                self._unkept.append((self.made, packed))
            waiting = next(samples, None)
        return waiting

    def _send(self, connection: socket.socket, sent: int) -> int:
        """Send what this connection has not been sent; return the newest seq sent."""
        fresh = [one for one in self._unkept if one[0] > sent]
        for start in range(0, len(fresh), PER_FRAME):
            part = fresh[start : start + PER_FRAME]
            packed = [data for _, data in part]
            connection.sendall(records(self._boot, part[0][0], packed))
        return fresh[-1][0] if fresh else sent

    def _forget(self, data: bytes) -> bytes:
        """Forget what the bridge has on disk; return what is unfinished."""
        while len(data) >= _KEPT.size:
            _, _, _, _, boot, seq, _ = _KEPT.unpack_from(data)
            data = data[_KEPT.size :]
            while boot == self._boot and self._unkept and self._unkept[0][0] <= seq:
                self._unkept.popleft()
        return data
