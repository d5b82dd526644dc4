"""The newest readings that the archive has, without asking it every time."""

import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

from monitorme_recorder.history_store import HistoryStore, Period, StoredReading
from monitorme_recorder.hour_file import HOUR_MS

KNOWN_FOR_MS: Final = HOUR_MS
"""The journal keeps so much at least: what the archive gets meanwhile is in it."""


class _Answer(NamedTuple):
    asked_ms: int
    since_ms: int
    missing: tuple[Period, ...]
    found: dict[str, StoredReading]


class Older:
    """Asks an archive for a bed once an hour; for any number of threads.

    Whatever comes to the archive later has come to the journal before. So its answer,
    together with what the journal says now, stays right for as long as that keeps things:
    once the journal misses other hours than it did, the archive is asked again.
    """

    def __init__(self, archive: HistoryStore) -> None:
        self._archive = archive
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._lock = threading.Lock()

    def of_bed(
        self,
        ward: str,
        bed: str,
        since_ms: int,
        now_ms: int,
        missing: Sequence[Period],
    ) -> dict[str, StoredReading]:
        """Return the newest of each vital that is in the archive and not too old.

        `missing` is what the journal has not, of all time.
        Raises StorageError where the archive has to be asked and does not answer.
        """
        with self._lock:
            known = self._answers.get((ward, bed))
        if known is None or not (
            known.asked_ms <= now_ms < known.asked_ms + KNOWN_FOR_MS
            and known.since_ms <= since_ms
            and known.missing == tuple(missing)
        ):
            found = self._archive.latest(ward, bed, since_ms)
            known = _Answer(now_ms, since_ms, tuple(missing), found)
            with self._lock:
                self._answers[ward, bed] = known
        return {v: one for v, one in known.found.items() if one.kept.at_ms >= since_ms}
