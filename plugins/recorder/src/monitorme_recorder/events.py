"""What happened at beds, as an hour's file keeps it: each message once.

A service that was killed tells again what it cannot know to have been heard, and so does
the broker. A repeat is the same, byte by byte: an event has its id, and what is said of an
alarm when it was said.
"""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

_ADMISSION: Final = "admission"
_DIGEST_BYTES: Final = 16


class Repeats:
    """Tells what comes again, of messages in the order in which they came."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._lying: dict[tuple[str, str], bytes] = {}

    def is_new(self, ward: str, bed: str, kind: str, payload: bytes) -> bool:
        """Say whether a message is none that came before, and remember it."""
        if kind == _ADMISSION:
            # It has no time of its own, and what was changed may be changed back.
            if self._lying.get((ward, bed)) == payload:
                return False
            self._lying[ward, bed] = payload
            return True
        if not payload:
            # An alarm is gone, which of them the topic said: any two look alike.
            return True
        name = "\0".join((ward, bed, kind, "")).encode()
        digest = blake2b(name + payload, digest_size=_DIGEST_BYTES).digest()
        is_new = digest not in self._known
        self._known.add(digest)
        return is_new


class EventTable:
    """The table of events of a file that is open for writing."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._repeats: Repeats | None = None

    def add(
        self, received_ms: int, ward: str, bed: str, kind: str, payload: bytes
    ) -> None:
        """Keep an alarm, an admission or an event, unless the file has it."""
        if self._repeats is None:
            self._repeats = self._read()
        if self._repeats.is_new(ward, bed, kind, payload):
            self._db.execute(
                "insert into event(received_ms, ward, bed, kind, payload)"
                " values(?,?,?,?,?)",
                (received_ms, ward, bed, kind, payload),
            )

    def has(self, number: int) -> bool:
        """Say whether there is an event of a number."""
        found = self._db.execute("select 1 from event where id=?", (number,))
        return found.fetchone() is not None

    def read_again(self) -> None:
        """Look at the file again: what a transaction that failed has added is not there."""
        self._repeats = None

    def _read(self) -> Repeats:
        repeats = Repeats()
        rows: Iterable[tuple[str, str, str, bytes]] = self._db.execute(
            "select ward, bed, kind, payload from event order by id"
        )
        for row in rows:
            repeats.is_new(*row)
        return repeats
