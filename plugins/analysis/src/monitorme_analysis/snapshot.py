"""The state of analysis on disk, so that a restart goes on where it ended."""

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from pydantic import ValidationError

from monitorme.announcements import Announcements
from monitorme.contract.payloads import Event
from monitorme.contract.topics import BedId
from monitorme.errors import StorageError
from monitorme.messaging import Publisher
from monitorme_analysis.bed_state import BedState, Known
from monitorme_analysis.rule import Finding
from monitorme_analysis.ruleset import RuleSet
from monitorme_analysis.slot import Fault, Slot
from monitorme_analysis.stay import StaySettings

log = logging.getLogger(__name__)

FILE_NAME: Final = "analysis.sqlite"
_TABLES: Final = """
create table if not exists bed (bed text primary key, state blob not null);
create table if not exists stay (
  admission text primary key, settings text not null, set_ms integer not null
);
"""


class _Slot(msgspec.Struct):
    state: msgspec.Raw
    found: tuple[Finding, ...]
    fault: Fault | None = None


class _Bed(msgspec.Struct):
    known: Known
    slots: dict[str, _Slot]


_decoder = msgspec.json.Decoder(_Bed)


def encode(state: BedState, rules: RuleSet) -> bytes:
    """Return a bed as it is written down."""
    slots = {
        name: _Slot(_raw(rules, name, slot.state), slot.found, slot.fault)
        for name, slot in state.slots.items()
        if name in rules.rules
    }
    return msgspec.json.encode(_Bed(state.known, slots))


def decode(data: bytes, rules: RuleSet) -> BedState:
    """Read a bed back; a rule that cannot read its own state begins anew."""
    bed = _decoder.decode(data)
    slots = {}
    for name, one in bed.slots.items():
        if name not in rules.rules:
            continue
        try:
            state = rules.adapters[name].validate_json(bytes(one.state))
        except ValidationError as error:
            log.warning("rule begins anew, its state is of another version: %s", error)
            continue
        slots[name] = Slot(rules.rules[name], state, one.found, one.fault)
    return BedState(bed.known, slots)


def copy(state: BedState, rules: RuleSet) -> BedState:
    """Return a state that shares nothing with `state`."""
    return decode(encode(state, rules), rules)


def _raw(rules: RuleSet, name: str, state: object) -> msgspec.Raw:
    return msgspec.Raw(rules.adapters[name].dump_json(state))


class Snapshots:
    """The database of beds and stays; raises StorageError where the disk fails."""

    def __init__(self, folder: Path, bus: Publisher) -> None:
        path = folder / FILE_NAME
        try:
            self._db = _opened(path)
        except sqlite3.DatabaseError as error:
            log.error("state cannot be read, beginning anew file=%s: %s", path, error)
            path.replace(path.with_suffix(".damaged"))
            self._db = _opened(path)
        self._announcements = Announcements(self._db, bus)

    def beds(self, rules: RuleSet) -> Iterator[tuple[BedId, BedState]]:
        """Return the beds as they were written down, without those that are damaged."""
        for name, data in self._db.execute("select bed, state from bed").fetchall():
            try:
                yield BedId(*name.split("/")), decode(data, rules)
            except (msgspec.DecodeError, ValueError) as error:
                log.error(
                    "bed begins anew, its state is damaged bed=%s %s", name, error
                )

    def bed(self, bed: BedId, rules: RuleSet) -> BedState:
        """Return a bed as it was written down; raises KeyError where it was not."""
        sql = "select state from bed where bed=?"
        row = self._db.execute(sql, (str(bed),)).fetchone()
        if row is None:
            raise KeyError(bed)
        return decode(row[0], rules)

    def save(
        self,
        beds: Iterable[tuple[BedId, BedState]],
        rules: RuleSet,
        told: Iterable[tuple[BedId, Event]] = (),
    ) -> None:
        """Write beds down, all or none, and what was found in the past of them."""
        rows = [(str(bed), encode(state, rules)) for bed, state in beds]
        with self._writing() as db:
            db.executemany("insert or replace into bed values (?, ?)", rows)
            for bed, event in told:
                self._announcements.add_event(bed, event)

    def stay(self, admission: str) -> StaySettings:
        """Return what was set for a stay; nothing, where nothing was."""
        sql = "select settings from stay where admission=?"
        row = self._db.execute(sql, (admission,)).fetchone()
        return StaySettings.model_validate_json(row[0]) if row else StaySettings()

    def settle(
        self,
        admission: str,
        settings: StaySettings,
        now_ms: int,
        told: Iterable[tuple[BedId, Event]] = (),
    ) -> None:
        """Keep what is set for a stay, and tell it."""
        row = (admission, settings.model_dump_json(exclude_none=True), now_ms)
        with self._writing() as db:
            db.execute("insert or replace into stay values (?, ?, ?)", row)
            for bed, event in told:
                self._announcements.add_event(bed, event)
        self.tell()

    def tell(self) -> None:
        """Publish the events that were written down and not told since the start."""
        with self._writing():
            self._announcements.publish()

    def forget(self, before_ms: int) -> None:
        """Forget what was set for stays that nobody has touched since."""
        with self._writing() as db:
            db.execute("delete from stay where set_ms < ?", (before_ms,))

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._db:
                yield self._db
        except sqlite3.Error as error:
            raise StorageError(f"cannot write {FILE_NAME}: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    try:
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.executescript(_TABLES)
    except sqlite3.Error:
        db.close()
        raise
    return db
