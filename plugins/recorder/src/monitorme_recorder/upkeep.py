"""What the recorder does beside storing: fold, drop what is old, mind the disk's room."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from monitorme.contract.payloads import Priority
from monitorme.errors import StorageError
from monitorme.plugin import Context
from monitorme_recorder import room
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.history.past import Past
from monitorme_recorder.hours import HOUR_MS, end_of
from monitorme_recorder.store import Store
from monitorme_recorder.writer import Job, Stalled, Writer

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_MS: Final = 30_000
"""How often it is written down how far folding has come."""
DROP_EVERY_MS: Final = 60_000
_ROOM: Final = "disk_nearly_full"
FOLD_WHEN_FULL: Final = 60
"""So many streams that are full are folded without waiting for the next tick."""


class Upkeep:
    """Gives the writer jobs that nobody waits for; one at a time."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        past: Past,
        context: Context,
        config: RecorderConfig,
    ) -> None:
        self._store = store
        self._writer = writer
        self._past = past
        self._context = context
        self._config = config
        self._folding: Job[None] | None = None
        now_ms = context.now_ms()
        self._checkpoint_ms = now_ms + CHECKPOINT_EVERY_MS
        self._drop_ms = now_ms
        self._dropped_early = 0
        self._emptied = 0

    def work(self, now_ms: int, unshipped_ms: int | None) -> None:
        """Do what is due; keep what is not in InfluxDB yet, while there is room."""
        is_checkpoint = now_ms >= self._checkpoint_ms
        if self._fold(now_ms, is_checkpoint=is_checkpoint) and is_checkpoint:
            self._checkpoint_ms = now_ms + CHECKPOINT_EVERY_MS
        if now_ms >= self._drop_ms:
            self._drop_ms = now_ms + DROP_EVERY_MS
            oldest_ms = now_ms - self._config.retention_hours * HOUR_MS
            if unshipped_ms is not None:
                oldest_ms = min(oldest_ms, unshipped_ms)
            self._drop(oldest_ms)
        self._mind_room(now_ms)

    def fold_full(self) -> None:
        """Fold at once where many streams have enough in memory."""
        if self._store.full >= FOLD_WHEN_FULL:
            self._fold(self._context.now_ms(), is_checkpoint=False)

    def _fold(self, now_ms: int, *, is_checkpoint: bool) -> bool:
        """Have the writer fold, unless it still does; says whether it was asked to."""
        if not self._is_folded():
            return False
        before_ms = now_ms - int(self._config.fold_every_s * 1000)
        self._folding = self._writer.submit(
            partial(self._store.fold_due, before_ms, is_checkpoint=is_checkpoint)
        )
        return True

    def _is_folded(self) -> bool:
        """Say whether the last folding is over; what it met is told."""
        if self._folding is None:
            return True
        try:
            self._folding.result(0)
        except Stalled:
            return False
        except StorageError as error:
            log.error("cannot fold: %s", error)
            self._context.trouble["folding"] = f"cannot fold: {error}"
        else:
            self._context.trouble.pop("folding", None)
        self._folding = None
        return True

    def _drop(self, oldest_ms: int) -> None:
        job = self._writer.submit(partial(self._store.drop_older_than, oldest_ms))
        job.result(self._config.stall_after_s)
        self._past.readers.forget_dropped()

    def _mind_room(self, now_ms: int) -> None:
        reserve = self._config.reserve_mb
        free = room.free_mb(self._store.folder)
        self._context.figures["disk_free_mb"] = float(free)
        if free >= reserve:
            self._context.over(_ROOM)
            self._dropped_early = self._emptied = 0
            return
        try:
            self._make_room(now_ms - room.KEPT_MS)
        finally:
            # A disk that lets nothing go is nearly full all the same.
            text = room.trouble(free, reserve, self._dropped_early, self._emptied)
            self._context.alarm(_ROOM, text, Priority.MEDIUM)

    def _make_room(self, before_ms: int) -> None:
        """Let damaged files go that ended before a time; where there are none, an hour."""
        damaged = room.damaged_before(self._store.folder, before_ms)
        if damaged and self._empty(damaged):
            return
        oldest = self._store.oldest_before(before_ms)
        if oldest is not None:
            log.warning("disk nearly full, dropping file=%s", oldest.name)
            self._drop(end_of(oldest))
            self._dropped_early += 1
            self._context.counts["hours_dropped_early"] += 1

    def _empty(self, damaged: Sequence[Path]) -> int:
        """Give back the room of damaged files; returns of how many."""
        job = self._writer.submit(partial(room.empty, damaged))
        emptied = job.result(self._config.stall_after_s)
        log.warning("disk nearly full, emptied damaged files=%d", emptied)
        self._context.counts["damaged_files_emptied"] += emptied
        self._emptied += emptied
        return emptied
