"""How long readings take from the device to a frame, over the last few thousand."""

from collections import deque
from typing import Final

WINDOW: Final = 5_000


class Latency:
    """Collects latencies in ms; owned by one thread."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=WINDOW)

    def add(self, milliseconds: float) -> None:
        """Take one in."""
        self._newest.append(milliseconds)

    def figures(self) -> dict[str, float]:
        """Return median, 99th percentile and longest, or nothing yet."""
        ordered = sorted(self._newest)
        if not ordered:
            return {}
        return {
            "latency_p50_ms": round(ordered[len(ordered) // 2], 2),
            "latency_p99_ms": round(ordered[int(len(ordered) * 0.99)], 2),
            "latency_max_ms": round(ordered[-1], 2),
        }
