"""Alarms on disk: what is shown now, every change for ever, and what is to be told."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from monitorme.announcements import Announcements
from monitorme.contract.payloads import Alarm, Event
from monitorme.contract.topics import AlarmTopic, BedId
from monitorme.errors import StorageError
from monitorme.messaging import Publisher

_SCHEMA: Final = """
create table if not exists alarm(
    ward text, bed text, code text, payload blob not null,
    primary key (ward, bed, code)) without rowid;
create table if not exists change(
    id integer primary key, time_ms integer not null, ward text not null,
    bed text not null, code text not null, payload blob);
create table if not exists past(
    event text primary key, time_ms integer not null) without rowid;
"""
PAST_KEPT_MS: Final = 30 * 86_400_000
"""An event that comes again comes soon: what it told is known for so long."""

Key = tuple[BedId, str]


class AlarmStore:
    """The alarms of all beds; a change is on disk, and then told, when `put` returns."""

    def __init__(self, path: Path, bus: Publisher) -> None:
        with _storage_errors():
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.executescript(_SCHEMA)
            self._announcements = Announcements(self._db, bus)
            rows = self._db.execute("select ward, bed, code, payload from alarm")
            self._alarms = {
                (BedId(ward, bed), code): Alarm.model_validate_json(payload)
                for ward, bed, code, payload in rows
            }

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def get(self, key: Key) -> Alarm | None:
        """Return an alarm."""
        return self._alarms.get(key)

    def items(self) -> list[tuple[Key, Alarm]]:
        """Return every alarm that is shown, resolved ones included."""
        return list(self._alarms.items())

    def tell(self) -> None:
        """Publish what was written down and not told since the start."""
        with _storage_errors():
            self._announcements.publish()

    def put(
        self, key: Key, alarm: Alarm | None, now_ms: int, event: Event | None = None
    ) -> None:
        """Write a change down and tell it; None removes the alarm."""
        with self._transaction():
            self._write(key, alarm, now_ms)
            payload = alarm or b""
            self._announcements.add(AlarmTopic(*key), payload, retain=True)
            if event is not None:
                self._announcements.add_event(key[0], event)
        if alarm is None:
            self._alarms.pop(key, None)
        else:
            self._alarms[key] = alarm
        self.tell()

    def has_heard(self, event: str) -> bool:
        """Say whether what an event tells of the past was taken in before."""
        with _storage_errors():
            found = self._db.execute("select 1 from past where event=?", (event,))
            return found.fetchone() is not None

    def put_past(
        self, key: Key, alarm: Alarm | None, now_ms: int, *, heard: str, event: Event
    ) -> None:
        """Tell of an alarm that was over when it was found; None does not show it."""
        with self._transaction():
            self._db.execute(
                "delete from past where time_ms < ?", (now_ms - PAST_KEPT_MS,)
            )
            self._db.execute("insert into past values(?,?)", (heard, now_ms))
            if alarm is not None:
                self._write(key, alarm, now_ms)
                self._announcements.add(AlarmTopic(*key), alarm, retain=True)
            self._announcements.add_event(key[0], event)
        if alarm is not None:
            self._alarms[key] = alarm
        self.tell()

    def _write(self, key: Key, alarm: Alarm | None, now_ms: int) -> None:
        bed, code = key
        where = (bed.ward, bed.bed, code)
        payload = alarm.to_json() if alarm else None
        if payload is None:
            self._db.execute(
                "delete from alarm where ward=? and bed=? and code=?", where
            )
        else:
            self._db.execute(
                "insert or replace into alarm values(?,?,?,?)", (*where, payload)
            )
        self._db.execute(
            "insert into change(time_ms, ward, bed, code, payload) values(?,?,?,?,?)",
            (now_ms, *where, payload),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _storage_errors():
            self._db.execute("begin immediate")
            try:
                yield
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the alarms' database: {error}") from error
