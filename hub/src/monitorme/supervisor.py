"""Keeps processes running: starts them, starts them again with backoff, ends them."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from monitorme.leash import leashed

log = logging.getLogger(__name__)

FIRST_BACKOFF_S: Final = 0.25
LONGEST_BACKOFF_S: Final = 15.0
STEADY_AFTER_S: Final = 30.0
"""A process that ran this long starts again at once, as if for the first time."""
USAGE_EXIT: Final = 2
"""A process that ends so has a mistake in its settings: starting again is no help."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: a name for people, the command, and where its output goes."""

    name: str
    command: Sequence[str]
    log_file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """One program that is kept running; owned by one thread."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.processor_s = 0.0
        self.restarts = 0
        self.failed: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._backoff_s = FIRST_BACKOFF_S
        self._start_at_s = 0.0

    @property
    def pid(self) -> int | None:
        """The process, where it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process."""
        output = _open_log(self.program.log_file)
        command = self.program.command
        self._process = subprocess.Popen(
            leashed(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **self.program.environment},
            # A terminal's Ctrl-C is the supervisor's to pass on, in its own order.
            start_new_session=True,
        )
        if output is not None:
            output.close()
        self._started_s = time.monotonic()

    def watch(self) -> None:
        """Notice that the process has ended, and start it again when it is time."""
        if self._process is not None and self.reap():
            self._plan_restart()
        elif self._process is None and self._is_due():
            self.restarts += 1
            self.start()

    def _is_due(self) -> bool:
        return not self.failed and time.monotonic() >= self._start_at_s

    def reap(self) -> bool:
        """Collect the process if it has ended, with the processor time it took."""
        assert self._process is not None
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.processor_s += usage.ru_utime + usage.ru_stime
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return True

    def _plan_restart(self) -> None:
        assert self._process is not None
        code, name = self._process.returncode, self.program.name
        self._process = None
        ran_s = time.monotonic() - self._started_s
        if code == USAGE_EXIT:
            self.failed = "its settings cannot be used; see its log"
            log.error("service failed for good name=%s exit=%d", name, code)
            return
        if ran_s >= STEADY_AFTER_S:
            self._backoff_s = FIRST_BACKOFF_S
        self._start_at_s = time.monotonic() + self._backoff_s
        log.warning(
            "service ended, starting again name=%s exit=%s after_s=%.1f in_s=%.2f",
            *(name, code, ran_s, self._backoff_s),
        )
        self._backoff_s = min(self._backoff_s * 2, LONGEST_BACKOFF_S)

    def signal(self, number: int) -> None:
        """Send a signal to the process, where it runs."""
        if self._process is not None:
            try:
                os.kill(self._process.pid, number)
            except ProcessLookupError:
                return

    def end(self, *, timeout_s: float) -> None:
        """Wait until the process has ended; kill it when the time is over."""
        deadline = time.monotonic() + timeout_s
        while self._process is not None and not self.reap():
            if time.monotonic() > deadline:
                log.error("service did not stop, killing it name=%s", self.program.name)
                self.signal(signal.SIGKILL)
                deadline = float("inf")
            time.sleep(0.01)
        self._process = None


def stop_all(children: Sequence[Child], *, timeout_s: float) -> None:
    """Ask all to stop at once, and wait for them."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    for child in children:
        child.end(timeout_s=max(0.0, deadline - time.monotonic()))


def _open_log(path: Path | None) -> IO[bytes] | None:
    if path is None:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")
