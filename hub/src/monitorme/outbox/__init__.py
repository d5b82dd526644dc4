"""Readings that are not yet confirmed, kept on disk by whoever took them.

A device's outbox is a folder of segment files. A reading is appended to the newest
segment with one write, so that it survives the death of the process; a segment goes when
everything in it is confirmed, at once or after a while in which the hub may ask for it
again (`*.kept`). A record that the process died in is cut off when the outbox is opened
again. A segment that is damaged is set aside as `*.damaged`, whole, and what can be read
of it is kept.
"""

from monitorme.outbox.outbox import (
    DEFAULT_MAX_BYTES,
    KEEP_CONFIRMED_S,
    Outbox,
    new_boot,
)
from monitorme.outbox.record import Entry
from monitorme.outbox.segments import SEGMENT_RECORDS

__all__ = [
    "DEFAULT_MAX_BYTES",
    "KEEP_CONFIRMED_S",
    "SEGMENT_RECORDS",
    "Entry",
    "Outbox",
    "new_boot",
]
