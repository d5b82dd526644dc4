"""Everything that the recorder has in memory, by stream, by bed, and by device's boot."""

import logging
from collections.abc import Collection
from typing import cast

from monitorme.contract.readings import Judgement, Reading, decode_reading, judge
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme.errors import ContractError
from monitorme_recorder.records import Kept, LogRecord, Stream
from monitorme_recorder.spans import Span
from monitorme_recorder.tracks import Boot, Packed, Track

log = logging.getLogger(__name__)

DeviceBoot = tuple[str, str]
Times = tuple[int | None, int | None]


class Memory:
    """Holds tracks and boots; changed by one thread at a time, under the store's lock.

    A track, once given, stays the stream's until `forget_before` forgets it, which
    `forgotten` counts.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._tracks: dict[Stream, Track] = {}
        self._boots: dict[DeviceBoot, Boot] = {}
        self._beds: dict[tuple[str, str], list[Track]] = {}
        self.forgotten = 0

    def track(self, stream: Stream) -> Track:
        """Return the track of a stream, made when there is none."""
        track = self._tracks.get(stream)
        if track is None:
            vital = self.catalogue.get(stream.vital)
            track = Track(
                stream,
                self.boot(stream.device, stream.boot),
                is_waveform=vital is not None and vital.kind is VitalKind.WAVEFORM,
                order=len(self._tracks),
            )
            self._tracks[stream] = track
            beds = self._beds
            bed = (stream.ward, stream.bed)
            beds[bed] = [*beds.get(bed, ()), track]
        return track

    def boot(self, device: str, name: str) -> Boot:
        """Return what is known of a device's boot."""
        boot = self._boots.get((device, name))
        if boot is None:
            boot = self._boots[device, name] = Boot(device, name)
        return boot

    def tracks(self) -> list[Track]:
        """Return all tracks."""
        return list(self._tracks.values())

    def boots(self) -> dict[DeviceBoot, Boot]:
        """Return all boots, as they are now."""
        return self._boots.copy()

    def newest(self, ward: str, bed: str) -> dict[Stream, Kept]:
        """Return the newest reading of each stream of a bed."""
        found = {}
        for track in self._beds.get((ward, bed), ()):
            if track.newest is not None:
                kept = self._whole(track.stream, track.newest)
                if kept is not None:
                    found[track.stream] = kept
        return found

    def unpacked(self, track: Track, tail: list[Kept | Packed]) -> list[Kept]:
        """Return what a track has or had in its tail, the blocks of waveforms unpacked."""
        if not track.is_waveform:
            return cast(list[Kept], tail)
        whole = (self._whole(track.stream, one) for one in tail)
        return [one for one in whole if one is not None]

    def kept(self, stream: Stream, record: LogRecord) -> Kept | None:
        """Return a logged reading; None where the catalogue no longer knows it."""
        return kept_of_record(stream, record, self.catalogue)

    def first_log(self, *, besides: Collection[Track]) -> int | None:
        """Return the first row of the log that a tail needs; None where none does."""
        first = [
            track.first_log
            for track in self.tracks()
            if track.tail and track not in besides
        ]
        return min(first, default=None)

    def times_around(self, boot: Boot, span: Span) -> Times:
        """Return the times of the nearest readings around a gap that are in memory."""
        before: tuple[int, int] | None = None
        after: tuple[int, int] | None = None
        for track in self.tracks():
            if track.boot is not boot:
                continue
            newest = [track.newest] if track.newest is not None else []
            for one in (*track.tail, *newest):
                if one.seq < span.first and (before is None or one.seq > before[0]):
                    before = (one.seq, one.at_ms)
                if one.seq > span.last and (after is None or one.seq < after[0]):
                    after = (one.seq, one.at_ms)
        return (before[1] if before else None), (after[1] if after else None)

    def forget_before(self, oldest_ms: int) -> None:
        """Forget boots and streams of which nothing came since a time."""
        old = {
            key
            for key, boot in self.boots().items()
            if 0 < boot.mark.last_ms < oldest_ms
        }
        for key in old:
            del self._boots[key]
        gone = [
            stream
            for stream, track in self._tracks.copy().items()
            if not track.tail
            and (
                (stream.device, stream.boot) in old
                or track.newest is None
                or track.newest.received_ms < oldest_ms
            )
        ]
        for stream in gone:
            del self._tracks[stream]
            bed = (stream.ward, stream.bed)
            self._beds[bed] = [one for one in self._beds[bed] if one.stream != stream]
        self.forgotten += bool(old or gone)

    def _whole(self, stream: Stream, one: Kept | Packed) -> Kept | None:
        if isinstance(one, Kept):
            return one
        record = LogRecord(
            0, one.seq, one.received_ms, one.payload, one.at_ms - one.time_ms
        )
        return self.kept(stream, record)


def kept_of(
    reading: Reading, judged: Judgement, received_ms: int, shift_ms: int
) -> Kept:
    """Return what is kept of a reading; `shift_ms` corrects its device's clock."""
    return Kept(
        reading.seq,
        reading.time_ms,
        received_ms,
        reading.time_ms + shift_ms if shift_ms else judged.at_ms,
        reading.value,
        judged.quality,
        judged.reason,
        judged.value is not None,
    )


def kept_of_record(
    stream: Stream, record: LogRecord, catalogue: Catalogue
) -> Kept | None:
    """Return a logged reading; None where the catalogue no longer knows it."""
    try:
        reading = decode_reading(record.payload)
        judged = judge(reading, catalogue[stream.vital], record.received_ms)
    except (ContractError, KeyError):
        # It stays in the log, but there is no way to chart it.
        log.warning("logged reading no longer understood vital=%s", stream.vital)
        return None
    return kept_of(reading, judged, record.received_ms, record.shift_ms)
