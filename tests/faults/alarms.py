"""Watching alarms beside the conditions that they are about: none lost, none doubled."""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from monitorme.bus import BusSettings, connect
from monitorme.contract import topics
from monitorme.contract.payloads import Alarm, AlarmState, Condition, decode
from monitorme.contract.topics import AlarmTopic, BedId, ConditionTopic
from monitorme.credentials import password_on

WATCHER: Final = "alarm-watch"
SETTLES_WITHIN_S: Final = 60.0

Key = tuple[BedId, str]
Change = tuple[Key, Alarm | None]


class AlarmWatch:
    """What analysis says is true and what alerting shows, heard on the bus.

    `ever` are the conditions that were true at any time, `true` those that are now, and
    `shown` the alarms that are not resolved.
    """

    def __init__(self, port: int, data: Path) -> None:
        self._settings = BusSettings(
            "127.0.0.1",
            port,
            WATCHER,
            password=password_on(data, WATCHER),
            subscriptions=(topics.condition_filter(), topics.alarm_filter()),
            clean_session=True,
        )
        self._ending = threading.Event()
        self.ever: set[Key] = set()
        self.true: set[Key] = set()
        self.shown: set[Key] = set()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen until the end."""
        thread = threading.Thread(target=self._listen, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ending.set()
            thread.join(10)

    def _listen(self) -> None:
        with connect(self._settings) as bus:
            while not self._ending.is_set():
                batch = bus.receive(timeout_s=0.1)
                if batch is None:
                    continue
                for message in batch.messages:
                    self._take(message.topic, message.payload)
                bus.acknowledge(batch)

    def _take(self, name: str, payload: bytes) -> None:
        match topics.parse(name):
            case ConditionTopic(bed=bed, code=code):
                is_true = bool(payload) and decode(Condition, payload).present
                _put(self.true, (bed, code), is_true)
                _put(self.ever, (bed, code), is_true or (bed, code) in self.ever)
            case AlarmTopic(bed=bed, code=code):
                is_shown = bool(payload) and not _is_over(decode(Alarm, payload))
                _put(self.shown, (bed, code), is_shown)

    def wrongs(self, store: Path) -> list[str]:
        """Say what is lost or doubled, once alarms had the time to follow."""
        deadline = time.monotonic() + SETTLES_WITHIN_S
        while self.true != self.shown and time.monotonic() < deadline:
            time.sleep(0.1)
        changes = list(changes_in(store))
        raised = {key for key, alarm in changes if alarm is not None}
        return [
            *(() if self.ever else ("none at all: nothing was proved",)),
            *(f"true without an alarm: {one}" for one in self.true - self.shown),
            *(f"an alarm of nothing: {one}" for one in self.shown - self.true),
            *(f"never raised: {one}" for one in self.ever - raised),
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
    return alarm.state is AlarmState.RESOLVED


def _put(keys: set[Key], key: Key, is_in: bool) -> None:  # a truth
    (keys.add if is_in else keys.discard)(key)
