"""Readings that are not yet confirmed, kept on disk by whoever took them.

A device's outbox is a folder of segment files. A reading is appended to the newest
segment with one write, so that it survives the death of the process; a segment goes when
everything in it is confirmed. Nothing is ever rewritten.

A record is its length and CRC-32 (four bytes each, big-endian), then boot, seq and topic,
each ended by a newline, then the payload. A record that the process died in is cut off
when the outbox is opened again.
"""

import logging
import os
import secrets
import struct
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.errors import StorageError

log = logging.getLogger(__name__)

_HEAD: Final = struct.Struct(">II")
SEGMENT_RECORDS: Final = 512
DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024


class Entry(NamedTuple):
    """A reading as it is published; (boot, seq) names it within its device."""

    boot: str
    seq: int
    topic: str
    payload: bytes


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

    Raises StorageError where the disk refuses. `dropped` counts what went because the
    outbox was full, oldest first, and `damaged` what could not be read again.
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
        self.dropped = 0
        self.damaged = 0
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
        """Return what is unconfirmed of a boot from `seq` on, in order."""
        for place in list(self._boots.get(boot, ())):
            if place.seq >= seq and place.segment in self._segments:
                yield self._read(place)

    def held_from_seq(self, boot: str) -> int | None:
        """Return the oldest seq of a boot that is still held."""
        places = self._boots.get(boot)
        return places[0].seq if places else None

    def held_seqs(self, boot: str) -> list[int]:
        """Return the seqs of a boot that are still held, in the order of appending."""
        return [place.seq for place in self._boots.get(boot, ())]

    @property
    def boots(self) -> tuple[str, ...]:
        """The boots of which something is held, oldest first."""
        return tuple(self._boots)

    def close(self) -> None:
        """Close the file; what is unconfirmed stays on disk."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, entry: Entry) -> None:
        record = _pack(entry)
        segment = self._writable()
        assert self._file is not None
        _write_whole(self._file, record, segment.size)
        self._remember(entry.boot, entry.seq, self._newest, len(record))

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
                _sync_folder(self._folder)
        return segment

    def _finish_segment(self) -> None:
        if self._sync and self._file is not None:
            os.fsync(self._file)
        self.close()

    def _remember(self, boot: str, seq: int, number: int, length: int) -> None:
        segment = self._segments[number]
        place = _Place(seq, number, segment.size, length)
        self._boots.setdefault(boot, deque()).append(place)
        segment.size += length
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
            self.close()
        segment = self._segments.pop(number)
        segment.path.unlink(missing_ok=True)

    def _make_room(self) -> None:
        """Drop the oldest segments while the outbox is larger than it may be."""
        total = sum(segment.size for segment in self._segments.values())
        while total > self._max_bytes and len(self._segments) > 1:
            oldest = min(self._segments)
            gone = self._segments[oldest]
            total -= gone.size
            self.dropped += gone.unconfirmed
            log.error("outbox full, dropping oldest readings=%d", gone.unconfirmed)
            self._remove(oldest)
            for boot, places in list(self._boots.items()):
                while places and places[0].segment == oldest:
                    places.popleft()
                if not places:
                    del self._boots[boot]

    def _read(self, place: _Place) -> Entry:
        with self._segments[place.segment].path.open("rb") as file:
            file.seek(place.offset)
            return _unpack(file.read(place.length)[_HEAD.size :])

    def _load(self) -> None:
        for path in sorted(self._folder.glob("*.segment")):
            self._newest = int(path.stem)
            self._segments[self._newest] = _Segment(path)
            data = path.read_bytes()
            end = self._load_records(data)
            if end < len(data):
                self._cut(path, end, len(data) - end)
            if not self._segments[self._newest].unconfirmed:
                self._remove(self._newest)

    def _load_records(self, data: bytes) -> int:
        """Take in a segment's records; return where the readable ones end."""
        start = 0
        while start + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, start)
            stop = start + _HEAD.size + length
            body = data[start + _HEAD.size : stop]
            if len(body) != length or zlib.crc32(body) != checksum:
                break
            entry = _unpack(body)
            self._remember(entry.boot, entry.seq, self._newest, stop - start)
            start = stop
        return start

    def _cut(self, path: Path, end: int, length: int) -> None:
        self.damaged += 1
        log.warning(
            "outbox cut off an unfinished record file=%s bytes=%d", path, length
        )
        os.truncate(path, end)


def _write_whole(file: int, record: bytes, offset: int) -> None:
    """Write a record where it belongs: a failed write before it leaves no hole."""
    written = os.pwrite(file, record, offset)
    if written != len(record):
        raise OSError(28, "no space for a whole record")


def _sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as what is written into it."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _pack(entry: Entry) -> bytes:
    head = f"{entry.boot}\n{entry.seq}\n{entry.topic}\n".encode()
    body = head + entry.payload
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _unpack(body: bytes) -> Entry:
    boot, seq, topic, payload = body.split(b"\n", 3)
    return Entry(boot.decode(), int(seq), topic.decode(), payload)
