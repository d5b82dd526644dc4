"""The segment files of an outbox: appended to, read again, and let go whole."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from monitorme.outbox.disk import sync_folder, write_whole
from monitorme.outbox.kept import KeptSegments
from monitorme.outbox.left import SUFFIX, LeftSegment, left_kept
from monitorme.outbox.record import Entry, pack, read, scan
from monitorme.outbox.segment import Place, Run, Segment

log = logging.getLogger(__name__)

SEGMENT_RECORDS: Final = 512


class Segments:
    """The segments that hold something unconfirmed, by number; raises OSError.

    One of which everything is confirmed goes to `kept`, if that is keeping anything.
    """

    def __init__(self, folder: Path, kept: KeptSegments, *, sync: bool) -> None:
        self._folder = folder
        self._kept = kept
        self._sync = sync
        self._segments: dict[int, Segment] = {}
        self._file: int | None = None
        self._newest = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._segments)

    # What an earlier process left.

    def take_in_kept(self) -> None:
        """Take in what is kept on disk."""
        for number, segment, age_s in left_kept(self._folder):
            self._newest = max(self._newest, number)
            self._kept.add(number, segment, age_s)

    def take_in(self, left: LeftSegment) -> Iterator[tuple[str, Place]]:
        """Take in a segment; returns boot and place of what counts as unconfirmed."""
        number = left.number
        self._newest = max(self._newest, number)
        segment = self._segments[number] = Segment(left.path, size=left.scan.end)
        self.bytes += segment.size
        for entry, start, stop in left.scan.found:
            segment.note(entry.boot, entry.seq)
            segment.unconfirmed += 1
            yield entry.boot, Place(entry.seq, number, start, stop - start)
        if not left.scan.found:
            self._drop(number).unlink()

    # Appending.

    def append(self, entry: Entry) -> Place:
        """Write a record to the end; it counts as unconfirmed."""
        record = pack(entry)
        segment = self._writable()
        assert self._file is not None
        write_whole(self._file, record, segment.size)
        place = Place(entry.seq, self._newest, segment.size, len(record))
        segment.size += len(record)
        segment.note(entry.boot, entry.seq)
        segment.unconfirmed += 1
        self.bytes += len(record)
        return place

    def sync(self) -> None:
        """Make sure that what was appended survives a power cut, where that is asked."""
        if self._sync and self._file is not None:
            os.fsync(self._file)

    def close(self) -> None:
        """Close the file; it stays, unless everything in it is confirmed."""
        self._close_file()
        newest = self._segments.get(self._newest)
        if newest is not None and not newest.unconfirmed:
            self._retire(self._newest)

    def _writable(self) -> Segment:
        """Return the segment to append to, open."""
        segment = self._segments.get(self._newest)
        if segment is None or segment.records >= SEGMENT_RECORDS:
            self.sync()
            self._close_file()
            self._newest += 1
            path = self._folder / f"{self._newest:012}{SUFFIX}"
            segment = self._segments[self._newest] = Segment(path)
        if self._file is None:
            self._file = os.open(segment.path, os.O_WRONLY | os.O_CREAT, 0o600)
            if self._sync:
                sync_folder(self._folder)
        return segment

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    # Reading again.

    def read(self, place: Place) -> Entry | None:
        """Read a record again; None where the disk has lost it."""
        path = self._segments[place.segment].path
        try:
            with path.open("rb", buffering=0) as file:
                found = read(os.pread(file.fileno(), place.length, place.offset))
        except FileNotFoundError:
            log.error("outbox lost file=%s", path)
            return None
        return found.entry if found is not None else None

    def has(self, place: Place) -> bool:
        """Say whether the segment of a place is still there."""
        return place.segment in self._segments

    def places(self, boot: str, seq: int) -> Iterator[Place]:
        """Return where a boot's records are from `seq` on, confirmed ones too."""
        for number, segment in self._segments.items():
            if segment.has_from(boot, seq):
                for place in _places_in(number, segment, boot):
                    if place.seq >= seq:
                        yield place

    def runs(self, boot: str) -> Iterator[Run]:
        """Return the seqs of a boot that are there, confirmed ones and kept ones too."""
        for segment in self._segments.values():
            yield from segment.runs.get(boot, ())
        yield from self._kept.runs(boot)

    # Letting go, and taking back.

    def hold(self, place: Place) -> None:
        """Count a record as unconfirmed again."""
        self._segments[place.segment].unconfirmed += 1

    def let_go(self, place: Place) -> None:
        """Count a record as confirmed; its segment goes with the last one."""
        segment = self._segments.get(place.segment)
        if segment is None:
            return
        segment.unconfirmed -= 1
        is_full = segment.records >= SEGMENT_RECORDS
        if not segment.unconfirmed and (is_full or place.segment != self._newest):
            self._retire(place.segment)

    def take_back_kept(self, boot: str, seq: int) -> None:
        """Take back the kept segments that have something of a boot from `seq` on."""
        for number in self._kept.with_any(boot, seq):
            segment = self._segments[number] = self._kept.take(number)
            self.bytes += segment.size
            # Or a restart before it is confirmed again would take it for confirmed.
            segment.rename(SUFFIX)

    def drop_oldest(self) -> tuple[int, int]:
        """Delete the oldest segment; returns its number and what was unconfirmed."""
        number = min(self._segments)
        segment = self._drop(number)
        segment.unlink()
        return number, segment.unconfirmed

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
        self.bytes -= segment.size
        return segment


def _places_in(number: int, segment: Segment, boot: str) -> list[Place]:
    """Return where a segment has a boot's records; what cannot be read has none."""
    try:
        scanned = scan(segment.path.read_bytes()[: segment.size])
    except FileNotFoundError:
        return []
    return [
        Place(entry.seq, number, start, stop - start)
        for entry, start, stop in scanned.found
        if entry.boot == boot
    ]
