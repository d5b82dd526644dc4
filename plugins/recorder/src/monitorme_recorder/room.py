"""Room on the disk: the oldest goes before there is none, the last 24 hours never."""

import shutil
from pathlib import Path
from typing import Final

from monitorme_recorder.hour_file import HOUR_MS

KEPT_MS: Final = 24 * HOUR_MS
"""What the customer promises its hospitals is never dropped for want of room."""
_MB: Final = 1_000_000


def free_mb(folder: Path) -> int:
    """Return how much room is left, in MB."""
    return shutil.disk_usage(folder).free // _MB


def trouble(free: int, reserve: int, dropped: int) -> str:
    """Return what to say of a disk that is nearly full; all in MB and hours."""
    text = f"the recorder's disk has {free} MB left of {reserve} MB in reserve"
    if dropped:
        return f"{text}: {dropped} hours beyond the last 24 were dropped early"
    return f"{text}: make room, or history and then recording will stop"
