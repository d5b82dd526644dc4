"""The newest readings that the archive has, without asking it every time."""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple

from monitorme.errors import MonitorMeError
from monitorme_recorder.history_store import HistoryStore, Latest, Period
from monitorme_recorder.hours import HOUR_MS
from monitorme_recorder.writer import Stalled, Writer

log = logging.getLogger(__name__)

KNOWN_FOR_MS: Final = HOUR_MS
"""The journal keeps so much at least: what the archive gets meanwhile is in it."""
PATIENCE_S: Final = 4.0
"""How long a question waits for the archive; a station waits 5 s for the recorder."""
AGAIN_AFTER_S: Final = 5.0
"""How soon an archive that is away is asked again, which nobody waits for."""
STOP_S: Final = 1.0


class _Question(NamedTuple):
    """What an answer of the archive depends on."""

    asked_ms: int
    since_ms: int
    missing: tuple[Period, ...]


class _Answer(NamedTuple):
    question: _Question
    latest: Latest

    def is_one_to(self, question: _Question) -> bool:
        """Say whether it answers a question, together with the journal."""
        asked_ms, since_ms, missing = self.question
        return (
            asked_ms <= question.asked_ms < asked_ms + KNOWN_FOR_MS
            and since_ms <= question.since_ms
            and missing == question.missing
        )


class Older:
    """Asks an archive for beds once an hour; for any number of threads.

    Whatever comes to the archive later has come to the journal before. So its answer,
    together with what the journal says now, stays right for as long as that keeps things:
    once the journal misses other hours than it did, the archive is asked again.

    A thread asks. An archive that does not answer is waited for once; from then on its
    last answers have to do, until it is back.
    """

    def __init__(
        self,
        archive: HistoryStore,
        *,
        patience_s: float = PATIENCE_S,
        again_after_s: float = AGAIN_AFTER_S,
    ) -> None:
        self._archive = archive
        self._patience_s = patience_s
        self._again_after_s = again_after_s
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._asker = Writer("archive-latest")
        self._lock = threading.Lock()
        self._is_away = False
        self._again_s = 0.0
        """When an archive that is away is asked again."""

    def close(self) -> None:
        """Ask no more."""
        self._asker.stop(STOP_S)

    def at_hand(
        self,
        ward: str,
        beds: tuple[str, ...],
        since_ms: int,
        now_ms: int,
        missing: Sequence[Period],
    ) -> dict[str, Latest] | None:
        """Return what `of_beds` does, where the archive need not be asked."""
        if self._unknown(ward, beds, _Question(now_ms, since_ms, tuple(missing))):
            return None
        return {bed: self._known(ward, bed, since_ms) for bed in beds}

    def of_beds(
        self,
        ward: str,
        beds: tuple[str, ...],
        since_ms: int,
        now_ms: int,
        missing: Sequence[Period],
    ) -> dict[str, Latest]:
        """Return the newest of each vital that is in the archive and not too old.

        `missing` is what the journal has not, of all time. Of an archive that is away,
        what it said last.
        """
        question = _Question(now_ms, since_ms, tuple(missing))
        if self._unknown(ward, beds, question):
            self._ask(ward, beds, question)
        return {bed: self._known(ward, bed, since_ms) for bed in beds}

    def _unknown(
        self, ward: str, beds: Iterable[str], question: _Question
    ) -> tuple[str, ...]:
        """Return the beds of which no answer is known that is one to a question."""
        answers = self._answers
        return tuple(
            bed
            for bed in beds
            if (known := answers.get((ward, bed))) is None
            or not known.is_one_to(question)
        )

    def _known(self, ward: str, bed: str, since_ms: int) -> Latest:
        known = self._answers.get((ward, bed))
        latest = known.latest if known is not None else {}
        return {v: one for v, one in latest.items() if one.kept.at_ms >= since_ms}

    def _ask(self, ward: str, beds: tuple[str, ...], question: _Question) -> None:
        """Have the archive asked, and wait for it unless it is known to be away."""
        with self._lock:
            is_away = self._is_away
            if is_away and time.monotonic() < self._again_s:
                return
            # Nothing more is asked of one that is away until this has been answered.
            self._again_s = float("inf")
            job = self._asker.submit(
                partial(self._learn, ward, beds, question, must_ask=is_away)
            )
        if is_away:
            return
        try:
            job.result(self._patience_s)
        except Stalled:
            self._away(f"no answer in {self._patience_s:g} s")

    def _learn(
        self, ward: str, beds: tuple[str, ...], question: _Question, *, must_ask: bool
    ) -> None:
        """Ask the archive for what nobody has asked it for meanwhile."""
        try:
            unknown = self._unknown(ward, beds, question)
            if unknown and (must_ask or not self._is_away):
                found = self._archive.latest(ward, unknown, question.since_ms)
                for bed, latest in found.items():
                    self._answers[ward, bed] = _Answer(question, latest)
                self._back()
        except MonitorMeError as error:
            self._away(str(error))
        finally:
            self._again_s = time.monotonic() + self._again_after_s

    def _away(self, why: str) -> None:
        if not self._is_away:
            log.warning("newest readings without the archive's: %s", why)
        self._is_away = True

    def _back(self) -> None:
        if self._is_away:
            log.info("newest readings with the archive's again")
        self._is_away = False
