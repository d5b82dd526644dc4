"""The archive is asked for the newest readings once an hour, and nothing is missed."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.older import Older
from monitorme_recorder.history_store import Latest, Period
from monitorme_recorder.hours import HOUR_MS
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

NOW_MS = 1_796_000_000_000
CATALOGUE = Catalogue.load(None)
BEDS = ("bed-01", "bed-02")


class Asked(JournalHistory):
    """A journal in an archive's place, which can go away; keeps what it was asked."""

    def __init__(self, store: Store, readers: HourReaders) -> None:
        super().__init__(store, readers)
        self.beds: list[tuple[str, ...]] = []
        self.is_away = False
        self.answers = threading.Event()
        self.answers.set()

    def latest(
        self, ward: str, beds: tuple[str, ...], since_ms: int
    ) -> dict[str, Latest]:
        self.beds.append(beds)
        if self.is_away:
            raise StorageError("it is away")
        self.answers.wait()
        return super().latest(ward, beds, since_ms)


class Archive:
    """An archive, how to put a reading into it, and what of it is known."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder, CATALOGUE, NOW_MS)
        self.readers = HourReaders(folder)
        self.asked = Asked(self._store, self.readers)
        self.older = Older(self.asked, patience_s=0.2, again_after_s=0.0)
        self._seq = 0

    def put(self, vital: str, time_ms: int, bed: str = "bed-01") -> None:
        self._seq += 1
        one = Reading("d-1", "b1", self._seq, time_ms, 30.0, "good")
        stream = Stream("ward-a", bed, vital, "d-1", "b1")
        judged = judge(one, CATALOGUE[vital], time_ms)
        self._store.store([Arrival(stream, one, judged, time_ms, one.to_json())], [])

    def newest(
        self,
        now_ms: int,
        since_ms: int = 0,
        kept_from_ms: int = NOW_MS,
        bed: str = "bed-01",
    ) -> dict[str, int]:
        missing = [Period(0, kept_from_ms)]
        found = self.older.of_beds("ward-a", (bed,), since_ms, now_ms, missing)
        return {vital: one.kept.at_ms for vital, one in found[bed].items()}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path)
    yield archive
    archive.asked.answers.set()
    archive.older.close()
    archive.readers.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


def test_an_answer_is_known_for_an_hour(archive: Archive) -> None:
    archive.put("heart_rate", NOW_MS)
    assert archive.newest(NOW_MS) == {"heart_rate": NOW_MS}
    # It came by way of the journal, which says so itself.
    archive.put("heart_rate", NOW_MS + 1_000)
    assert archive.newest(NOW_MS + HOUR_MS - 1) == {"heart_rate": NOW_MS}
    assert archive.newest(NOW_MS + HOUR_MS) == {"heart_rate": NOW_MS + 1_000}


def test_a_question_that_reaches_further_back_is_asked(archive: Archive) -> None:
    assert archive.newest(NOW_MS, since_ms=NOW_MS) == {}
    archive.put("heart_rate", NOW_MS - 1_000)
    assert archive.newest(NOW_MS, since_ms=NOW_MS) == {}
    assert archive.newest(NOW_MS, since_ms=0) == {"heart_rate": NOW_MS - 1_000}


def test_what_has_become_too_old_is_left_out(archive: Archive) -> None:
    archive.put("heart_rate", NOW_MS - 1_000)
    archive.put("respiratory_rate", NOW_MS)
    assert set(archive.newest(NOW_MS, since_ms=0)) == {"heart_rate", "respiratory_rate"}
    assert set(archive.newest(NOW_MS, since_ms=NOW_MS)) == {"respiratory_rate"}


def test_a_clock_that_is_set_back_asks_again(archive: Archive) -> None:
    assert archive.newest(NOW_MS) == {}
    archive.put("heart_rate", NOW_MS)
    assert archive.newest(NOW_MS - 1) == {"heart_rate": NOW_MS}


def test_a_journal_that_has_lost_an_hour_asks_again(archive: Archive) -> None:
    assert archive.newest(NOW_MS) == {}
    archive.put("heart_rate", NOW_MS)
    lost_ms = NOW_MS + HOUR_MS
    assert archive.newest(NOW_MS + 1, kept_from_ms=lost_ms) == {"heart_rate": NOW_MS}


def test_beds_are_asked_for_in_one_question_but_for_what_is_known(
    archive: Archive,
) -> None:
    archive.put("heart_rate", NOW_MS, "bed-02")
    archive.older.of_beds("ward-a", BEDS, 0, NOW_MS, [Period(0, NOW_MS)])
    assert archive.newest(NOW_MS, bed="bed-02") == {"heart_rate": NOW_MS}
    assert archive.newest(NOW_MS, bed="bed-03") == {}
    assert archive.asked.beds == [BEDS, ("bed-03",)]


def test_at_hand_is_what_is_known_and_still_right(archive: Archive) -> None:
    def at_hand(now_ms: int, kept_from_ms: int = NOW_MS) -> dict[str, Latest] | None:
        missing = [Period(0, kept_from_ms)]
        return archive.older.at_hand("ward-a", ("bed-01",), 0, now_ms, missing)

    archive.put("heart_rate", NOW_MS)
    assert at_hand(NOW_MS) is None
    archive.newest(NOW_MS)
    known = at_hand(NOW_MS + HOUR_MS - 1)
    assert known is not None
    assert list(known["bed-01"]) == ["heart_rate"]
    assert at_hand(NOW_MS + HOUR_MS) is None
    assert at_hand(NOW_MS, kept_from_ms=NOW_MS + 1) is None


def test_questions_at_once_ask_once(archive: Archive) -> None:
    archive.put("heart_rate", NOW_MS)
    archive.asked.answers.clear()
    found: list[dict[str, int]] = []
    asking = [
        threading.Thread(target=lambda: found.append(archive.newest(NOW_MS)))
        for _ in range(3)
    ]
    for one in asking:
        one.start()
    wait_until(lambda: bool(archive.asked.beds))
    archive.asked.answers.set()
    for one in asking:
        one.join()
    assert found == [{"heart_rate": NOW_MS}] * 3
    assert archive.asked.beds == [("bed-01",)]


def test_an_archive_that_is_away_is_answered_for_by_what_it_said_last(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    archive.put("heart_rate", NOW_MS)
    assert archive.newest(NOW_MS) == {"heart_rate": NOW_MS}
    archive.asked.is_away = True
    for _ in range(3):
        assert archive.newest(NOW_MS + HOUR_MS) == {"heart_rate": NOW_MS}
    assert archive.newest(NOW_MS + HOUR_MS, bed="bed-02") == {}
    assert [one.levelno for one in caplog.records] == [logging.WARNING], "told once"


def test_an_archive_that_is_back_is_noticed_by_whoever_asks(archive: Archive) -> None:
    archive.put("heart_rate", NOW_MS)
    archive.asked.is_away = True
    assert archive.newest(NOW_MS) == {}
    archive.asked.is_away = False
    wait_until(lambda: archive.newest(NOW_MS) == {"heart_rate": NOW_MS})
    # And from then on it is waited for, as before it was away.
    archive.put("heart_rate", NOW_MS, "bed-02")
    assert archive.newest(NOW_MS, bed="bed-02") == {"heart_rate": NOW_MS}


def test_an_archive_that_hangs_is_waited_for_once(archive: Archive) -> None:
    archive.put("heart_rate", NOW_MS)
    archive.asked.answers.clear()
    assert archive.newest(NOW_MS) == {}
    began_s = time.monotonic()
    for bed in ("bed-01", "bed-02", "bed-03") * 10:
        assert archive.newest(NOW_MS, bed=bed) == {}
    assert time.monotonic() - began_s < 1.0, "30 times its patience of 0.2 s"
    assert archive.asked.beds == [("bed-01",)], "nothing piles up behind it"
    archive.asked.answers.set()
    wait_until(lambda: archive.newest(NOW_MS) == {"heart_rate": NOW_MS})
