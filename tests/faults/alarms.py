"""Watching alarms beside the conditions that they are about: none lost, none doubled."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Final

from monitorme.bus import BusSettings, connect
from monitorme.contract import topics
from monitorme.contract.payloads import Alarm, AlarmState, Condition, Event, decode
from monitorme.contract.topics import AlarmTopic, BedId, ConditionTopic, EventTopic
from monitorme.credentials import password_on
from monitorme.messaging import Message
from monitorme.testing.listening import heard

WATCHER: Final = "alarm-watch"
SETTLES_WITHIN_S: Final = 60.0

Key = tuple[BedId, str]
Change = tuple[Key, Alarm | None]


class AlarmWatch:
    """What analysis says is true and what alerting shows, heard on the bus.

    `ever` are the conditions that were true at any time, `true` those that are now, and
    `shown` the alarms that are not over; `told` are the episodes whose beginning was
    told as an event, in time or afterwards.
    """

    def __init__(self, port: int, data: Path) -> None:
        self._settings = BusSettings(
            "127.0.0.1",
            port,
            WATCHER,
            password=password_on(data, WATCHER),
            subscriptions=(
                topics.condition_filter(),
                topics.alarm_filter(),
                topics.event_filter(),
            ),
            clean_session=True,
        )
        self.ever: set[Key] = set()
        self.true: set[Key] = set()
        self.shown: set[Key] = set()
        self.told: set[str] = set()

    def heard(self) -> AbstractContextManager[None]:
        """Listen until the end."""
        return heard(lambda: connect(self._settings), self._take)

    def _take(self, message: Message) -> None:
        payload = message.payload
        match topics.parse(message.topic):
            case ConditionTopic(bed=bed, code=code):
                is_true = bool(payload) and decode(Condition, payload).present
                _put(self.true, (bed, code), is_true)
                _put(self.ever, (bed, code), is_true or (bed, code) in self.ever)
            case AlarmTopic(bed=bed, code=code):
                is_shown = bool(payload) and not _is_over(decode(Alarm, payload))
                _put(self.shown, (bed, code), is_shown)
            case EventTopic():
                event = decode(Event, payload)
                if event.kind in ("alarm_raised", "alarm_found_past"):
                    self.told.add(str(event.details["alarm"]))

    def wrongs(self, store: Path) -> list[str]:
        """Say what is lost or doubled, once alarms had the time to follow."""
        deadline = time.monotonic() + SETTLES_WITHIN_S
        while self.true != self.shown and time.monotonic() < deadline:
            time.sleep(0.1)
        changes = list(changes_in(store))
        raised = {key for key, alarm in changes if alarm is not None}
        episodes = {alarm.id for _, alarm in changes if alarm is not None}
        return [
            *(() if self.ever else ("none at all: nothing was proved",)),
            *(f"true without an alarm: {one}" for one in self.true - self.shown),
            *(f"an alarm of nothing: {one}" for one in self.shown - self.true),
            *(f"never raised: {one}" for one in self.ever - raised),
            *(f"raised without an event: {one}" for one in episodes - self.told),
            *doubled(changes),
        ]


def changes_in(store: Path) -> Iterator[Change]:
    """Return every change of alarms that alerting has written down, in order."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        rows = db.execute("select ward, bed, code, payload from change order by id")
        for ward, bed, code, payload in rows:
            alarm = Alarm.model_validate_json(payload) if payload else None
            yield (BedId(ward, bed), code), alarm


def doubled(changes: Iterable[Change]) -> list[str]:
    """Say which episodes were raised again, or beside one that was not over."""
    now: dict[Key, Alarm] = {}
    over: set[str] = set()
    wrongs = []
    for key, alarm in changes:
        before = now.get(key)
        if alarm is None:
            now.pop(key, None)
            continue
        now[key] = alarm
        if before is not None and before.id != alarm.id and not _is_over(before):
            wrongs.append(f"raised beside one that was not over: {key} {alarm.id}")
        if alarm.id in over and not _is_over(alarm):
            wrongs.append(f"raised again after it was over: {key} {alarm.id}")
        if _is_over(alarm):
            over.add(alarm.id)
    return wrongs


def _is_over(alarm: Alarm) -> bool:
    return alarm.state in (AlarmState.RESOLVED, AlarmState.LATCHED)


def _put(keys: set[Key], key: Key, is_in: bool) -> None:  # a truth
    (keys.add if is_in else keys.discard)(key)
