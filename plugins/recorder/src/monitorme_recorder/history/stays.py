"""Who lay in which bed, from when to when: kept longer than any reading.

Telemetry carries no patient, so a patient's readings are those of the beds in which they
lay, each for as long as they lay there. Admissions are retained: one may be older than
the whole journal, and the journal drops its hours. So stays have a file of their own,
made again from the journal's events where it is lost. What kind of patient it was, and
when they were born, is kept with them: readings are judged by it as long as there are
any.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from monitorme.contract.payloads import Admission, Category, decode
from monitorme.errors import ContractError, StorageError
from monitorme_recorder.history_store import Period
from monitorme_recorder.hour_file import storage_errors

log = logging.getLogger(__name__)

FILE_NAME: Final = "stays.sqlite"
_SCHEMA: Final = """
create table if not exists stay(
    ward text not null, bed text not null, admission text not null,
    patient text not null, mrn text not null,
    from_ms integer not null, to_ms integer, category text, birth_date text,
    primary key (ward, bed, admission, from_ms)) without rowid;
create index if not exists stay_by_patient on stay(patient, from_ms);
create index if not exists stay_by_mrn on stay(mrn);
"""
_ADDED: Final = ("category", "birth_date")
"""Columns that a file of an earlier version lacks."""
_VERSION: Final = 1
_COMPLETE: Final = f"pragma user_version={_VERSION}"
_LATER: Final = "select min(from_ms) from stay where from_ms>? and (patient=? or {bed})"
_BED: Final = "(ward=? and bed=?)"


class Stay(NamedTuple):
    """A patient in a bed; `to_ms` None where they still lie there."""

    ward: str
    bed: str
    admission: str
    patient: str
    mrn: str
    from_ms: int
    to_ms: int | None
    category: Category | None = None
    """None where it was written down by a version that did not keep it."""
    birth_date: str | None = None


class AdmissionMessage(NamedTuple):
    """What came on a bed's admission topic; an empty payload frees the bed."""

    received_ms: int
    ward: str
    bed: str
    payload: bytes


class Stays:
    """Keeps stays on disk; written by the recorder, read from any thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._lock = threading.Lock()
        self.is_new = not self._path.exists()
        try:
            self._db = self._open()
        except StorageError as error:
            log.error("file of stays set aside file=%s: %s", FILE_NAME, error)
            self._path.replace(self._path.with_suffix(".damaged"))
            self.is_new = True
            self._db = self._open()

    @property
    def is_older(self) -> bool:
        """Whether an earlier version wrote it, which kept less: `complete` it."""
        with self._lock, storage_errors(self._path):
            (version,) = self._db.execute("pragma user_version").fetchone()
            return bool(version < _VERSION)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def take(self, messages: Iterable[AdmissionMessage]) -> None:
        """Write down what came, in order; a repeat changes nothing.

        Raises StorageError, having changed nothing.
        """
        with self._writing():
            for message in messages:
                self._take(message)

    def complete(self, messages: Iterable[AdmissionMessage]) -> None:
        """Add what an earlier version did not keep, and leave all else as it is."""
        with self._writing() as db:
            for message in messages:
                with suppress(ContractError):  # a bed that was freed, or not understood
                    said = decode(Admission, message.payload)
                    db.execute(
                        "update stay set category=?, birth_date=? where admission=?",
                        (said.category, said.birth_date, said.admission),
                    )
            db.execute(_COMPLETE)

    def of_bed(self, ward: str, bed: str, period: Period) -> list[Stay]:
        """Return the stays in a bed that overlap a period, in order."""
        return self._asked(_BED, (ward, bed), period)

    def of_patient(self, patient: str, period: Period) -> list[Stay]:
        """Return the stays of a patient that overlap a period, in order."""
        return self._asked("patient=?", (patient,), period)

    def patients(self, mrn: str) -> list[str]:
        """Return the patients that were admitted under a medical record number."""
        with self._lock, storage_errors(self._path):
            rows = self._db.execute(
                "select distinct patient from stay where mrn=? order by patient", (mrn,)
            ).fetchall()
        return [patient for (patient,) in rows]

    def knows(self, patient: str) -> bool:
        """Say whether a patient has ever lain in a bed."""
        with self._lock, storage_errors(self._path):
            sql = "select 1 from stay where patient=? limit 1"
            return self._db.execute(sql, (patient,)).fetchone() is not None

    def _asked(self, where: str, values: tuple[str, ...], period: Period) -> list[Stay]:
        sql = (
            "select ward, bed, admission, patient, mrn, from_ms, to_ms, category,"
            " birth_date from stay"
            f" where {where} and from_ms<? and (to_ms is null or to_ms>?)"
            " order by from_ms, ward, bed"
        )
        with self._lock, storage_errors(self._path):
            rows = self._db.execute(sql, (*values, period.to_ms, period.from_ms))
            return [_stay(Stay(*row)) for row in rows.fetchall()]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, storage_errors(self._path):
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise

    def _take(self, message: AdmissionMessage) -> None:
        bed = (message.ward, message.bed)
        if not message.payload:
            self._end(f"to_ms is null and {_BED}", message.received_ms, bed)
            return
        try:
            admission = decode(Admission, message.payload)
        except ContractError as error:
            log.warning("admission not understood bed=%s/%s: %s", *bed, error)
            return
        self._begin(bed, admission)

    def _begin(self, bed: tuple[str, str], admission: Admission) -> None:
        """Write a stay down; it ends others of the bed and of the patient."""
        since_ms, patient = admission.since_ms, admission.patient
        overlapping = "from_ms<? and coalesce(to_ms, 1 << 62)>? and "
        for where, values in ((_BED, bed), ("patient=?", (patient,))):
            self._end(overlapping + where, since_ms, (since_ms, since_ms, *values))
        later = _LATER.format(bed=_BED)
        (end_ms,) = self._db.execute(later, (since_ms, patient, *bed)).fetchone()
        self._db.execute(
            "insert or replace into stay(ward, bed, admission, patient, mrn, from_ms,"
            " to_ms, category, birth_date) values(?,?,?,?,?,?,?,?,?)",
            (
                *bed,
                admission.admission,
                patient,
                admission.mrn,
                since_ms,
                end_ms,
                admission.category,
                admission.birth_date,
            ),
        )

    def _end(self, where: str, end_ms: int, values: tuple[object, ...]) -> None:
        sql = f"update stay set to_ms=max(from_ms, ?) where {where}"
        self._db.execute(sql, (end_ms, *values))

    def _open(self) -> sqlite3.Connection:
        with storage_errors(self._path):
            db = sqlite3.connect(
                self._path, isolation_level=None, check_same_thread=False
            )
            try:
                db.execute("pragma journal_mode=wal")
                db.execute("pragma synchronous=full")
                db.executescript(_SCHEMA)
                self._add_columns(db)
                if self.is_new:
                    db.execute(_COMPLETE)
            except sqlite3.Error:
                db.close()
                raise
        return db

    def _add_columns(self, db: sqlite3.Connection) -> None:
        known = {name for _, name, *_ in db.execute("pragma table_info(stay)")}
        for column in _ADDED:
            if column not in known:
                db.execute(f"alter table stay add column {column} text")


def _stay(row: Stay) -> Stay:
    """Return a row with its category as what it is."""
    return row._replace(category=row.category and Category(row.category))
