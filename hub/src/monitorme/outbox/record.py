"""How a segment file holds records, and what of a damaged one can still be read.

A record is its length and CRC-32 (four bytes each, big-endian), then boot, seq and topic,
each ended by a newline, then the payload.
"""

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_HEAD: Final = struct.Struct(">II")


class Entry(NamedTuple):
    """A reading as it is published; (boot, seq) names it within its device."""

    boot: str
    seq: int
    topic: str
    payload: bytes


class Found(NamedTuple):
    """A readable record and the bytes of its segment that it takes."""

    entry: Entry
    start: int
    stop: int


@dataclass(slots=True)
class Scan:
    """What a segment holds.

    `damaged` are the places, (start, stop), that cannot be read; `end` is where a record
    begins that was never finished, or the segment's length.
    """

    found: list[Found] = field(default_factory=list)
    damaged: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0


def pack(entry: Entry) -> bytes:
    """Return the record of an entry."""
    head = f"{entry.boot}\n{entry.seq}\n{entry.topic}\n".encode()
    body = head + entry.payload
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def read(data: bytes, start: int = 0) -> Found | None:
    """Return the record that begins at `start`, or None where none can be read."""
    if start + _HEAD.size > len(data):
        return None
    length, checksum = _HEAD.unpack_from(data, start)
    stop = start + _HEAD.size + length
    # Zeros, which a power cut can leave, are the right checksum of no bytes at all.
    if not length or stop > len(data):
        return None
    body = data[start + _HEAD.size : stop]
    if zlib.crc32(body) != checksum:
        return None
    try:
        boot, seq, topic, payload = body.split(b"\n", 3)
        entry = Entry(boot.decode(), int(seq), topic.decode(), payload)
    except ValueError:
        return None
    return Found(entry, start, stop)


def scan(data: bytes) -> Scan:
    """Find all readable records; damage to one costs no other."""
    result = Scan()
    start = 0
    while start < len(data):
        found = read(data, start)
        if found is not None:
            result.found.append(found)
            start = found.stop
            continue
        resumed = _next_readable(data, start + 1)
        if resumed is None:
            break
        result.damaged.append((start, resumed))
        start = resumed
    result.end = start
    if start < len(data) and not _is_unfinished(data, start):
        result.damaged.append((start, len(data)))
        result.end = len(data)
    return result


def _next_readable(data: bytes, start: int) -> int | None:
    positions = range(start, len(data) - _HEAD.size)
    return next((one for one in positions if read(data, one) is not None), None)


def _is_unfinished(data: bytes, start: int) -> bool:
    """Say whether the process or the power went while this record was written."""
    if start + _HEAD.size > len(data) or not any(data[start:]):
        return True
    length, _ = _HEAD.unpack_from(data, start)
    return bool(start + _HEAD.size + length > len(data))
