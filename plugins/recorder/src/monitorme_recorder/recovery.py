"""Taking up in memory where a file ends: after an ordinary end, or after a crash."""

import logging

from monitorme_recorder import watermark as watermarks
from monitorme_recorder.hour_file import HourFile
from monitorme_recorder.memory import Memory
from monitorme_recorder.records import LogRecord
from monitorme_recorder.tracks import Track

log = logging.getLogger(__name__)


def recover(file: HourFile, memory: Memory, now_ms: int) -> list[Track]:
    """Take in what a file's watermarks know, and what its log has beyond.

    Returns the tracks that have enough in memory to be folded.
    """
    for device, name, data in file.watermarks():
        memory.boot(device, name).mark = watermarks.load(data, now_ms)
    streams = dict(file.streams())
    recovered = 0
    for log_id, record, is_folded in file.since_checkpoint():
        stream = streams.get(record.stream)
        if stream is None:
            log.error("a record of no stream in the log row=%d", log_id)
            continue
        track = memory.track(stream)
        track.boot.mark.add(record.seq, record.received_ms)
        track.boot.is_saved = False
        if not is_folded:
            recovered += _again(memory, track, record, log_id)
    if recovered:
        log.info("recovered from the log readings=%d", recovered)
    return [track for track in memory.tracks() if len(track.tail) >= track.limit]


def _again(memory: Memory, track: Track, record: LogRecord, log_id: int) -> bool:
    """Take in a logged reading as when it arrived; it was accepted then."""
    kept = memory.kept(track.stream, record)
    if kept is not None:
        track.remember(track.compact(kept, record.payload), log_id)
    return kept is not None
