"""Puts every Python process that finds this on its path on a clock that a test sets.

The file that MONITORME_TEST_CLOCK names holds, as eight bytes, by how many nanoseconds
the time of day is wrong; it may change at any time, and all processes jump together.
Only the time of day moves: a monotonic clock never does.
"""

import mmap
import os
import struct
import time
from collections.abc import Callable


def _jump(path: str) -> None:
    file = os.open(path, os.O_RDONLY)
    error = mmap.mmap(file, 8, prot=mmap.PROT_READ)
    os.close(file)
    right: Callable[[], int] = time.time_ns

    def time_ns() -> int:
        return right() + int(struct.unpack_from("<q", error)[0])

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if path := os.environ.get("MONITORME_TEST_CLOCK"):
    _jump(path)
