"""The newest reading of every vital, without reading a file twice."""

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from monitorme.contract.readings import FUTURE_TOLERANCE_MS
from monitorme_recorder.history.hour_readers import HourReaders, Reader
from monitorme_recorder.history.parts import Listing, streams_of
from monitorme_recorder.history_store import Latest, StoredReading
from monitorme_recorder.hours import end_of
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store

Bed = tuple[str, str]


class _Before(NamedTuple):
    """What the files said of a bed, and how many had been written anew by then."""

    latest: Latest
    replaced: int


class Newest:
    """Knows the newest readings: the store those since it began, this those before."""

    def __init__(self, store: Store, listing: Listing, readers: HourReaders) -> None:
        self._store = store
        self._readers = readers
        self._listing = listing
        self._before: dict[Bed, _Before] = {}
        self._reading = threading.Lock()

    def of_beds(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        """Return the newest reading of each vital, of each bed."""
        if self._unread(ward, beds):
            # Whoever asks meanwhile waits: they would read the same files.
            with self._reading:
                self._read(ward, self._unread(ward, beds))
        return self._known(ward, beds, since_ms)

    def at_hand(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest] | None:
        """Return what `of_beds` does, where no file has to be read for it."""
        if self._unread(ward, beds):
            return None
        return self._known(ward, beds, since_ms)

    def _known(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        return {bed: self._of_bed(ward, bed, since_ms) for bed in beds}

    def _of_bed(self, ward: str, bed: str, since_ms: int) -> Latest:
        found = self._before[ward, bed].latest.copy()
        # Without the store's lock: a track's newest is one object, put there as a whole.
        for stream, kept in self._store.memory.newest(ward, bed).items():
            _keep(found, stream, [kept])
        recent = {v: one for v, one in found.items() if one.kept.at_ms >= since_ms}
        return dict(sorted(recent.items()))

    def _unread(self, ward: str, beds: Iterable[str]) -> set[str]:
        """Return the beds of which it is not known what the files say.

        An hour that was written anew may have what it could not give before.
        """
        replaced = self._readers.replaced
        return {
            bed
            for bed in beds
            if (known := self._before.get((ward, bed))) is None
            or known.replaced != replaced
        }

    def _read(self, ward: str, beds: Collection[str]) -> None:
        """Take in what the files say; what comes later is in the store."""
        replaced = self._readers.replaced
        found = self._of_files(ward, beds) if beds else {}
        for bed, latest in found.items():
            self._before[ward, bed] = _Before(latest, replaced)

    def _of_files(self, ward: str, beds: Collection[str]) -> dict[str, Latest]:
        """Return what the files say, looking into none for what a newer one has."""
        found: dict[str, Latest] = {bed: {} for bed in beds}

        def ask(db: Reader) -> Iterator[tuple[Stream, list[Kept]]]:
            # What is in this file, or in one before it, is older than this.
            end_ms = end_of(db.source.path) + FUTURE_TOLERANCE_MS
            for number, stream in streams_of(db, ward):
                known = found.get(stream.bed, {}).get(stream.vital)
                is_older = known is not None and known.kept.at_ms >= end_ms
                if stream.bed not in found or is_older:
                    continue
                data = _last_of(db, number)
                if data is not None:
                    yield stream, self._readers.unpack(db.source, data)

        with self._listing.moment(
            list, lambda stream: stream.ward == ward and stream.bed in found
        ) as moment:
            for stream, tail in moment.tails.items():
                _keep(found[stream.bed], stream, tail)
            for stream, kept in moment.each_file(ask, newest_first=True):
                _keep(found[stream.bed], stream, kept)
        return found


def _last_of(db: sqlite3.Connection, stream: int) -> bytes | None:
    """Return the chunk that reaches furthest, packed."""
    row: tuple[bytes] | None = db.execute(
        "select data from chunk where stream=? order by last_ms desc limit 1", (stream,)
    ).fetchone()
    return row[0] if row is not None else None


def _keep(found: Latest, stream: Stream, kept: Iterable[Kept]) -> None:
    """Keep the last of some readings of a stream, where it is the vital's last."""
    last = max(kept, key=lambda one: (one.at_ms, one.seq), default=None)
    if last is None:
        return
    one, known = StoredReading(stream, last), found.get(stream.vital)
    if known is None or one.position >= known.position:
        found[stream.vital] = one
