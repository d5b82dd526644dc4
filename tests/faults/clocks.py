"""Clocks that a test sets: the hub's, in all of its processes, and the devices'."""

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOUR_S = 3600


class HubClock:
    """By how much the time of day is wrong in every process of the hub."""

    def __init__(self, folder: Path, error_s: float = 0.0) -> None:
        self._path = folder / "hub-clock"
        self.error_s = error_s
        self.set(error_s)

    def set(self, error_s: float) -> None:
        """Have all processes jump."""
        self.error_s = error_s
        mode = "r+b" if self._path.exists() else "wb"
        with self._path.open(mode) as file:
            file.write(struct.pack("<q", int(error_s * 1e9)))

    @contextmanager
    def inherited(self) -> Iterator[None]:
        """Put the processes that are started meanwhile on this clock."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(Path(__file__).parent / "clock"))
            patch.setenv("MONITORME_TEST_CLOCK", str(self._path))
            yield

    @staticmethod
    def before_the_hour(seconds: float) -> float:
        """Return the error with which an hour ends in so many seconds."""
        return (HOUR_S - time.time() % HOUR_S) - seconds


class DeviceClock:
    """By how much all devices' clocks are wrong."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "device-clock"
        self.set(0)

    def set(self, error_s: float) -> None:
        """Have all devices' clocks jump."""
        part = self.path.with_suffix(".part")
        part.write_text(str(int(error_s * 1000)), encoding="utf-8")
        os.replace(part, self.path)
