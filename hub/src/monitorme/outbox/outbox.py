"""The outbox of one device: what is unconfirmed, and the segments that it is in."""

import logging
import secrets
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from monitorme.errors import StorageError
from monitorme.outbox.kept import KeptSegments
from monitorme.outbox.left import left_segments
from monitorme.outbox.record import Entry
from monitorme.outbox.segment import Place, unbroken_from
from monitorme.outbox.segments import Segments
from monitorme.outbox.unconfirmed import Unconfirmed

log = logging.getLogger(__name__)

DEFAULT_MAX_BYTES: Final = 256 * 1024 * 1024
KEEP_CONFIRMED_S: Final = 900.0
"""How long a device keeps what is confirmed: the recorder has readings in one place alone
for 5 minutes (`fold_every_s`), and a salvage before it asks may take as long."""
KEPT_MAX_BYTES: Final = 8 * 1024 * 1024


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
        self._folder = folder
        self._max_bytes = max_bytes
        self._kept = KeptSegments(keep_confirmed_s, KEPT_MAX_BYTES)
        self._segments = Segments(folder, self._kept, sync=sync)
        self._unconfirmed = Unconfirmed()
        self.dropped = 0
        self.damaged = 0
        self.set_aside: list[Path] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._take_in_what_is_left()
        except OSError as error:
            raise StorageError(
                f"cannot use the outbox {folder}: {error.strerror}"
            ) from error

    def __len__(self) -> int:
        return len(self._unconfirmed)

    def append(self, entry: Entry) -> None:
        """Put a reading on disk."""
        self.append_all([entry])

    def append_all(self, entries: Iterable[Entry]) -> None:
        """Put readings on disk, with one fsync for all where the outbox syncs.

        Where the disk refuses, none of them may count as kept.
        """
        try:
            for entry in entries:
                self._unconfirmed.add(entry.boot, self._segments.append(entry))
            self._segments.sync()
        except OSError as error:
            # What is kept gives way, so that the next attempt finds room.
            self._kept.clear()
            raise self._refused("written", error) from error
        self._make_room()

    def confirm(self, boot: str, seq: int) -> None:
        """Forget all readings of a boot up to `seq`, or keep them to be asked for."""
        for place in self._unconfirmed.confirm(boot, seq):
            self._segments.let_go(place)
        self._kept.purge()

    def take_back(self, boot: str, seq: int) -> None:
        """Hold what is still kept of a boot from `seq` on as if it were unconfirmed.

        For a hub that has lost what it had confirmed. Raises StorageError.
        """
        if not self._kept.is_keeping:
            return
        self._segments.take_back_kept(boot, seq)
        try:
            found = list(self._segments.places(boot, seq))
        except OSError as error:
            raise self._refused("read", error) from error
        for place in self._unconfirmed.add_missing(boot, found):
            self._segments.hold(place)

    def pending(self) -> Iterator[Entry]:
        """Return what is unconfirmed, boot by boot, oldest first."""
        for boot in self.boots:
            yield from self.pending_from(boot, 0)

    def pending_from(self, boot: str, seq: int) -> Iterator[Entry]:
        """Return what is unconfirmed of a boot from `seq` on, in order.

        What is confirmed meanwhile is left out, what is appended meanwhile too.
        """
        for place in self._unconfirmed.from_seq(boot, seq):
            is_held = self._unconfirmed.may_hold(boot, place)
            if is_held and self._segments.has(place):
                entry = self._read(boot, place)
                if entry is not None:
                    yield entry

    def held_from_seq(self, boot: str) -> int | None:
        """Return from which seq of a boot on all can be given; None where nothing can.

        What is kept counts as far as nothing is missing between it and the rest.
        """
        if not self._kept.is_keeping:
            return self._unconfirmed.next_seq(boot, 0)
        return unbroken_from(self._segments.runs(boot))

    def next_held(self, boot: str, seq: int) -> int | None:
        """Return the first unconfirmed seq of a boot from `seq` on."""
        return self._unconfirmed.next_seq(boot, seq)

    def held_seqs(self, boot: str) -> list[int]:
        """Return the seqs of a boot that are unconfirmed, in order."""
        return [place.seq for place in self._unconfirmed.from_seq(boot, 0)]

    def newest_seq(self, boot: str) -> int:
        """Return the newest seq of a boot that is unconfirmed; 0 for none."""
        return self._unconfirmed.newest_seq(boot) or 0

    def oldest(self) -> tuple[str, int] | None:
        """Return boot and seq of the oldest reading that is unconfirmed."""
        return self._unconfirmed.oldest()

    @property
    def boots(self) -> tuple[str, ...]:
        """The boots of which something is unconfirmed, oldest first."""
        return self._unconfirmed.boots

    def close(self) -> None:
        """Close the file; what is unconfirmed stays on disk, and what is kept."""
        self._segments.close()

    def _take_in_what_is_left(self) -> None:
        self._segments.take_in_kept()
        for left in left_segments(self._folder):
            self.damaged += left.damaged
            if left.aside is not None:
                self.set_aside.append(left.aside)
            for boot, place in self._segments.take_in(left):
                self._unconfirmed.add(boot, place)

    def _make_room(self) -> None:
        """Drop the oldest segments while the outbox is larger than it may be."""
        while self._segments.bytes > self._max_bytes and len(self._segments) > 1:
            number, gone = self._segments.drop_oldest()
            self._unconfirmed.remove_segment(number)
            self.dropped += gone
            log.error("outbox full, dropping oldest readings=%d", gone)

    def _read(self, boot: str, place: Place) -> Entry | None:
        """Read a record again; what the disk has lost is no longer held."""
        try:
            entry = self._segments.read(place)
        except OSError as error:
            raise self._refused("read", error) from error
        if entry is None:
            self.damaged += 1
            log.error("outbox cannot read boot=%s seq=%d again", boot, place.seq)
            self._unconfirmed.remove(boot, place)
            self._segments.let_go(place)
        return entry

    def _refused(self, what: str, error: OSError) -> StorageError:
        text = f"the outbox {self._folder} cannot be {what}: {error.strerror}"
        return StorageError(text)
