"""The archive is asked for a bed's newest readings once an hour, and nothing is missed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.older import Older
from monitorme_recorder.history_store import Period
from monitorme_recorder.hour_file import HOUR_MS
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

NOW_MS = 1_796_000_000_000
CATALOGUE = Catalogue.load(None)


class Archive:
    """A second journal as archive, and how to put a reading into it."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder, CATALOGUE, NOW_MS)
        self.readers = HourReaders(folder)
        self.older = Older(JournalHistory(self._store, self.readers))
        self._seq = 0

    def put(self, vital: str, time_ms: int) -> None:
        self._seq += 1
        one = Reading("d-1", "b1", self._seq, time_ms, 30.0, "good")
        stream = Stream("ward-a", "bed-01", vital, "d-1", "b1")
        judged = judge(one, CATALOGUE[vital], time_ms)
        self._store.store([Arrival(stream, one, judged, time_ms, one.to_json())], [])

    def newest(
        self, now_ms: int, since_ms: int = 0, kept_from_ms: int = NOW_MS
    ) -> dict[str, int]:
        missing = [Period(0, kept_from_ms)]
        found = self.older.of_bed("ward-a", "bed-01", since_ms, now_ms, missing)
        return {vital: one.kept.at_ms for vital, one in found.items()}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path)
    yield archive
    archive.readers.close()


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
