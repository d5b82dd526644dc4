"""A serial line: raw, eight bits, no parity, one stop bit, no flow control."""

import os
import select
import termios
import time
import tty

from monitorme.errors import ConfigError
from monitorme_firmware_bridge.sources import (
    READ_BYTES,
    WAIT_S,
    WRITE_S,
    Ended,
    Source,
    Stream,
)


class SerialPort(Source):
    """Opens a terminal device such as /dev/ttyUSB0."""

    def __init__(self, path: str, baud: int) -> None:
        speed = getattr(termios, f"B{baud}", None)
        if not isinstance(speed, int):
            raise ConfigError(f"{baud} is no serial speed that this system knows")
        self._path = path
        self._speed = speed

    def open(self) -> Stream:
        """Open it; raises OSError where it is not there."""
        file = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            self._set_up(file)
        except termios.error as error:
            os.close(file)
            raise OSError(f"{self._path} is no serial line: {error}") from error
        return _SerialStream(file)

    def _set_up(self, file: int) -> None:
        tty.setraw(file)
        settings = termios.tcgetattr(file)
        settings[2] |= termios.CLOCAL | termios.CREAD
        settings[2] &= ~(termios.CSTOPB | termios.CRTSCTS)
        settings[4] = settings[5] = self._speed
        termios.tcsetattr(file, termios.TCSANOW, settings)


class _SerialStream(Stream):
    def __init__(self, file: int) -> None:
        self._file = file

    def read(self) -> bytes:
        readable, _, _ = select.select([self._file], [], [], WAIT_S)
        if not readable:
            return b""
        data = os.read(self._file, READ_BYTES)
        if not data:
            raise Ended("the serial line has hung up")
        return data

    def write(self, data: bytes) -> None:
        deadline = time.monotonic() + WRITE_S
        while data:
            _, writable, _ = select.select([], [self._file], [], WAIT_S)
            if writable:
                data = data[os.write(self._file, data) :]
            elif time.monotonic() > deadline:
                raise TimeoutError("the device takes nothing")

    def close(self) -> None:
        os.close(self._file)
