"""Alarms, admissions and events: what is told again is kept and shown once."""

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import urllib3

from monitorme.contract.payloads import (
    Admission,
    Alarm,
    AlarmState,
    Category,
    ConditionKind,
    Event,
    Priority,
)
from monitorme.contract.topics import AdmissionTopic, AlarmTopic, BedId, EventTopic
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme.testing import START_MS, PluginRun
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.hour_file import HourFile
from monitorme_recorder.hours import HOUR_MS, journal_files, path_of
from monitorme_recorder.mending import mend

HTTP = urllib3.PoolManager(retries=False)
ONE, TWO = BedId("ward-a", "bed-01"), BedId("ward-a", "bed-02")
GONE = b""


def event(number: int, *, bed: BedId = ONE) -> tuple[EventTopic, bytes]:
    said = Event(
        id=f"e-{number}", time_ms=START_MS, service="analysis", kind="limits_changed"
    )
    return EventTopic(bed), said.to_json()


def alarm(state: AlarmState, said_ms: int) -> tuple[AlarmTopic, bytes]:
    said = Alarm(
        id="a-1",
        code="spo2_low",
        kind=ConditionKind.PHYSIOLOGICAL,
        priority=Priority.HIGH,
        text="SpO2 84 < 90",
        state=state,
        raised_ms=START_MS,
        since_ms=START_MS,
        time_ms=said_ms,
    )
    return AlarmTopic(ONE, "spo2_low"), said.to_json()


def admission(name: str, *, patient: str = "p-1") -> tuple[AdmissionTopic, bytes]:
    said = Admission(
        admission=f"stay-of-{patient}",
        patient=patient,
        name=name,
        mrn=f"MRN/{patient}",
        category=Category.ADULT,
        admitted_ms=START_MS,
        since_ms=START_MS,
    )
    return AdmissionTopic(ONE), said.to_json()


def kept(folder: Path) -> list[bytes]:
    """Return what the files have, in order."""
    found = []
    for path in journal_files(folder):
        db = sqlite3.connect(path)
        found += db.execute("select payload from event order by id").fetchall()
        db.close()
    return [payload for (payload,) in found]


def ask(run: PluginRun, query: str = "", *, whose: str = "beds/ward-a/bed-01") -> Any:  # noqa: ANN401  # JSON
    url = f"{run.context.endpoints['history']}/v1/{whose}/events?{query}"
    answer = HTTP.request("GET", url)
    assert answer.status == 200, answer.data
    return json.loads(answer.data)


def told(run: PluginRun, query: str = "") -> list[str]:
    return [one["payload"]["id"] for one in ask(run, query)]


def test_an_event_that_is_told_again_is_kept_once(
    run: PluginRun, tmp_path: Path
) -> None:
    for number in (1, 2, 1, 3, 2):
        run.send(*event(number))
    run.restart()
    run.send(*event(3))
    run.send(*event(4))
    assert kept(tmp_path / "recorder") == [event(n)[1] for n in (1, 2, 3, 4)]


def test_an_alarm_is_in_the_same_state_twice_and_told_again_once(
    run: PluginRun, tmp_path: Path
) -> None:
    active, taken = AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED
    said = [alarm(active, START_MS), alarm(taken, START_MS + 1)]
    said.append(alarm(active, START_MS + 2))
    for one in (*said, said[-1], said[0]):
        run.send(*one, retain=True)
    assert kept(tmp_path / "recorder") == [payload for _, payload in said]


def test_what_only_looks_alike_is_kept(run: PluginRun, tmp_path: Path) -> None:
    # Nothing says which alarm is gone, nor when: each may be another.
    for code in ("spo2_low", "hr_high"):
        run.send(AlarmTopic(ONE, code), GONE, retain=True)
    run.send(*event(1))
    run.send(*event(1, bed=TWO))
    assert kept(tmp_path / "recorder") == [GONE, GONE, *[event(1)[1]] * 2]


def test_who_lies_in_a_bed_may_be_as_it_was(run: PluginRun, tmp_path: Path) -> None:
    one, other = admission("Anna"), admission("Ana")
    freed = (AdmissionTopic(ONE), GONE)
    for said in (one, one, other, one, freed, freed, one):
        run.send(*said, retain=True)
    expected = [said[1] for said in (one, other, one, freed, one)]
    assert kept(tmp_path / "recorder") == expected
    assert len(ask(run)) == len(expected)


def test_a_repeat_in_a_later_hour_is_told_as_of_when_it_came_first(
    run: PluginRun,
) -> None:
    for number in (1, 2):
        run.send(*event(number))
    run.send(*admission("Anna"))
    run.now_ms += HOUR_MS
    for number in (2, 3):
        run.send(*event(number))
    run.send(*admission("Anna"))
    run.now_ms += HOUR_MS
    for number in (1, 3, 4):
        run.send(*event(number))
    found = [one["payload"].get("id") for one in ask(run)]
    assert found == ["e-1", "e-2", None, "e-3", "e-4"]
    assert told(run, f"from_ms={START_MS + HOUR_MS}") == ["e-3", "e-4"]
    assert told(run, f"from_ms={START_MS + 2 * HOUR_MS}") == ["e-4"]
    assert ask(run, whose="patients/p-1") == ask(run)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_pages_are_the_same_as_one_answer(run: PluginRun, limit: int) -> None:
    for hour in range(3):
        run.now_ms = START_MS + hour * HOUR_MS
        for number in (*range(hour * 5), *range(hour * 5, hour * 5 + 5)):
            run.send(*event(number))
            run.now_ms += 1
    whole, pages, from_ms = ask(run), [], 0
    while page := ask(run, f"from_ms={from_ms}&limit={limit}"):
        pages += page
        from_ms = page[-1]["received_ms"] + 1
    assert [one["payload"]["id"] for one in whole] == [f"e-{n}" for n in range(15)]
    assert pages == whole


def test_a_repeat_is_told_when_what_it_repeats_has_left_the_journal(
    run: PluginRun,
) -> None:
    run.send(*event(1))
    run.now_ms += HOUR_MS
    run.send(*event(1))
    assert [one["received_ms"] for one in ask(run)] == [START_MS]
    run.now_ms = START_MS + 49 * HOUR_MS
    run.send(*event(2))
    run.tick(after_ms=61_000)
    assert [one["received_ms"] for one in ask(run, "limit=1")] == [START_MS + HOUR_MS]


def keep_twice(path: Path) -> None:
    """Write the first event of a file once more, as earlier versions did."""
    with closing(sqlite3.connect(path)) as db:
        columns = "received_ms, ward, bed, kind, payload"
        db.execute(f"insert into event({columns}) select {columns} from event limit 1")
        db.commit()


def test_what_a_file_of_an_earlier_version_has_twice_is_told_once(
    run: PluginRun, tmp_path: Path
) -> None:
    run.send(*event(1))
    run.stop()
    (path,) = journal_files(tmp_path / "recorder")
    keep_twice(path)
    run.start()
    run.send(*event(1))
    run.send(*event(2))
    assert kept(tmp_path / "recorder") == [event(n)[1] for n in (1, 1, 2)]
    assert told(run) == ["e-1", "e-2"]


def test_what_a_failed_transaction_has_told_is_no_repeat(tmp_path: Path) -> None:
    file = HourFile(path_of(tmp_path, START_MS))
    said = (START_MS, "ward-a", "bed-01", "event", event(1)[1])

    def fails() -> None:
        with file.transaction():
            file.events.add(*said)
            raise StorageError("the disk is full")

    with pytest.raises(StorageError):
        fails()
    for _ in range(2):
        with file.transaction():
            file.events.add(*said)
    file.close()
    assert kept(tmp_path) == [said[-1]]


def test_an_hour_that_is_written_anew_has_its_events_once(
    run: PluginRun, tmp_path: Path
) -> None:
    run.send(*event(1))
    run.send(AlarmTopic(ONE, "spo2_low"), GONE, retain=True)
    run.send(AlarmTopic(ONE, "hr_high"), GONE, retain=True)
    run.stop()
    (path,) = journal_files(tmp_path / "recorder")
    keep_twice(path)
    assert len(kept(path.parent)) == 4
    readers = HourReaders(path.parent)
    assert mend(path, Catalogue.load(None), readers, threading.Event()) is not None
    assert kept(path.parent) == [event(1)[1], GONE, GONE]
    run.start()
