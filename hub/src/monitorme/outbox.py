"""Readings that are not yet confirmed, kept on disk by whoever took them.

A device's outbox is a folder of segment files. A reading is appended to the newest
segment with one write, so that it survives the death of the process; a segment goes when
everything in it is confirmed, at once or after a while in which the hub may ask for it
again (`*.kept`). A record that the process died in is cut off when the
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
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.errors import StorageError
from monitorme.outbox_kept import SUFFIX as KEPT_SUFFIX
from monitorme.outbox_kept import KeptSegments, Segment, unbroken_from
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

__all__ = [
    "DEFAULT_MAX_BYTES",
    "KEEP_CONFIRMED_S",
    "SEGMENT_RECORDS",
    "Entry",
    "Outbox",
    "new_boot",
]

log = logging.getLogger(__name__)

_NUMBER: Final = re.compile(r"\d{12}")
SEGMENT_RECORDS: Final = 512
DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024
KEEP_CONFIRMED_S: Final = 900.0
"""How long a device keeps what is confirmed: the recorder has readings in one place alone
for 5 minutes (`fold_every_s`), and a salvage before it asks may take as long."""
KEPT_MAX_BYTES: Final = 8 * 1024 * 1024


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
        self,
        folder: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        sync: bool = False,
        keep_confirmed_s: float = 0.0,
    ) -> None:
        self._kept = KeptSegments(keep_confirmed_s, KEPT_MAX_BYTES)
        self._folder = folder
        self._max_bytes = max_bytes
        self._sync = sync
        self._segments: dict[int, Segment] = {}
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
            self._kept.clear()
            raise StorageError(
                f"the outbox {self._folder} cannot be written: {error.strerror}"
            ) from error
        self._make_room()

    def confirm(self, boot: str, seq: int) -> None:
        """Forget all readings of a boot up to `seq`, or keep them to be asked for."""
        places = self._boots.get(boot)
        while places and places[0].seq <= seq:
            self._forget(places.popleft())
        if places is not None and not places:
            del self._boots[boot]
        self._kept.purge()

    def take_back(self, boot: str, seq: int) -> None:
        """Hold what is still kept of a boot from `seq` on as if it were unconfirmed.

        For a hub that has lost what it had confirmed. Raises StorageError.
        """
        if not self._kept.is_keeping:
            return
        for number in self._kept.with_any(boot, seq):
            segment = self._segments[number] = self._kept.take(number)
            self._bytes += segment.size
        held = {place.seq: place for place in self._boots.get(boot, ())}
        for number, segment in self._segments.items():
            if segment.has_from(boot, seq):
                for place in self._places(number, segment, boot):
                    if place.seq >= seq and place.seq not in held:
                        held[place.seq] = place
                        segment.unconfirmed += 1
        if held:
            self._boots[boot] = deque(held[one] for one in sorted(held))

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
        """Return from which seq of a boot on all can be given; None where nothing can.

        What is kept counts as far as nothing is missing between it and the rest.
        """
        places = self._boots.get(boot)
        if not self._kept.is_keeping:
            return places[0].seq if places else None
        live = [
            run for one in self._segments.values() for run in one.runs.get(boot, ())
        ]
        return unbroken_from([*live, *self._kept.runs(boot)])

    def next_held(self, boot: str, seq: int) -> int | None:
        """Return the first unconfirmed seq of a boot from `seq` on."""
        places = self._boots.get(boot, ())
        return next((one.seq for one in places if one.seq >= seq), None)

    def held_seqs(self, boot: str) -> list[int]:
        """Return the seqs of a boot that are unconfirmed, in order."""
        return [place.seq for place in self._boots.get(boot, ())]

    def newest_seq(self, boot: str) -> int:
        """Return the newest seq of a boot that is unconfirmed; 0 for none."""
        places = self._boots.get(boot)
        return places[-1].seq if places else 0

    def oldest(self) -> tuple[str, int] | None:
        """Return boot and seq of the oldest reading that is unconfirmed."""
        for boot, places in self._boots.items():
            return boot, places[0].seq
        return None

    @property
    def boots(self) -> tuple[str, ...]:
        """The boots of which something is unconfirmed, oldest first."""
        return tuple(self._boots)

    def close(self) -> None:
        """Close the file; what is unconfirmed stays on disk, and what is kept."""
        self._close_file()
        newest = self._segments.get(self._newest)
        if newest is not None and not newest.unconfirmed:
            self._retire(self._newest)

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

    def _writable(self) -> Segment:
        """Return the segment to append to, open."""
        segment = self._segments.get(self._newest)
        if segment is None or segment.records >= SEGMENT_RECORDS:
            self._finish_segment()
            self._newest += 1
            path = self._folder / f"{self._newest:012}.segment"
            segment = self._segments[self._newest] = Segment(path)
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
        segment.note(entry.boot, entry.seq)
        segment.unconfirmed += 1

    def _forget(self, place: _Place) -> None:
        segment = self._segments.get(place.segment)
        if segment is None:
            return
        segment.unconfirmed -= 1
        is_full = segment.records >= SEGMENT_RECORDS
        if not segment.unconfirmed and (is_full or place.segment != self._newest):
            self._retire(place.segment)

    def _retire(self, number: int) -> None:
        """Let go a segment of which everything is confirmed."""
        segment = self._drop(number)
        if self._kept.is_keeping:
            self._kept.add(number, segment)
        else:
            segment.unlink()

    def _drop(self, number: int) -> Segment:
        if number == self._newest:
            self._close_file()
        segment = self._segments.pop(number)
        self._bytes -= segment.size
        return segment

    def _places(self, number: int, segment: Segment, boot: str) -> list[_Place]:
        """Return where a segment has a boot's records; what cannot be read has none."""
        try:
            scanned = scan(segment.path.read_bytes()[: segment.size])
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(
                f"the outbox {self._folder} cannot be read: {error.strerror}"
            ) from error
        return [
            _Place(entry.seq, number, start, stop - start)
            for entry, start, stop in scanned.found
            if entry.boot == boot
        ]

    def _make_room(self) -> None:
        """Drop the oldest segments while the outbox is larger than it may be."""
        while self._bytes > self._max_bytes and len(self._segments) > 1:
            oldest = min(self._segments)
            gone = self._segments[oldest].unconfirmed
            self.dropped += gone
            log.error("outbox full, dropping oldest readings=%d", gone)
            self._drop(oldest).unlink()
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
        self._load_kept()
        for path in sorted(self._folder.glob("*.segment")):
            if not _NUMBER.fullmatch(path.stem):
                continue
            self._newest = max(self._newest, int(path.stem))
            data = path.read_bytes()
            scanned = scan(data)
            if scanned.damaged:
                self._set_aside(path, data, scanned)
                scanned = scan(path.read_bytes())
            elif scanned.end < len(data):
                self._cut(path, scanned.end, len(data) - scanned.end)
            self._take_in(path, scanned)

    def _take_in(self, path: Path, scanned: Scan) -> None:
        number = int(path.stem)
        self._segments[number] = Segment(path, size=scanned.end)
        self._bytes += scanned.end
        for entry, start, stop in scanned.found:
            self._remember(entry, _Place(entry.seq, number, start, stop - start))
        if not scanned.found:
            self._drop(number).unlink()

    def _load_kept(self) -> None:
        for path in sorted(self._folder.glob(f"*{KEPT_SUFFIX}")):
            if not _NUMBER.fullmatch(path.stem):
                continue
            data, age_s = path.read_bytes(), time.time() - path.stat().st_mtime
            segment = Segment(path, size=len(data))
            for entry, _, _ in scan(data).found:
                segment.note(entry.boot, entry.seq)
            self._newest = max(self._newest, int(path.stem))
            self._kept.add(int(path.stem), segment, max(0.0, age_s))

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
