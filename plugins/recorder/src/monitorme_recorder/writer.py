"""The thread that writes: whoever waits for it waits only so long.

A disk that stalls holds the writer, not the thread that keeps the connection to the
broker alive. Jobs are done one after another, in order.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from monitorme.errors import StorageError

T = TypeVar("T")


class Stalled(StorageError):
    """The disk has not answered yet; the job goes on."""


class Job(Generic[T]):
    """A piece of work for the writer."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._finished = threading.Lock()
        self._finished.acquire()
        self._outcome: T | None = None
        self._error: BaseException | None = None

    def do(self) -> None:
        """Do the work; what it raises is kept for `result`."""
        try:
            self._outcome = self._work()
        # Whoever asks for the result gets it, whatever it is.
        except BaseException as error:
            self._error = error
        finally:
            self._finished.release()

    def result(self, patience_s: float | None = None) -> T:
        """Return what came of it, or raise that. Raises Stalled after `patience_s`."""
        timeout_s = -1 if patience_s is None else patience_s
        if not self._finished.acquire(timeout=timeout_s):
            raise Stalled(f"the disk has not answered for {patience_s:g} s")
        self._finished.release()
        if self._error is not None:
            raise self._error
        return self._outcome  # type: ignore[return-value]  # the work's own


class Writer:
    """Does jobs in a thread of its own."""

    def __init__(self, name: str = "writer") -> None:
        self._jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], T]) -> Job[T]:
        """Have something done after everything that was submitted before."""
        job = Job(work)
        self._jobs.put(job)
        return job

    def stop(self, patience_s: float) -> None:
        """Let it finish what was submitted, for at most `patience_s`."""
        self._jobs.put(None)
        self._thread.join(patience_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.do()
