"""Documents that must arrive elsewhere: on disk until accepted, over any restart."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from monitorme.announcements import Announcements
from monitorme.contract.payloads import Event
from monitorme.contract.topics import BedId
from monitorme.errors import StorageError
from monitorme.messaging import Publisher

State = Literal["queued", "accepted", "refused"]
_SCHEMA: Final = """
create table if not exists document(
    number integer primary key, id text not null unique, target text not null,
    made_ms integer not null, body blob, state text not null default 'queued',
    ended_ms integer, note text);
create index if not exists document_by_state on document(target, state, number);
"""
_PUT: Final = (
    "insert or ignore into document(id, target, made_ms, body) values(?,?,?,?)"
)


class Document(NamedTuple):
    """Something to send; `id` is its idempotency key."""

    id: str
    target: str
    made_ms: int
    body: bytes


class Outcome(NamedTuple):
    """What became of a document."""

    id: str
    target: str
    state: State
    made_ms: int
    ended_ms: int | None
    note: str | None


class DocumentOutbox:
    """Documents by target, in order; may be used from any thread.

    But for `put_and_tell` and `tell`, which are the bus's owner's.
    """

    def __init__(self, path: Path, bus: Publisher) -> None:
        self._lock = threading.Lock()
        with _storage_errors():
            self._db = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False
            )
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.executescript(_SCHEMA)
            self._announcements = Announcements(self._db, bus)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def put(self, document: Document) -> None:
        """Keep a document until it is accepted; it is on disk when this returns.

        The same id again changes nothing.
        """
        self._write(_PUT, document)

    def put_and_tell(self, document: Document, bed: BedId, event: Event) -> None:
        """Keep a document as `put` does, and tell it; the same id again does neither."""
        with self._lock, _storage_errors():
            self._db.execute("begin immediate")
            try:
                if self._db.execute(_PUT, document).rowcount:
                    self._announcements.add_event(bed, event)
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
        self.tell()

    def tell(self) -> None:
        """Publish the events that were written down and not told since the start."""
        with self._lock, _storage_errors():
            self._announcements.publish()

    def next(self, target: str) -> Document | None:
        """Return the oldest document of a target that is still to be sent."""
        with self._lock, _storage_errors():
            row = self._db.execute(
                "select id, target, made_ms, body from document"
                " where target=? and state='queued' order by number limit 1",
                (target,),
            ).fetchone()
        return Document(*row) if row else None

    def end(
        self, id: str, state: State, ended_ms: int, note: str | None = None
    ) -> None:
        """Note what became of a document; an accepted one's content is forgotten."""
        self._write(
            "update document set state=?, ended_ms=?, note=?,"
            " body=case when ?='accepted' then null else body end where id=?",
            (state, ended_ms, note, state, id),
        )

    def outcomes(self, limit: int = 100) -> list[Outcome]:
        """Return what became of the newest documents, newest first."""
        with self._lock, _storage_errors():
            rows = self._db.execute(
                "select id, target, state, made_ms, ended_ms, note from document"
                " order by number desc limit ?",
                (limit,),
            ).fetchall()
        return [Outcome(*row) for row in rows]

    def waiting(self) -> int:
        """Return how many documents are still to be sent."""
        with self._lock, _storage_errors():
            (count,) = self._db.execute(
                "select count(*) from document where state='queued'"
            ).fetchone()
        return int(count)

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with self._lock, _storage_errors():
            self._db.execute(statement, values)


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the outbox of records: {error}") from error
