"""What is to be told of a change, on disk with the change until the broker has it.

A service that dies after it wrote a change down and before the world heard of it would
never tell: after its start the change is no news any more. So what tells of it lies in
the same database, written in the same transaction, and is published again after every
start until the broker has confirmed it. It may so come twice, and then says the same:
who reads it goes by its id.
"""

import sqlite3
from typing import Final

from monitorme.contract.payloads import Event, Payload
from monitorme.contract.topics import BedId, EventTopic, Topic
from monitorme.messaging import Publisher

# Numbers must never come again: what is confirmed is known by its number alone.
_TABLE: Final = """
create table if not exists announcement(
    number integer primary key autoincrement, topic text not null,
    payload blob not null, retained integer not null);
"""


class Announcements:
    """Messages in a service's own database; for the thread that owns the bus.

    `add` belongs into the transaction of the change, `publish` after it, at the start, and
    now and then. Neither catches what SQLite raises: the database is its owner's.
    """

    def __init__(self, db: sqlite3.Connection, bus: Publisher) -> None:
        self._db, self._bus = db, bus
        self._published = self._confirmed = 0
        db.executescript(_TABLE)

    def add(
        self, topic: Topic, payload: Payload | bytes, *, retain: bool = False
    ) -> None:
        """Write down what is to be told, and forget what the broker has by now."""
        data = payload if isinstance(payload, bytes) else payload.to_json()
        self._forget()
        self._db.execute(
            "insert into announcement(topic, payload, retained) values(?,?,?)",
            (str(topic), data, retain),
        )

    def add_event(self, bed: BedId, event: Event) -> None:
        """Write down that something happened."""
        self.add(EventTopic(bed), event)

    def publish(self) -> None:
        """Publish what was not since the start, and forget what the broker has by now."""
        self._forget()
        rows = self._db.execute(
            "select number, topic, payload, retained from announcement"
            " where number > ? order by number",
            (self._published,),
        ).fetchall()
        for number, topic, payload, retained in rows:
            self._bus.publish(topic, payload, retain=bool(retained))
            self._published = number
        if rows:
            self._bus.when_confirmed(lambda: self._confirm(rows[-1][0]))

    def _forget(self) -> None:
        if self._confirmed:
            self._db.execute(
                "delete from announcement where number <= ?", (self._confirmed,)
            )
            self._confirmed = 0

    def _confirm(self, number: int) -> None:
        # Called from within the bus, which a disk that refuses must not stop.
        self._confirmed = max(self._confirmed, number)
