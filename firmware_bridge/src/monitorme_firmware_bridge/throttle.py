"""How much of a flood a line may take in."""

from typing import Final

BURST_S: Final = 2.0
"""A line that was quiet may take in so many seconds' worth at once."""


class Throttle:
    """Lets bytes through at a rate; what is above it has to wait."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_s = 0.0

    def wait_s(self, count: int, now_s: float) -> float:
        """Return how long to wait after taking in `count` bytes at `now_s`."""
        start_s = max(self._free_s, now_s - BURST_S)
        self._free_s = start_s + count / self._bytes_per_s
        return max(0.0, self._free_s - now_s)
