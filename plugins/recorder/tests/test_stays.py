"""Who lay where: a transfer is followed, and a predecessor is never shown."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from monitorme.contract.payloads import Category
from monitorme_recorder.history.legs import Leg, legs_of
from monitorme_recorder.history.stays import AdmissionMessage, Stays
from monitorme_recorder.history_store import Period

EVER = Period(0, 2**53)


def admitted(
    bed: str, patient: str, since_ms: int, received_ms: int | None = None
) -> AdmissionMessage:
    text = (
        f'{{"admission":"stay-of-{patient}","patient":"{patient}","name":"Somebody",'
        f'"mrn":"mrn {patient}","category":"adult","admitted_ms":{since_ms},'
        f'"since_ms":{since_ms}}}'
    )
    when_ms = since_ms + 5 if received_ms is None else received_ms
    return AdmissionMessage(when_ms, "ward-a", bed, text.encode())


def freed(bed: str, received_ms: int) -> AdmissionMessage:
    return AdmissionMessage(received_ms, "ward-a", bed, b"")


@pytest.fixture
def stays(tmp_path: Path) -> Iterator[Stays]:
    opened = Stays(tmp_path)
    yield opened
    opened.close()


def where(stays: Stays, patient: str) -> list[tuple[str, int, int | None]]:
    return [(s.bed, s.from_ms, s.to_ms) for s in stays.of_patient(patient, EVER)]


def test_a_transfer_is_followed_whichever_message_comes_first(stays: Stays) -> None:
    stays.take([admitted("bed-01", "anna", 1_000)])
    stays.take([admitted("bed-02", "anna", 5_000), freed("bed-01", 5_010)])
    assert where(stays, "anna") == [("bed-01", 1_000, 5_000), ("bed-02", 5_000, None)]
    stays.take([freed("bed-02", 8_010), admitted("bed-03", "anna", 8_000)])
    assert where(stays, "anna")[1:] == [
        ("bed-02", 5_000, 8_000),
        ("bed-03", 8_000, None),
    ]


def test_two_patients_change_beds(stays: Stays) -> None:
    stays.take([admitted("bed-01", "anna", 1_000), admitted("bed-02", "bert", 2_000)])
    stays.take([admitted("bed-02", "anna", 5_000), admitted("bed-01", "bert", 5_000)])
    assert where(stays, "anna") == [("bed-01", 1_000, 5_000), ("bed-02", 5_000, None)]
    assert where(stays, "bert") == [("bed-02", 2_000, 5_000), ("bed-01", 5_000, None)]


def test_a_successor_ends_a_stay_whose_end_was_missed(stays: Stays) -> None:
    stays.take([admitted("bed-01", "anna", 1_000)])
    stays.take([admitted("bed-01", "bert", 9_000)])
    assert where(stays, "anna") == [("bed-01", 1_000, 9_000)]


def test_a_discharge_ends_a_stay_when_it_comes(stays: Stays) -> None:
    stays.take([admitted("bed-01", "anna", 1_000), freed("bed-01", 7_000)])
    assert where(stays, "anna") == [("bed-01", 1_000, 7_000)]


def test_an_admission_that_is_said_again_changes_nothing(stays: Stays) -> None:
    first = admitted("bed-01", "anna", 1_000)
    stays.take([first, first])
    stays.take([admitted("bed-01", "bert", 9_000), first])
    assert where(stays, "anna") == [("bed-01", 1_000, 9_000)]
    assert where(stays, "bert") == [("bed-01", 9_000, None)]


def test_stays_are_known_after_a_restart(stays: Stays, tmp_path: Path) -> None:
    stays.take([admitted("bed-01", "anna", 1_000)])
    stays.close()
    again = Stays(tmp_path)
    assert where(again, "anna") == [("bed-01", 1_000, None)]
    assert again.patients("mrn anna") == ["anna"]
    assert not again.is_new
    again.close()


def test_what_kind_of_patient_it_was_is_kept(stays: Stays) -> None:
    born = admitted("bed-01", "anna", 1_000)
    text = born.payload.replace(b'"adult"', b'"neonate","birth_date":"2026-11-20"')
    stays.take([born._replace(payload=text)])
    (stay,) = stays.of_patient("anna", EVER)
    assert (stay.category, stay.birth_date) == (Category.NEONATE, "2026-11-20")


OLDER: Final = """
create table stay(
    ward text not null, bed text not null, admission text not null,
    patient text not null, mrn text not null,
    from_ms integer not null, to_ms integer,
    primary key (ward, bed, admission, from_ms)) without rowid;
insert into stay values
    ('ward-a', 'bed-01', 'stay-of-anna', 'anna', 'mrn anna', 1000, 2000),
    ('ward-a', 'bed-01', 'stay-of-bert', 'bert', 'mrn bert', 2000, null);
"""


def test_a_file_of_an_earlier_version_is_completed_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "stays.sqlite")) as db:
        db.executescript(OLDER)
    stays = Stays(tmp_path)
    assert stays.is_older
    assert not stays.is_new
    (bert,) = stays.of_patient("bert", EVER)
    assert bert.category is None
    stays.complete([admitted("bed-01", "bert", 2_000), freed("bed-01", 2_005)])
    (bert,) = stays.of_patient("bert", EVER)
    assert (bert.category, bert.to_ms) == (Category.ADULT, None)
    (anna,) = stays.of_patient("anna", EVER)
    assert (anna.category, anna.to_ms) == (None, 2_000)
    stays.close()
    again = Stays(tmp_path)
    assert not again.is_older
    assert again.of_patient("bert", EVER) == [bert]
    again.close()


def test_a_new_file_is_complete(stays: Stays) -> None:
    assert stays.is_new
    assert not stays.is_older


def test_a_file_of_stays_that_is_damaged_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "stays.sqlite").write_bytes(b"no database" * 1_000)
    stays = Stays(tmp_path)
    assert stays.is_new
    stays.take([admitted("bed-01", "anna", 1_000)])
    assert where(stays, "anna") == [("bed-01", 1_000, None)]
    stays.close()


def test_an_admission_that_is_not_understood_is_passed_over(stays: Stays) -> None:
    stays.take(
        [AdmissionMessage(1, "ward-a", "bed-01", b"{"), admitted("bed-01", "anna", 2)]
    )
    assert where(stays, "anna") == [("bed-01", 2, None)]


def test_legs_are_stays_cut_to_the_period(stays: Stays) -> None:
    stays.take([admitted("bed-01", "anna", 1_000), admitted("bed-02", "anna", 5_000)])
    period = Period(2_000, 6_000)
    assert legs_of(stays.of_patient("anna", period), period) == [
        Leg("ward-a", "bed-01", Period(2_000, 5_000)),
        Leg("ward-a", "bed-02", Period(5_000, 6_000)),
    ]
    assert stays.of_patient("anna", Period(0, 1_000)) == []
