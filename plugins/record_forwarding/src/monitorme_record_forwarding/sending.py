"""Sending what the outbox holds: in order, for ever, each until it has an answer."""

import json
import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import urllib3

from monitorme.errors import StorageError
from monitorme_record_forwarding.outbox import Document, DocumentOutbox, State

log = logging.getLogger(__name__)

TRY_AGAIN: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Answers that say nothing of the document; all of 5xx are likewise."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where documents of one kind go."""

    name: str
    url: str
    content_type: str
    timeout_s: float
    first_retry_s: float
    longest_retry_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means: `retry_s` None is final."""

    state: State
    note: str | None = None
    retry_s: float | None = None


class Sender:
    """Sends one target's documents from a thread between `start` and `stop`.

    `on_end` is told of each final answer, `on_trouble` of each change of trouble.
    """

    def __init__(
        self,
        target: Target,
        outbox: DocumentOutbox,
        *,
        now_ms: Callable[[], int],
        on_end: Callable[[Document, Verdict], None],
        on_trouble: Callable[[str | None], None],
    ) -> None:
        self._target = target
        self._outbox = outbox
        self._now_ms = now_ms
        self._on_end = on_end
        self._on_trouble = on_trouble
        self._pool = urllib3.PoolManager(timeout=target.timeout_s, retries=False)
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(
            target=self._run, name=f"send-{target.name}", daemon=True
        )

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something new to send."""
        self._wake.set()

    def stop(self) -> None:
        """Stop; what has no answer yet is sent again after the next start."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(self._target.timeout_s + 1)

    def _run(self) -> None:
        retry_s = self._target.first_retry_s
        while not self._stopping:
            try:
                wait_s = self._send_next(retry_s)
            except StorageError as error:
                self._on_trouble(str(error))
                wait_s = retry_s
            if wait_s is None:
                retry_s = self._target.first_retry_s
                continue
            if wait_s > 0:
                retry_s = min(retry_s * 2, self._target.longest_retry_s)
                self._pause(wait_s)
            else:
                self._wake.wait()
                self._wake.clear()

    def _send_next(self, retry_s: float) -> float | None:
        """Send the oldest document; return how long to wait, 0 until something comes.

        None says to go on at once.
        """
        document = self._outbox.next(self._target.name)
        if document is None:
            return 0.0
        verdict = self._post(document)
        if verdict.retry_s is not None:
            self._on_trouble(f"{self._target.name}: {verdict.note}; trying again")
            return max(verdict.retry_s, retry_s * random.uniform(0.5, 1.0))
        self._outbox.end(document.id, verdict.state, self._now_ms(), verdict.note)
        self._on_trouble(None)
        self._on_end(document, verdict)
        return None

    def _post(self, document: Document) -> Verdict:
        headers = {
            "Content-Type": self._target.content_type,
            "Idempotency-Key": document.id,
        }
        try:
            answer = self._pool.request(
                "POST", self._target.url, body=document.body, headers=headers
            )
        except urllib3.exceptions.HTTPError as error:
            return Verdict("queued", f"no answer ({type(error).__name__})", 0.0)
        return judge_answer(
            answer.status, answer.headers.get("Retry-After"), answer.data
        )

    def _pause(self, seconds: float) -> None:
        self._wake.clear()
        # Something new does not shorten the wait for a server that is in trouble.
        deadline = threading.Event()
        step = min(seconds, 0.1)
        waited = 0.0
        while waited < seconds and not self._stopping:
            deadline.wait(step)
            waited += step


def judge_answer(status: int, retry_after: str | None, body: bytes) -> Verdict:
    """Return what an HTTP answer means for the document."""
    if 200 <= status < 300:
        return Verdict("accepted")
    if status in TRY_AGAIN or status >= 500:
        wait_s = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
        return Verdict("queued", f"answers {status}", wait_s)
    return Verdict("refused", f"{status}: {_diagnosis(body)}"[:500])


def _diagnosis(body: bytes) -> str:
    """Return what a server says is wrong."""
    try:
        document = json.loads(body)
        issues = document.get("issue", [])
        texts = [str(issue.get("diagnostics", issue.get("code"))) for issue in issues]
        return "; ".join(texts) or str(document.get("error", "no reason given"))
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace") or "no reason given"
