"""The devices of a hospital: processes of `sim load`, each with beds of its own."""

import os
import signal
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tests.faults.watching import LedgerTail

DRAIN_TIMEOUT_S = 60.0


class DeviceProcess:
    """Some beds' devices in one process: their ledger, outboxes and log are its own."""

    def __init__(self, folder: Path, first_bed: int, beds: int) -> None:
        self.beds = beds
        self.ledger = folder / f"ledger-{first_bed:03}.jsonl"
        self.tail = LedgerTail(self.ledger)
        self._which = [
            *("--first-bed", str(first_bed), "--beds", str(beds)),
            *("--data", str(folder / "devices"), "--ledger", str(self.ledger)),
        ]
        self._log = folder / "load.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None, "the devices are switched on"
        return self._process.pid

    def switch_on(self, command: Sequence[str]) -> None:
        """Start the devices; they find what they had kept."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._which], stdout=log, stderr=log
            )

    def wait_dead(self) -> None:
        """Wait until the process is gone."""
        assert self._process is not None
        self._process.wait(10)

    def ask_to_end(self) -> None:
        """Have the devices make no more, and end when all they made is confirmed."""
        os.kill(self.pid, signal.SIGTERM)

    def wait_ended(self) -> None:
        """Wait until everything that they made is confirmed."""
        assert self._process is not None
        self._process.wait(DRAIN_TIMEOUT_S)

    def close(self) -> None:
        """End the process where it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


def split(folder: Path, beds: int, processes: int) -> list[DeviceProcess]:
    """Share beds out among processes, as evenly as may be."""
    edges = [beds * number // processes for number in range(processes + 1)]
    return [
        DeviceProcess(folder, first + 1, end - first) for first, end in pairwise(edges)
    ]
