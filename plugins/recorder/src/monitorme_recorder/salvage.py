"""What can still be read of a damaged hour, put into a new file.

Of what cannot be read of the newest hour, the new file's watermarks know nothing: it is
asked for from the devices again, and becomes a gap where they no longer hold it either.
Of a closed hour it is a gap at once: what the hour's own watermarks say that it had.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.contract.readings import Reading
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme_recorder.damaged_file import DamagedFile
from monitorme_recorder.hour_file import ROWS_OF_AN_HOUR, HourFile
from monitorme_recorder.hours import end_of, hour_of
from monitorme_recorder.marks import Marks, marks_before, marks_left, packed
from monitorme_recorder.memory import kept_of_record
from monitorme_recorder.pages import Pages
from monitorme_recorder.records import (
    Kept,
    LogRecord,
    Stream,
    before_judgement,
    pack_log,
)
from monitorme_recorder.spans import Span
from monitorme_recorder.tracks import chunk_size
from monitorme_recorder.watermark import Watermark

READINGS_A_ROW: Final = 500
_NOBODY: Final = ("", "")


class LostSpan(NamedTuple):
    """Readings of a boot that a closed hour had, and has no more."""

    device: str
    boot: str
    first: int
    last: int


class Mended(NamedTuple):
    """What came of writing an hour anew; nothing is named as lost of the newest."""

    readings: int
    lost: list[LostSpan]


def salvage(
    path: Path, into: Path, catalogue: Catalogue, noticed_ms: int, *, is_newest: bool
) -> Mended:
    """Write all that can be read of a damaged hour into a new file, folded.

    What is lost of a closed hour is named in it, boot by boot, where the hour's
    watermarks can be read.
    """
    before = marks_before(path)
    new = HourFile(into)
    try:
        with Pages(path) as pages, new.transaction():
            if before is not None:
                new.save_opening(packed(before))
            work = _Salvage(DamagedFile(pages), new, before, catalogue)
            readings = work.run()
            lost = [] if is_newest else work.name_lost(path, noticed_ms)
    finally:
        new.close()
    return Mended(readings, lost)


class _Salvage:
    """Copies what is readable, each reading once."""

    def __init__(
        self,
        old: DamagedFile,
        new: HourFile,
        before: Marks | None,
        catalogue: Catalogue,
    ) -> None:
        self._old = old
        self._new = new
        self._is_begin_known = before is not None
        self._marks = before or {}
        """What is stored, with what was when the hour began."""
        self._catalogue = catalogue
        self._logged: Marks = {}
        self._first: dict[tuple[str, str], int] = {}
        self._places: dict[Stream, list[tuple[int, int]]] = {}
        """By stream, until when each chunk's readings came, and its id."""
        self._readings = 0

    def run(self) -> int:
        """Copy all; returns the number of readings. Within a transaction."""
        new, old = self._new, self._old
        for number, stream in sorted(old.streams.items()):
            new.keep_stream(number, stream)
        self._copy_log()
        new.append_at(max(new.log_id, 0) + ROWS_OF_AN_HOUR, b"")
        self._append(self._from_chunks())
        self._fold_the_rest()
        new.mark_folded(new.log_id)
        self._copy_events_and_gaps()
        new.save_watermarks(packed(self._marks))
        return self._readings

    def name_lost(self, path: Path, noticed_ms: int) -> list[LostSpan]:
        """Write down what is lost of a closed hour; returns it. Within a transaction."""
        end, new = marks_left(path), self._new
        lost = list(self._lost(end))
        # As the hour ended, but for what is lost: the next one begins with it.
        for one in lost:
            end[one.device, one.boot].lost.append(Span(one.first, one.last))
        new.save_watermarks(packed(end))
        beds = {(one.device, one.boot): one for one in self._old.streams.values()}
        hour = (hour_of(path), end_of(path))
        for one in lost:
            stream = beds.get((one.device, one.boot))
            if stream is not None:
                span = Span(one.first, one.last)
                new.add_gap(stream, span, noticed_ms, "journal_damaged", hour)
        return lost

    def _lost(self, end: Marks) -> Iterator[LostSpan]:
        """Return what the watermarks of the hour's end know and nothing has any more.

        Where nobody knows with which it began, what is lost before the first that was
        saved cannot be told from what came earlier.
        """
        for key, mark in sorted(end.items()):
            if not self._is_begin_known and key not in self._first:
                continue
            first = 1 if self._is_begin_known else self._first[key]
            found = self._marks.get(key, Watermark())
            for span in mark.stored():
                for part in found.lacking(span):
                    if part.last >= first:
                        yield LostSpan(*key, max(part.first, first), part.last)

    def _copy_log(self) -> None:
        """Copy the log: rows that are whole as they are, if their streams' numbers are."""
        old, new = self._old, self._new
        has_same_numbers = all(
            new.stream_number(stream) == number
            for number, stream in old.streams.items()
        )
        note = {n: _mark(self._logged, one).add for n, one in old.streams.items()}
        for number, records, data in old.log_rows():
            same = data if has_same_numbers else None
            new.append_at(number, same or self._renumbered(records))
            for one in records:
                note[one.stream](one.seq, 1)

    def _from_chunks(self) -> Iterator[LogRecord]:
        """Copy the chunks; returns what of them the log has not, to be logged too."""
        for boot, chunks in groupby(self._old.chunks(), key=lambda one: one[0][3:]):
            yield from self._from_chunks_of(boot, chunks)

    def _from_chunks_of(
        self, boot: tuple[str, str], chunks: Iterable[tuple[Stream, list[Kept]]]
    ) -> Iterator[LogRecord]:
        """Copy the chunks of a boot: noted in order at the end, which is cheap."""
        before = self._marks.get(boot, Watermark())
        logged = self._logged.get(boot, Watermark())
        found: dict[int, int] = {}
        for stream, kept in chunks:
            fresh = []
            for one in kept:
                if one.seq not in found and not before.has(one.seq):
                    found[one.seq] = one.received_ms
                    fresh.append(one)
            if fresh:
                self._add_chunk(stream, fresh)
            for one in fresh:
                if not logged.has(one.seq):
                    yield self._record_of(stream, one)
        for seq in sorted(found):
            self._note(boot, seq, found[seq])

    def _fold_the_rest(self) -> None:
        """Fold what of the log no chunk had: of an hour that crashed, its last minutes."""
        waiting: dict[Stream, list[Kept]] = {}
        for stream, record in self._not_in_chunks():
            self._note(stream[3:], record.seq, record.received_ms)
            kept = kept_of_record(stream, record, self._catalogue)
            if kept is None:
                # It stays in the log, as everywhere.
                continue
            held = waiting.setdefault(stream, [])
            held.append(kept)
            is_waveform = self._catalogue[stream.vital].kind is VitalKind.WAVEFORM
            if len(held) >= chunk_size(is_waveform=is_waveform):
                self._add_chunk(stream, held)
                held.clear()
        for stream, held in waiting.items():
            if held:
                self._add_chunk(stream, held)
            self._new.order_chunks(stream, self._places[stream])

    def _add_chunk(self, stream: Stream, kept: list[Kept]) -> None:
        number = self._new.add_chunk(stream, kept)
        reaches_ms = max(one.received_ms for one in kept)
        self._places.setdefault(stream, []).append((reaches_ms, number))

    def _not_in_chunks(self) -> Iterator[tuple[Stream, LogRecord]]:
        streams = self._old.streams
        boots = {number: stream[3:] for number, stream in streams.items()}

        def is_new(one: LogRecord) -> bool:
            mark = self._marks.get(boots.get(one.stream, _NOBODY))
            return mark is None or not mark.has(one.seq)

        for _, records, _ in self._old.log_rows(is_new):
            for one in filter(is_new, records):
                yield streams[one.stream], one

    def _note(self, boot: tuple[str, str], seq: int, received_ms: int) -> None:
        """Note a reading that is saved."""
        mark = self._marks.get(boot)
        if mark is None:
            mark = self._marks[boot] = Watermark()
        mark.add(seq, received_ms)
        self._first[boot] = min(seq, self._first.get(boot, seq))
        self._readings += 1

    def _append(self, records: Iterable[LogRecord]) -> None:
        batch: list[LogRecord] = []
        for one in records:
            batch.append(one)
            if len(batch) >= READINGS_A_ROW:
                self._new.append(pack_log(batch))
                batch = []
        if batch:
            self._new.append(pack_log(batch))

    def _renumbered(self, records: Iterable[LogRecord]) -> bytes:
        return pack_log([self._renumber(one) for one in records])

    def _renumber(self, record: LogRecord) -> LogRecord:
        stream = self._old.streams[record.stream]
        return record._replace(stream=self._new.stream_number(stream))

    def _record_of(self, stream: Stream, one: Kept) -> LogRecord:
        """Return a chunk's reading as the log would have it."""
        quality, reason = before_judgement(one)
        reading = Reading(
            *(stream.device, stream.boot, one.seq, one.time_ms, one.value),
            *(quality, reason),
        )
        number = self._new.stream_number(stream)
        return LogRecord(number, one.seq, one.received_ms, reading.to_json())

    def _copy_events_and_gaps(self) -> None:
        for _, event in self._old.events():
            self._new.events.add(*event)
        for row in self._old.gaps():
            self._new.copy_gap(row)


def _mark(marks: Marks, stream: Stream) -> Watermark:
    return marks.setdefault((stream.device, stream.boot), Watermark())
