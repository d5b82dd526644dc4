"""The newest readings after a restart: the files say them, each read once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_recorder import in_place
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.newest import Newest
from monitorme_recorder.history.parts import Listing
from monitorme_recorder.hours import HOUR_MS, journal_files
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

BEGIN_MS = 1_796_000_000_000 // HOUR_MS * HOUR_MS
END_MS = BEGIN_MS + 3 * HOUR_MS
CATALOGUE = Catalogue.load(None)
BEDS = ("bed-01", "bed-02")


class Journal:
    """A journal that is filled, closed and opened again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = Store(folder, CATALOGUE, BEGIN_MS)
        self._readers = HourReaders(folder)
        self._seq = 0

    def put(
        self, vital: str, time_ms: int, received_ms: int, bed: str = "bed-01"
    ) -> None:
        self._seq += 1
        one = Reading(f"{bed}-d", "b1", self._seq, time_ms, 36.0, "good")
        stream = Stream("ward-a", bed, vital, one.device, "b1")
        judged = judge(one, CATALOGUE[vital], received_ms)
        arrival = Arrival(stream, one, judged, received_ms, one.to_json())
        self._store.store([arrival], [])

    def newest_after_restart(self, beds: tuple[str, ...] = BEDS) -> Newest:
        self.close()
        self._store = Store(self._folder, CATALOGUE, END_MS)
        self._readers = HourReaders(self._folder)
        return Newest(self._store, Listing(self._store, self._readers), self._readers)

    def write_first_hour_anew(self, vital: str, time_ms: int) -> None:
        """Put another file in the place of the first hour's, as mending does."""
        other = Journal(self._folder / "anew")
        other.put(vital, time_ms, time_ms)
        other.close()
        path = journal_files(self._folder)[0]
        (new,) = journal_files(self._folder / "anew")
        self._readers.replace(path, new, in_place.keep_aside(path))

    def close(self) -> None:
        self._readers.close()
        self._store.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def times(newest: Newest, bed: str, since_ms: int = 0) -> dict[str, int]:
    found = newest.of_beds("ward-a", BEDS, since_ms)
    return {vital: one.kept.at_ms for vital, one in found[bed].items()}


def test_each_vital_is_found_in_whichever_hour_it_came_last(journal: Journal) -> None:
    journal.put("body_temperature", BEGIN_MS, BEGIN_MS)
    journal.put("heart_rate", BEGIN_MS + 1, BEGIN_MS + 1)
    journal.put("body_temperature", BEGIN_MS + 2, BEGIN_MS + 2, "bed-02")
    last_ms = BEGIN_MS + 2 * HOUR_MS
    journal.put("heart_rate", last_ms, last_ms)
    newest = journal.newest_after_restart()
    assert times(newest, "bed-01") == {
        "body_temperature": BEGIN_MS,
        "heart_rate": last_ms,
    }
    assert times(newest, "bed-02") == {"body_temperature": BEGIN_MS + 2}
    assert times(newest, "bed-01", since_ms=last_ms) == {"heart_rate": last_ms}


def test_what_came_late_does_not_hide_what_is_newer_in_an_older_file(
    journal: Journal,
) -> None:
    newest_ms = BEGIN_MS + 2_000_000
    journal.put("heart_rate", newest_ms, newest_ms)
    journal.put("heart_rate", BEGIN_MS + 5, BEGIN_MS + 2 * HOUR_MS)
    newest = journal.newest_after_restart()
    assert times(newest, "bed-01") == {"heart_rate": newest_ms}


def test_only_what_the_files_have_said_is_at_hand(journal: Journal) -> None:
    journal.put("heart_rate", BEGIN_MS, BEGIN_MS)
    newest = journal.newest_after_restart()
    assert newest.at_hand("ward-a", BEDS, 0) is None
    assert newest.of_beds("ward-a", BEDS[:1], 0) == newest.at_hand(
        "ward-a", BEDS[:1], 0
    )
    assert newest.at_hand("ward-a", BEDS, 0) is None, "of one bed nothing was read"
    newest.of_beds("ward-a", BEDS, 0)
    journal.put("heart_rate", BEGIN_MS + 9, BEGIN_MS + 9)
    at_hand = newest.at_hand("ward-a", BEDS, 0)
    assert at_hand is not None
    assert at_hand["bed-01"]["heart_rate"].kept.at_ms == BEGIN_MS + 9


def test_an_hour_that_was_written_anew_is_read_again(journal: Journal) -> None:
    journal.put("body_temperature", BEGIN_MS, BEGIN_MS, "bed-02")
    journal.put("body_temperature", END_MS, END_MS, "bed-02")
    newest = journal.newest_after_restart()
    assert times(newest, "bed-01") == {}
    journal.write_first_hour_anew("heart_rate", BEGIN_MS)
    assert newest.at_hand("ward-a", BEDS, 0) is None
    assert times(newest, "bed-01") == {"heart_rate": BEGIN_MS}


def test_what_comes_after_the_files_were_read_is_there(journal: Journal) -> None:
    journal.put("heart_rate", BEGIN_MS, BEGIN_MS)
    newest = journal.newest_after_restart()
    assert times(newest, "bed-01") == {"heart_rate": BEGIN_MS}
    journal.put("heart_rate", BEGIN_MS + 9, BEGIN_MS + 9)
    journal.put("oxygen_saturation", BEGIN_MS + 9, BEGIN_MS + 9)
    assert times(newest, "bed-01") == {
        "heart_rate": BEGIN_MS + 9,
        "oxygen_saturation": BEGIN_MS + 9,
    }
