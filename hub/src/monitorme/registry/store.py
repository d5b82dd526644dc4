"""The registry's database: SQLite, one writer, every change on disk when it returns."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme.announcements import Announcements
from monitorme.contract.payloads import Admission, Event
from monitorme.contract.topics import BedId
from monitorme.errors import StorageError
from monitorme.messaging import Publisher

_SCHEMA: Final = """
create table if not exists bed(
    ward text not null, bed text not null, primary key (ward, bed)) without rowid;
create table if not exists device(
    device text primary key, ward text not null, bed text not null,
    boot text not null, state text not null, vitals text not null,
    model text, firmware text, seen_ms integer not null) without rowid;
create table if not exists occupancy(
    ward text not null, bed text not null, admission text not null unique,
    payload text not null, primary key (ward, bed)) without rowid;
create table if not exists stay(
    id integer primary key, admission text not null, patient text not null,
    ward text not null, bed text not null,
    since_ms integer not null, until_ms integer);
create index if not exists stay_by_patient on stay(patient, since_ms);
"""

Events = Mapping[BedId, Event]
"""What is to be told of a change, by bed."""


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that has introduced itself, and where it is."""

    device: str
    bed: BedId
    boot: str
    state: str
    vitals: tuple[str, ...]
    model: str | None
    firmware: str | None
    seen_ms: int


class RegistryStore:
    """Wards, beds, devices, admissions; raises StorageError where the disk refuses."""

    def __init__(self, path: Path, bus: Publisher) -> None:
        with _storage_errors():
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            self._db.executescript(_SCHEMA)
            self._announcements = Announcements(self._db, bus)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def add_bed(self, bed: BedId) -> None:
        """Add a bed, unless it is known."""
        self._write("insert or ignore into bed values(?, ?)", (bed.ward, bed.bed))

    def beds(self) -> list[BedId]:
        """Return every bed."""
        return [BedId(*row) for row in self._db.execute("select ward, bed from bed")]

    def has_bed(self, bed: BedId) -> bool:
        """Say whether a bed is known."""
        found = self._db.execute(
            "select 1 from bed where ward=? and bed=?", (bed.ward, bed.bed)
        )
        return found.fetchone() is not None

    def occupant(self, bed: BedId) -> Admission | None:
        """Return who lies in a bed."""
        row = self._db.execute(
            "select payload from occupancy where ward=? and bed=?", (bed.ward, bed.bed)
        ).fetchone()
        return Admission.model_validate_json(row[0]) if row else None

    def occupants(self) -> dict[BedId, Admission]:
        """Return who lies where."""
        rows = self._db.execute("select ward, bed, payload from occupancy")
        return {
            BedId(ward, bed): Admission.model_validate_json(payload)
            for ward, bed, payload in rows
        }

    def bed_of(self, patient: str) -> BedId | None:
        """Return the bed of a patient who is in the house."""
        for bed, admission in self.occupants().items():
            if admission.patient == patient:
                return bed
        return None

    def tell(self) -> None:
        """Publish the events that were written down and not told since the start."""
        with _storage_errors():
            self._announcements.publish()

    def occupy(self, bed: BedId, admission: Admission, events: Events) -> None:
        """Put a patient into a bed, and write the stay down."""
        with self._change(events):
            self._enter(bed, admission)

    def vacate(self, bed: BedId, now_ms: int, events: Events) -> None:
        """Take a patient out of a bed."""
        with self._change(events):
            self._leave(bed, now_ms)

    def move(
        self,
        bed: BedId,
        admission: Admission,
        to: BedId,
        exchanged: Admission | None,
        events: Events,
    ) -> None:
        """Move a patient in one transaction; `exchanged` goes to the old bed."""
        with self._change(events):
            self._leave(bed, admission.since_ms)
            if exchanged is not None:
                self._leave(to, admission.since_ms)
                self._enter(bed, exchanged)
            self._enter(to, admission)

    def _enter(self, bed: BedId, admission: Admission) -> None:
        self._db.execute(
            "insert into occupancy values(?, ?, ?, ?)",
            (bed.ward, bed.bed, admission.admission, admission.model_dump_json()),
        )
        self._db.execute(
            "insert into stay(admission, patient, ward, bed, since_ms)"
            " values(?, ?, ?, ?, ?)",
            (
                admission.admission,
                admission.patient,
                bed.ward,
                bed.bed,
                admission.since_ms,
            ),
        )

    def _leave(self, bed: BedId, now_ms: int) -> None:
        where = (bed.ward, bed.bed)
        self._db.execute("delete from occupancy where ward=? and bed=?", where)
        self._db.execute(
            "update stay set until_ms=? where ward=? and bed=? and until_ms is null",
            (now_ms, *where),
        )

    def remember(self, device: KnownDevice) -> None:
        """Write down what a device said of itself."""
        self._write(
            "insert or replace into device values(?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                device.device,
                device.bed.ward,
                device.bed.bed,
                device.boot,
                device.state,
                " ".join(device.vitals),
                device.model,
                device.firmware,
                device.seen_ms,
            ),
        )

    def devices(self) -> list[KnownDevice]:
        """Return every device that has introduced itself."""
        rows = self._db.execute("select * from device order by ward, bed, device")
        return [_known_device(*row) for row in rows]

    def device(self, name: str) -> KnownDevice | None:
        """Return a device that has introduced itself."""
        row = self._db.execute(
            "select * from device where device=?", (name,)
        ).fetchone()
        return _known_device(*row) if row else None

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with _storage_errors():
            self._db.execute(statement, values)

    @contextmanager
    def _change(self, events: Events) -> Iterator[None]:
        """Write a change down with what is to be told of it."""
        with _storage_errors():
            self._db.execute("begin immediate")
            try:
                yield
                for bed, event in events.items():
                    self._announcements.add_event(bed, event)
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")


def _known_device(
    device: str,
    ward: str,
    bed: str,
    boot: str,
    state: str,
    vitals: str,
    model: str | None,
    firmware: str | None,
    seen_ms: int,
) -> KnownDevice:
    where = BedId(ward, bed)
    names = tuple(vitals.split())
    return KnownDevice(device, where, boot, state, names, model, firmware, seen_ms)


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"the registry's database: {error}") from error
