"""The newest rows of the log as they went in, for who would else read them back.

The shipper is a second behind the log. To read a row back, inflate it and decode every
payload again cost it more than all else it does with a reading.
"""

import threading
from collections import deque
from typing import Final, NamedTuple

from monitorme_recorder.batches import Sorted

MOST_BYTES: Final = 6 * 1024 * 1024
"""About so much is held: some three seconds of a hospital with waveforms."""
_BYTES_BESIDES: Final = 300
"""What a reading takes in memory beside its payload."""


class Row(NamedTuple):
    """A row of the log: what is in it, and about how many bytes that takes."""

    hour: str
    number: int
    readings: list[Sorted]
    size: int


class Committed:
    """Rows that are on disk, the oldest dropped first; for any thread."""

    def __init__(self) -> None:
        self._rows: deque[Row] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, hour: str, number: int, readings: list[Sorted]) -> None:
        """Hold a row that has just been committed."""
        size = sum([len(one[2]) for one in readings]) + _BYTES_BESIDES * len(readings)
        with self._lock:
            self._rows.append(Row(hour, number, readings, size))
            self._bytes += size
            while self._bytes > MOST_BYTES:
                self._drop()

    def after(self, hour: str, number: int) -> list[Row]:
        """Return an hour's rows that follow a row, without one missing between.

        What comes before them is dropped. None are returned where the first that is held
        is not the very next: what is between has to be read from the log.
        """
        with self._lock:
            while self._rows and self._rows[0][:2] <= (hour, number):
                self._drop()
            rows = list(self._rows)
        found = []
        for row in rows:
            number += 1
            if row[:2] != (hour, number):
                break
            found.append(row)
        return found

    def _drop(self) -> None:
        self._bytes -= self._rows.popleft().size
