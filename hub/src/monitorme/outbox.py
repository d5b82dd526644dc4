"""Readings that are not yet confirmed, kept on disk by whoever took them.

A device's outbox is a folder of segment files. A reading is appended to the newest
segment with one write, so that it survives the death of the process; a segment goes when
everything in it is confirmed. A record that the process died in is cut off when the
outbox is opened again. A segment that is damaged is set aside as `*.damaged`, whole, and
what can be read of it is kept.
"""

import logging
import os
import re
import secrets
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.errors import StorageError
from monitorme.outbox_segment import (
    Entry,
    Scan,
    pack,
    read,
    scan,
    set_aside,
    sync_folder,
    write_whole,
)

__all__ = ["DEFAULT_MAX_BYTES", "SEGMENT_RECORDS", "Entry", "Outbox", "new_boot"]

log = logging.getLogger(__name__)

_SEGMENT_NAME: Final = re.compile(r"\d{12}\.segment")
SEGMENT_RECORDS: Final = 512
DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024


@dataclass(slots=True)
class _Segment:
    path: Path
    records: int = 0
    unconfirmed: int = 0
    size: int = 0


class _Place(NamedTuple):
    seq: int
    segment: int
    offset: int
    length: int


def new_boot() -> str:
    """Return a name for a boot: unique, and later ones sort after earlier ones."""
    return f"{time.time_ns() // 1_000_000:012x}-{secrets.token_hex(4)}"


class Outbox:
    """The unconfirmed readings of one device; owned by one thread.

    Raises StorageError where the disk refuses. `dropped` counts the readings that went
    because the outbox was full, oldest first, `damaged` the places on disk that could
    not be read again, and `set_aside` names the segments that they were in.
    """

    def __init__(
        self, folder: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, sync: bool = False
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._sync = sync
        self._segments: dict[int, _Segment] = {}
        self._boots: dict[str, deque[_Place]] = {}
        self._file: int | None = None
        self._newest = 0
        self._bytes = 0
        self.dropped = 0
        self.damaged = 0
        self.set_aside: list[Path] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._load()
        except OSError as error:
            raise StorageError(
                f"cannot use the outbox {folder}: {error.strerror}"
            ) from error

    def __len__(self) -> int:
        return sum(len(places) for places in self._boots.values())

    def append(self, entry: Entry) -> None:
        """Put a reading on disk."""
        self.append_all([entry])

    def append_all(self, entries: Iterable[Entry]) -> None:
        """Put readings on disk, with one fsync for all where the outbox syncs.

        Where the disk refuses, none of them may count as kept.
        """
        try:
            for entry in entries:
                self._write(entry)
            if self._sync and self._file is not None:
                os.fsync(self._file)
        except OSError as error:
            raise StorageError(
                f"the outbox {self._folder} cannot be written: {error.strerror}"
            ) from error
        self._make_room()

    def confirm(self, boot: str, seq: int) -> None:
        """Forget all readings of a boot up to `seq`."""
        places = self._boots.get(boot)
        while places and places[0].seq <= seq:
            self._forget(places.popleft())
        if places is not None and not places:
            del self._boots[boot]

    def pending(self) -> Iterator[Entry]:
        """Return what is unconfirmed, boot by boot, oldest first."""
        for boot in list(self._boots):
            yield from self.pending_from(boot, 0)

    def pending_from(self, boot: str, seq: int) -> Iterator[Entry]:
        """Return what is unconfirmed of a boot from `seq` on, in order.

        What is confirmed meanwhile is left out, what is appended meanwhile too.
        """
        for place in [one for one in self._boots.get(boot, ()) if one.seq >= seq]:
            entry = self._read(boot, place) if self._holds(boot, place) else None
            if entry is not None:
                yield entry

    def held_from_seq(self, boot: str) -> int | None:
        """Return the oldest seq of a boot that is still held."""
        places = self._boots.get(boot)
        return places[0].seq if places else None

    def held_seqs(self, boot: str) -> list[int]:
        """Return the seqs of a boot that are still held, in order."""
        return [place.seq for place in self._boots.get(boot, ())]

    def newest_seq(self, boot: str) -> int:
        """Return the newest seq of a boot that is still held; 0 for none."""
        places = self._boots.get(boot)
        return places[-1].seq if places else 0

    def oldest(self) -> tuple[str, int] | None:
        """Return boot and seq of the oldest reading that is held."""
        for boot, places in self._boots.items():
            return boot, places[0].seq
        return None

    @property
    def boots(self) -> tuple[str, ...]:
        """The boots of which something is held, oldest first."""
        return tuple(self._boots)

    def close(self) -> None:
        """Close the file; what is unconfirmed stays on disk, and nothing else."""
        self._close_file()
        newest = self._segments.get(self._newest)
        if newest is not None and not newest.unconfirmed:
            self._remove(self._newest)

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, entry: Entry) -> None:
        record = pack(entry)
        segment = self._writable()
        assert self._file is not None
        write_whole(self._file, record, segment.size)
        offset, segment.size = segment.size, segment.size + len(record)
        self._bytes += len(record)
        self._remember(entry, _Place(entry.seq, self._newest, offset, len(record)))

    def _writable(self) -> _Segment:
        """Return the segment to append to, open."""
        segment = self._segments.get(self._newest)
        if segment is None or segment.records >= SEGMENT_RECORDS:
            self._finish_segment()
            self._newest += 1
            path = self._folder / f"{self._newest:012}.segment"
            segment = self._segments[self._newest] = _Segment(path)
        if self._file is None:
            self._file = os.open(segment.path, os.O_WRONLY | os.O_CREAT, 0o600)
            if self._sync:
                sync_folder(self._folder)
        return segment

    def _finish_segment(self) -> None:
        if self._sync and self._file is not None:
            os.fsync(self._file)
        self._close_file()

    def _remember(self, entry: Entry, place: _Place) -> None:
        places = self._boots.setdefault(entry.boot, deque())
        if places and places[-1].seq > place.seq:
            # Taken again after a failure: what is held stays in order of seq.
            at = len(places)
            while at and places[at - 1].seq > place.seq:
                at -= 1
            places.insert(at, place)
        else:
            places.append(place)
        segment = self._segments[place.segment]
        segment.records += 1
        segment.unconfirmed += 1

    def _forget(self, place: _Place) -> None:
        segment = self._segments.get(place.segment)
        if segment is None:
            return
        segment.unconfirmed -= 1
        is_full = segment.records >= SEGMENT_RECORDS
        if not segment.unconfirmed and (is_full or place.segment != self._newest):
            self._remove(place.segment)

    def _remove(self, number: int) -> None:
        if number == self._newest:
            self._close_file()
        segment = self._segments.pop(number)
        self._bytes -= segment.size
        try:
            segment.path.unlink(missing_ok=True)
        except OSError as error:
            # It will be found again and sent again, which does no harm.
            log.warning("cannot delete file=%s: %s", segment.path, error.strerror)

    def _make_room(self) -> None:
        """Drop the oldest segments while the outbox is larger than it may be."""
        while self._bytes > self._max_bytes and len(self._segments) > 1:
            oldest = min(self._segments)
            gone = self._segments[oldest].unconfirmed
            self.dropped += gone
            log.error("outbox full, dropping oldest readings=%d", gone)
            self._remove(oldest)
            for boot, places in list(self._boots.items()):
                kept = deque(one for one in places if one.segment != oldest)
                if kept:
                    self._boots[boot] = kept
                else:
                    del self._boots[boot]

    def _holds(self, boot: str, place: _Place) -> bool:
        places = self._boots.get(boot)
        is_unconfirmed = places is not None and place.seq >= places[0].seq
        return is_unconfirmed and place.segment in self._segments

    def _read(self, boot: str, place: _Place) -> Entry | None:
        """Read a record again; what the disk has lost is no longer held."""
        path = self._segments[place.segment].path
        found = None
        try:
            with path.open("rb", buffering=0) as file:
                found = read(os.pread(file.fileno(), place.length, place.offset))
        except FileNotFoundError:
            log.error("outbox lost file=%s", path)
        except OSError as error:
            raise StorageError(
                f"the outbox {self._folder} cannot be read: {error.strerror}"
            ) from error
        if found is None:
            self._give_up(boot, place)
            return None
        return found.entry

    def _give_up(self, boot: str, place: _Place) -> None:
        self.damaged += 1
        log.error("outbox cannot read boot=%s seq=%d again", boot, place.seq)
        places = self._boots[boot]
        places.remove(place)
        if not places:
            del self._boots[boot]
        self._forget(place)

    def _load(self) -> None:
        for path in sorted(self._folder.glob("*.segment")):
            if not _SEGMENT_NAME.fullmatch(path.name):
                continue
            self._newest = int(path.stem)
            data = path.read_bytes()
            scanned = scan(data)
            if scanned.damaged:
                self._set_aside(path, data, scanned)
                scanned = scan(path.read_bytes())
            elif scanned.end < len(data):
                self._cut(path, scanned.end, len(data) - scanned.end)
            self._take_in(path, scanned)

    def _take_in(self, path: Path, scanned: Scan) -> None:
        self._segments[self._newest] = _Segment(path, size=scanned.end)
        self._bytes += scanned.end
        for entry, start, stop in scanned.found:
            self._remember(entry, _Place(entry.seq, self._newest, start, stop - start))
        if not scanned.found:
            self._remove(self._newest)

    def _set_aside(self, path: Path, data: bytes, scanned: Scan) -> None:
        aside = set_aside(path, data, scanned.found)
        self.damaged += len(scanned.damaged)
        self.set_aside.append(aside)
        kept = len(scanned.found)
        log.error("outbox damaged, set aside file=%s readable=%d", aside, kept)

    def _cut(self, path: Path, end: int, length: int) -> None:
        self.damaged += 1
        log.warning(
            "outbox cut off an unfinished record file=%s bytes=%d", path, length
        )
        os.truncate(path, end)
