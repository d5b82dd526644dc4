"""The recorder's store: the hour that is written, what is in memory, what was stored."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.contract.readings import Judgement, Reading, decode_reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ContractError, StorageError
from monitorme_recorder import watermark as watermarks
from monitorme_recorder.hour_file import (
    HOUR_MS,
    HourFile,
    hour_of,
    journal_files,
    path_of,
)
from monitorme_recorder.records import (
    Kept,
    LogRecord,
    Stream,
    pack_chunk,
    pack_log,
    roll_up,
)
from monitorme_recorder.spans import Span
from monitorme_recorder.watermark import Watermark

log = logging.getLogger(__name__)

DeviceBoot = tuple[str, str]
FORGET_BOOT_AFTER_MS: Final = 48 * HOUR_MS


class Arrival(NamedTuple):
    """A reading that may be stored: where it belongs, what it says, what arrived."""

    stream: Stream
    reading: Reading
    judgement: Judgement
    received_ms: int
    payload: bytes


class BedEvent(NamedTuple):
    """An alarm, an admission or an event that arrived."""

    received_ms: int
    ward: str
    bed: str
    kind: str
    payload: bytes


@dataclass(slots=True)
class Tally:
    """What has been stored since the journal began, as far as it reaches back."""

    stored: int = 0
    duplicates: int = 0


@dataclass(slots=True)
class _Memory:
    tails: dict[Stream, list[Kept]] = field(default_factory=dict)
    newest: dict[tuple[str, str], dict[Stream, Kept]] = field(default_factory=dict)
    marks: dict[DeviceBoot, Watermark] = field(default_factory=dict)


class Store:
    """Stores readings exactly once; written by one thread, read by any.

    Readers take `lock` while they look at `tail` and begin to read files, so that a
    reading is never in both or in neither.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, now_ms: int) -> None:
        self.folder = folder
        self.lock = threading.Lock()
        self.tally = Tally()
        self.set_aside: list[str] = []
        self._catalogue = catalogue
        self._memory = _Memory()
        self._file = self._open(now_ms)

    def close(self) -> None:
        """Fold what is in memory and close."""
        try:
            self.fold()
        finally:
            self._file.close()

    # writing

    def store(self, arrivals: list[Arrival], events: list[BedEvent]) -> int:
        """Put readings and events on disk in one transaction.

        Returns how many readings were new. Raises StorageError, having changed nothing.
        """
        self._turn_hour(arrivals, events)
        fresh = self._fresh(arrivals)
        with self._file.transaction():
            records = [
                LogRecord(
                    self._file.stream_number(one.stream),
                    one.reading.seq,
                    one.received_ms,
                    one.payload,
                )
                for one in fresh
            ]
            if records:
                self._file.append(pack_log(records))
            for event in events:
                self._file.add_event(*event)
        with self.lock:
            for one in fresh:
                self._remember(one)
        self.tally.stored += len(fresh)
        self.tally.duplicates += len(arrivals) - len(fresh)
        return len(fresh)

    def fold(self) -> None:
        """Fold what is in memory into chunks; raises StorageError, changing nothing."""
        with self.lock:
            with self._file.transaction():
                for stream, kept in self._memory.tails.items():
                    self._file.add_chunk(stream, kept, roll_up(kept), pack_chunk(kept))
                self._file.save_watermarks(
                    (device, boot, watermarks.save(mark))
                    for (device, boot), mark in self._memory.marks.items()
                )
                self._file.mark_folded()
            self._memory.tails.clear()

    def give_up(self, stream: Stream, before_seq: int, now_ms: int, reason: str) -> int:
        """Pass over what is missing of a boot before a seq; returns how many readings."""
        mark = self._memory.marks.setdefault((stream.device, stream.boot), Watermark())
        lost = mark.missing_before(before_seq)
        if not lost:
            return 0
        spans = [Span(gap.first, min(gap.last, before_seq - 1)) for gap in lost]
        with self._file.transaction():
            for span in spans:
                self._file.add_gap(stream, span, now_ms, reason)
        with self.lock:
            mark.pass_over(before_seq)
        return sum(span.last - span.first + 1 for span in spans)

    def drop_older_than(self, oldest_ms: int) -> None:
        """Drop the files of hours that ended before `oldest_ms`, and what led to them."""
        for path in journal_files(self.folder):
            if path != self._file.path and hour_of(path) + HOUR_MS <= oldest_ms:
                for part in (path, *_companions(path)):
                    part.unlink(missing_ok=True)
        with self.lock:
            marks = self._memory.marks
            for key in [k for k, m in marks.items() if 0 < m.last_ms < oldest_ms]:
                del marks[key]
            for newest in self._memory.newest.values():
                for stream in [s for s, k in newest.items() if k.at_ms < oldest_ms]:
                    del newest[stream]

    # reading

    def tail(self, stream: Stream) -> list[Kept]:
        """Return what is in memory of a stream; hold `lock`."""
        return list(self._memory.tails.get(stream, ()))

    def tail_streams(self) -> list[Stream]:
        """Return the streams of which something is in memory; hold `lock`."""
        return list(self._memory.tails)

    def newest(self, ward: str, bed: str) -> dict[Stream, Kept]:
        """Return the newest reading of each stream that came lately; hold `lock`."""
        return self._memory.newest.get((ward, bed), {})

    def marks(self) -> dict[DeviceBoot, Watermark]:
        """Return the watermarks; for the writing thread, or under `lock`."""
        return self._memory.marks

    # inside

    def _fresh(self, arrivals: Iterable[Arrival]) -> list[Arrival]:
        """Return the arrivals that are not stored yet, each once."""
        marks = self._memory.marks
        taken: set[tuple[str, str, int]] = set()
        fresh = []
        for one in arrivals:
            reading = one.reading
            name = (reading.device, reading.boot, reading.seq)
            mark = marks.get((reading.device, reading.boot))
            if name in taken or (mark is not None and mark.has(reading.seq)):
                continue
            taken.add(name)
            fresh.append(one)
        return fresh

    def _remember(self, one: Arrival) -> None:
        reading, judged = one.reading, one.judgement
        kept = Kept(
            reading.seq,
            reading.time_ms,
            one.received_ms,
            judged.at_ms,
            reading.value,
            judged.quality,
            judged.reason,
            judged.value is not None,
        )
        stream = one.stream
        self._memory.tails.setdefault(stream, []).append(kept)
        newest = self._memory.newest.setdefault((stream.ward, stream.bed), {})
        known = newest.get(stream)
        if known is None or (kept.at_ms, kept.seq) >= (known.at_ms, known.seq):
            newest[stream] = kept
        key = (reading.device, reading.boot)
        mark = self._memory.marks.get(key)
        if mark is None:
            mark = self._memory.marks[key] = Watermark()
        mark.add(reading.seq, one.received_ms)

    def _turn_hour(self, arrivals: list[Arrival], events: list[BedEvent]) -> None:
        """Go on in the file of the newest arrival's hour, when that has begun."""
        times = [one.received_ms for one in arrivals[-1:]]
        times += [event.received_ms for event in events[-1:]]
        if not times:
            return
        path = path_of(self.folder, max(times))
        # A clock that was set back goes on in the file that is open.
        if path.name <= self._file.path.name:
            return
        self.fold()
        following = HourFile(path)
        with following.transaction():
            following.save_watermarks(
                (device, boot, watermarks.save(mark))
                for (device, boot), mark in self._memory.marks.items()
            )
        finished, self._file = self._file, following
        finished.close()

    def _open(self, now_ms: int) -> HourFile:
        """Open the newest usable file, and take in what it says."""
        self.folder.mkdir(parents=True, exist_ok=True)
        current = path_of(self.folder, now_ms)
        for path in reversed(journal_files(self.folder)):
            file = self._try_open(path)
            if file is None:
                continue
            self._recover(file, now_ms)
            return file
        return HourFile(current)

    def _try_open(self, path: Path) -> HourFile | None:
        try:
            file = HourFile(path)
            file.check()
        except StorageError as error:
            damaged = path.with_suffix(".damaged")
            log.error("journal file set aside file=%s: %s", path.name, error)
            self.set_aside.append(f"{path.name} is damaged and set aside: {error}")
            path.replace(damaged)
            for part in _companions(path):
                part.unlink(missing_ok=True)
            return None
        return file

    def _recover(self, file: HourFile, now_ms: int) -> None:
        for device, boot, data in file.watermarks():
            self._memory.marks[device, boot] = watermarks.load(data, now_ms)
        streams = dict(file.streams())
        recovered = 0
        for record in file.unfolded():
            arrival = self._again(streams[record.stream], record)
            if arrival is not None:
                self._remember(arrival)
                recovered += 1
        if recovered:
            log.info("recovered from the log readings=%d", recovered)

    def _again(self, stream: Stream, record: LogRecord) -> Arrival | None:
        """Return a logged reading as it arrived; it was accepted then."""
        try:
            reading = decode_reading(record.payload)
            judged = judge(reading, self._catalogue[stream.vital], record.received_ms)
        except (ContractError, KeyError):
            # The catalogue has changed since: it is kept, but not for numbers.
            log.warning("logged reading no longer understood vital=%s", stream.vital)
            return None
        return Arrival(stream, reading, judged, record.received_ms, record.payload)


def _companions(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")
