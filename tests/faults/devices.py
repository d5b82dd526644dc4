"""The devices of a hospital: processes of `sim load`, each with beds of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from tests.faults.plan import EVENTFUL
from tests.faults.watching import LedgerTail

DRAIN_TIMEOUT_S = 60.0
SIM = (sys.executable, "-m", "monitorme", "sim")


class DeviceProcess:
    """Some beds' devices in one process: their ledger, outboxes and log are its own."""

    def __init__(self, folder: Path, name: str, *which: str) -> None:
        """`which` is the command of `monitorme sim`, and what beds it simulates."""
        self.tail = LedgerTail(folder / f"ledger-{name}.jsonl")
        self._which = [
            *which,
            *("--data", str(folder / "devices"), "--ledger", str(self.tail.path)),
        ]
        self._log = folder / "load.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None, "the devices are switched on"
        return self._process.pid

    def switch_on(self, options: Sequence[str]) -> None:
        """Start the devices; they find what they had kept."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*SIM, *self._which, *options], stdout=log, stderr=log
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


def eventful(folder: Path, beds: int) -> list[DeviceProcess]:
    """Return a ward to some of whose patients something happens, or nothing."""
    which = ("ward", "--ward", EVENTFUL, "--beds", str(beds))
    return [DeviceProcess(folder, EVENTFUL, *which)] if beds else []


def split(folder: Path, beds: int, processes: int) -> list[DeviceProcess]:
    """Share beds out among processes, as evenly as may be."""
    edges = [beds * number // processes for number in range(processes + 1)]
    return [
        DeviceProcess(
            *(folder, f"{first + 1:03}", "load"),
            *("--first-bed", str(first + 1), "--beds", str(end - first)),
        )
        for first, end in pairwise(edges)
    ]
