"""Processes that stand still: they neither run nor end, and their connections stay."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Have processes stand still, and go on again."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
