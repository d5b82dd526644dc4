"""Readings as lines of JSON, joined so that a reading does not cost a chunk of HTTP."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from monitorme_recorder.history_store import StoredReading
from monitorme_recorder.records import before_judgement
from monitorme_recorder.verify import comparable

LINES_PER_BLOCK: Final = 500
NDJSON: Final = "application/x-ndjson"


def as_sent(one: StoredReading) -> bytes:
    """Return a reading as it was sent, for a service that judges it itself."""
    stream, kept = one
    quality, reason = before_judgement(kept)
    fields = {
        "device": stream.device,
        "boot": stream.boot,
        "seq": kept.seq,
        "vital": stream.vital,
        "time_ms": kept.time_ms,
        "received_ms": kept.received_ms,
        "value": kept.value,
        "quality": quality,
        "reason": reason,
    }
    return msgspec.json.encode(fields) + b"\n"


def for_comparison(one: StoredReading) -> bytes:
    """Return a reading as a simulator's ledger has it."""
    stream, kept = one
    fields = {
        "device": stream.device,
        "boot": stream.boot,
        "seq": kept.seq,
        "bed": f"{stream.ward}/{stream.bed}",
        "vital": stream.vital,
        "time_ms": kept.time_ms,
        "value": comparable(kept.value),
    }
    return msgspec.json.encode(fields) + b"\n"


def blocks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Join lines."""
    block: list[bytes] = []
    for line in lines:
        block.append(line)
        if len(block) == LINES_PER_BLOCK:
            yield b"".join(block)
            block.clear()
    yield b"".join(block)
