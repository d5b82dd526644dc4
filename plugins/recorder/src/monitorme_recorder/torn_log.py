"""A write-ahead log of which the disk has destroyed a page: what lies behind is saved.

SQLite opens such a file as if nothing had ever been behind the torn frame. So it is looked
at before SQLite is, and what the log's rows behind it say is written again, under the
numbers that they had.
"""

import logging
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from monitorme_recorder.damaged_file import DamagedFile, LogRow
from monitorme_recorder.hour_file import ROWS_OF_AN_HOUR, HourFile
from monitorme_recorder.hours import companions
from monitorme_recorder.pages import Pages
from monitorme_recorder.records import LogRecord, Stream, pack_log

log = logging.getLogger(__name__)


class Torn(NamedTuple):
    """What can be read around a torn frame."""

    streams: dict[int, Stream]
    rows: Sequence[LogRow]
    events: Sequence[tuple[int, tuple[int, str, str, str, bytes]]]
    is_mixed: bool
    """Whether the file itself is ahead of what SQLite would make of it."""


def torn_log(path: Path) -> Torn | None:
    """Return what a torn write-ahead log has; None where it is whole.

    To be called before SQLite opens the file, which forgets what is behind.
    """
    with Pages(path) as pages:
        torn = pages.write_ahead.torn_at()
        if torn is None:
            return None
        log.error("a write-ahead log is torn file=%s offset=%d", path.name, torn)
        found = DamagedFile(pages, _streams(path), only_ahead=True)
        rows, events = list(found.log_rows()), list(found.events())
        return Torn(found.streams, rows, events, pages.is_copied_beyond(torn))


def save_from(torn: Torn, file: HourFile) -> int:
    """Write what a file lacks of a torn log; returns how many readings that is.

    A salvaged hour logs a reading twice, the first as folded. Where that mark is lost
    with the torn frame, both would count: so each is written again once.
    """
    readings = 0
    seen: set[tuple[int, int]] = set()
    has = file.has_row
    with file.transaction():
        for number, stream in sorted(torn.streams.items()):
            file.keep_stream(number, stream)
        for number, records, _ in torn.rows:
            fresh = [one for one in records if (one.stream, one.seq) not in seen]
            seen.update((one.stream, one.seq) for one in fresh)
            if has(number) or not fresh:
                continue
            file.append_at(number, pack_log([_numbered(r, torn, file) for r in fresh]))
            readings += len(fresh)
        for number, event in torn.events:
            if not file.events.has(number):
                file.events.add(*event)
        # What else was behind had numbers too, and may be shipped already.
        file.append_at(file.log_id + ROWS_OF_AN_HOUR, b"")
    return readings


def keep_aside(path: Path, aside: Path) -> None:
    """Keep a copy of a torn write-ahead log, as evidence, beside the damaged files."""
    shutil.copyfile(companions(path)[0], companions(aside)[0])


def _numbered(record: LogRecord, torn: Torn, file: HourFile) -> LogRecord:
    return record._replace(stream=file.stream_number(torn.streams[record.stream]))


def _streams(path: Path) -> dict[int, Stream]:
    """Return the streams that the file itself has, its write-ahead log left aside."""
    with suppress(sqlite3.Error):
        db = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
        with closing(db):
            rows = db.execute("select id, ward, bed, vital, device, boot from stream")
            return {number: Stream(*fields) for number, *fields in rows}
    return {}
