"""The recorder's store: the hour that is written, what is in memory, what was stored."""

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme_recorder import watermark as watermarks
from monitorme_recorder.batches import Arrival as Arrival
from monitorme_recorder.batches import BedEvent as BedEvent
from monitorme_recorder.batches import Sorted as Sorted
from monitorme_recorder.batches import Tally
from monitorme_recorder.hour_file import HourFile
from monitorme_recorder.hours import (
    companions,
    end_of,
    journal_files,
    path_of,
    set_aside_files,
)
from monitorme_recorder.memory import DeviceBoot, Memory, kept_of
from monitorme_recorder.opening import open_newest
from monitorme_recorder.records import Kept, Stream, pack_columns
from monitorme_recorder.recovery import recover
from monitorme_recorder.spans import Span
from monitorme_recorder.tracks import Boot, Tail, Tails, Track
from monitorme_recorder.watermark import Watermark

FOLD_AT_ONCE: Final = 200
"""More streams are folded in the next transaction, so that none takes long."""


class Store:
    """Stores readings exactly once; written by one thread at a time, read by any.

    What is folded is on disk a moment before it leaves memory: who reads both takes what
    is in memory first (`tails`), and leaves out of it what `HourFile` says is folded.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, now_ms: int) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.tally = Tally()
        self.memory = Memory(catalogue)
        self._batch = 0
        self._full: list[Track] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._opened_ms = now_ms
        opened = open_newest(folder)
        self.damaged = opened.damaged
        """The newest file while it is damaged: `rescue` comes before all that writes."""
        self.told = opened.told
        if opened.file is not None:
            self._go_on(opened.file)
        elif opened.damaged is None:
            self._begin(HourFile(path_of(folder, now_ms)))

    def rescue(self, mend: Callable[[Path], object | None]) -> None:
        """Have the newest hour written anew if it is damaged, and go on with it.

        `mend` does that; None says that it was stopped. Raises StorageError where the
        hour is still damaged.
        """
        path = self.damaged
        if path is None:
            return
        if mend(path) is None:
            raise StorageError(f"{path.name} is damaged and not written anew yet")
        self._go_on(HourFile(path))
        self.damaged = None

    @property
    def path(self) -> Path:
        """The file that is written."""
        return self.damaged or self._file.path

    def close(self) -> None:
        """Fold what is in memory and close."""
        if self.damaged is not None:
            return
        try:
            self.fold()
        finally:
            self._file.close()

    # writing

    def store(self, arrivals: list[Arrival], events: list[BedEvent]) -> int:
        """Put readings and events on disk in one transaction.

        Returns how many readings were new. Raises StorageError, having changed nothing.
        """
        return self.commit([self.sort(one) for one in arrivals], events)

    def sort(self, one: Arrival) -> Sorted:
        """Return an arrival as `commit` takes it."""
        track = self.memory.track(one.stream)
        kept = kept_of(one.reading, one.judgement, one.received_ms, one.shift_ms)
        return track, track.compact(kept, one.payload), one.payload, one.shift_ms

    def commit(self, arrivals: list[Sorted], events: list[BedEvent]) -> int:
        """Do what `store` does, on the hot path."""
        self._turn_hour(arrivals, events)
        fresh, boots = self._fresh(arrivals)
        log_id = self._write(fresh, events)
        with self.lock:
            full = self._full
            for track, kept, _, _ in fresh:
                if track.remember(kept, log_id):
                    full.append(track)
            for boot, last_ms in boots:
                boot.committed(last_ms)
        self.tally.stored += len(fresh)
        self.tally.duplicates += len(arrivals) - len(fresh)
        return len(fresh)

    @property
    def full(self) -> int:
        """How many streams have enough in memory to be folded."""
        return len(self._full)

    def fold(self) -> None:
        """Fold all that is in memory; raises StorageError, changing nothing."""
        tracks = [track for track in self.memory.tracks() if track.tail]
        self._fold(tracks, is_checkpoint=True, is_last=True)
        self._full.clear()

    def fold_due(self, before_ms: int, *, is_checkpoint: bool = False) -> None:
        """Fold streams that have enough in memory, or what came before a time.

        A checkpoint writes down how far this has come, so that less has to be read
        again at the next start. Raises StorageError, changing nothing.
        """
        due = dict.fromkeys(one for one in self._full[:FOLD_AT_ONCE] if one.tail)
        for track in self.memory.tracks():
            if len(due) >= FOLD_AT_ONCE:
                break
            if track.tail and track.tail[0].received_ms < before_ms:
                due[track] = None
        if due or is_checkpoint:
            self._fold(list(due), is_checkpoint=is_checkpoint)
        self._full = [one for one in self._full if one.tail]

    def give_up(
        self, stream: Stream, before_seq: int, now_ms: int, reason: str
    ) -> list[Span]:
        """Pass over what is missing of a boot before a seq; returns what is lost."""
        boot = self.memory.boot(stream.device, stream.boot)
        lost = boot.mark.missing_before(before_seq)
        if not lost:
            return []
        spans = [Span(gap.first, min(gap.last, before_seq - 1)) for gap in lost]
        around = [self.memory.times_around(boot, span) for span in spans]
        with self._file.transaction():
            for span, times in zip(spans, around, strict=True):
                self._file.add_gap(stream, span, now_ms, reason, times)
        with self.lock:
            boot.mark.pass_over(before_seq)
            boot.is_saved = False
        return spans

    def note_lost(self, lost: Iterable[tuple[str, str, int, int]]) -> None:
        """Note on disk what was stored and is gone (device, boot, first and last seq).

        What comes of it yet is stored again. Raises StorageError.
        """
        with self.lock:
            boots = self.memory.boots()
            for device, name, first, last in lost:
                boot = boots.get((device, name))
                if boot is not None:
                    boot.mark.lose(Span(first, last))
                    boot.is_saved = False
        self._fold([], is_checkpoint=True, is_last=True)

    def drop_older_than(self, oldest_ms: int) -> None:
        """Drop the files of hours that ended before `oldest_ms`, and what led to them."""
        for path in (*journal_files(self.folder), *set_aside_files(self.folder)):
            if path != self.path and end_of(path) <= oldest_ms:
                for part in (path, *companions(path)):
                    part.unlink(missing_ok=True)
        with self.lock:
            self.memory.forget_before(oldest_ms)

    def oldest_before(self, time_ms: int) -> Path | None:
        """Return the oldest finished file that ended before a time, if there is one."""
        for path in journal_files(self.folder):
            if path != self.path and end_of(path) <= time_ms:
                return path
        return None

    # reading

    def tails(self, wanted: Callable[[Stream], bool]) -> Tails:
        """Return what is in memory and in no chunk, and the file that its log is in."""
        with self.lock:
            path = self.path
            held = [
                (track, track.first_log, track.tail.copy())
                for track in self.memory.tracks()
                if track.tail and wanted(track.stream)
            ]
        unpacked = self.memory.unpacked
        tails = [Tail(one.stream, log_id, unpacked(one, t)) for one, log_id, t in held]
        return Tails(path, tails)

    def marks(self) -> dict[DeviceBoot, Watermark]:
        """Return the watermarks; for the writing thread, or under `lock`."""
        return {key: boot.mark for key, boot in self.memory.boots().items()}

    def lacking(self, device: str, boot: str, span: Span) -> list[Span]:
        """Return what of a boot is not stored; of one that is forgotten, all."""
        with self.lock:
            known = self.memory.boots().get((device, boot))
            return known.mark.lacking(span) if known is not None else [span]

    # inside

    def _fresh(
        self, arrivals: list[Sorted]
    ) -> tuple[list[Sorted], list[tuple[Boot, int]]]:
        """Return the arrivals that are not stored yet, each once, and their boots."""
        self._batch = batch = self._batch + 1
        fresh: list[Sorted] = []
        boots: list[tuple[Boot, int]] = []
        for one in arrivals:
            boot = one[0].boot
            if boot.batch != batch:
                boot.begin(batch)
                boots.append((boot, one[1].received_ms))
            seq = one[1].seq
            # What comes in order is nearly everything.
            if boot.is_plain and seq == boot.ahead + 1:
                boot.ahead = seq
                fresh.append(one)
            elif boot.is_new(seq):
                fresh.append(one)
        return fresh, boots

    def _write(self, fresh: list[Sorted], events: Iterable[BedEvent]) -> int:
        """Write in one transaction; returns the row of the log."""
        if not fresh and not events:
            return self._file.log_id
        try:
            with self._file.transaction():
                if fresh:
                    self._file.append(self._row(fresh))
                for event in events:
                    self._file.events.add(*event)
        except StorageError:
            # What was numbered in a transaction that failed has no number.
            for track, _, _, _ in fresh:
                track.number = 0
            raise
        return self._file.log_id

    def _row(self, fresh: list[Sorted]) -> bytes:
        number = self._number
        return pack_columns(
            [track.number or number(track) for track, _, _, _ in fresh],
            [kept.seq for _, kept, _, _ in fresh],
            [kept.received_ms for _, kept, _, _ in fresh],
            [payload for _, _, payload, _ in fresh],
            [shift_ms for _, _, _, shift_ms in fresh],
        )

    def _number(self, track: Track) -> int:
        track.number = self._file.stream_number(track.stream)
        return track.number

    def _fold(
        self, tracks: list[Track], *, is_checkpoint: bool, is_last: bool = False
    ) -> None:
        """Fold tracks; readers are kept out only while memory lets go of them.

        The log has everything, so that all but a file's last folding need not be synced.
        """
        unsaved = [b for b in self.memory.boots().values() if not b.is_saved]
        with self._file.transaction(is_synced=is_last):
            for track in tracks:
                tail = self.memory.unpacked(track, track.tail)
                for kept in _slices(tail, 2 * track.full):
                    self._file.add_chunk(track.stream, kept)
            if is_checkpoint:
                self._file.save_watermarks(_saved(unsaved))
                others = self.memory.first_log(besides=set(tracks))
                folded = self._file.log_id if others is None else others - 1
                self._file.mark_folded(folded)
        with self.lock:
            for track in tracks:
                track.tail = []
                track.limit = track.full
        if is_checkpoint:
            for boot in unsaved:
                boot.is_saved = True

    def _turn_hour(self, arrivals: list[Sorted], events: list[BedEvent]) -> None:
        """Go on in the file of the newest arrival's hour, when that has begun."""
        times = [kept.received_ms for _, kept, _, _ in arrivals[-1:]]
        times += [event.received_ms for event in events[-1:]]
        if not times:
            return
        path = path_of(self.folder, max(times))
        # A clock that was set back goes on in the file that is open.
        if path.name <= self._file.path.name:
            return
        self.fold()
        finished = self._file
        self._begin(HourFile(path))
        for track in self.memory.tracks():
            track.number = 0
        finished.close()

    def _begin(self, file: HourFile) -> None:
        """Begin an hour: with what is stored so far."""
        boots = self.memory.boots().values()
        with file.transaction():
            file.save_opening(_saved(boots))
            file.save_watermarks(_saved(boots))
        self._file = file

    def _go_on(self, file: HourFile) -> None:
        """Go on with a file where it ends."""
        self._file = file
        self._full += recover(file, self.memory, self._opened_ms)


def _slices(kept: list[Kept], size: int) -> Iterator[list[Kept]]:
    for start in range(0, len(kept), size):
        yield kept[start : start + size]


def _saved(boots: Iterable[Boot]) -> Iterator[tuple[str, str, bytes]]:
    """Return boots' watermarks as a file has them."""
    for one in boots:
        yield one.device, one.boot, watermarks.save(one.mark)
