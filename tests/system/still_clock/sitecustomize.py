"""Puts every Python process that finds this on its path on a clock that a test moves.

The file that MONITORME_STILL_CLOCK names holds, as eight bytes, what time of day it is,
in nanoseconds; MONITORME_STILL_CLOCK_OFF_NS is by how much this process has it wrong.
Only the time of day stands still: a monotonic clock goes on.
"""

import mmap
import os
import struct
import time


def _stand(path: str, off_ns: int) -> None:
    file = os.open(path, os.O_RDONLY)
    shared = mmap.mmap(file, 8, prot=mmap.PROT_READ)
    os.close(file)

    def time_ns() -> int:
        return int(struct.unpack_from("<q", shared)[0]) + off_ns

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if path := os.environ.get("MONITORME_STILL_CLOCK"):
    _stand(path, int(os.environ.get("MONITORME_STILL_CLOCK_OFF_NS", "0")))
