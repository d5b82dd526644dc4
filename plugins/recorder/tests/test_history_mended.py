"""Questions that are under way while a damaged hour is written anew: each reading once."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme.testing.torn_pages import noise, overwrite, pages_of
from monitorme_recorder.history.arrivals import Arrivals
from monitorme_recorder.history.hour_readers import HourReaders, Reader
from monitorme_recorder.history.inventory import Inventory
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.parts import Chunk, Listing
from monitorme_recorder.history_store import Period, Series, StoredReading
from monitorme_recorder.hours import HOUR_MS, companions, journal_files
from monitorme_recorder.mending import mend
from monitorme_recorder.records import Stream, unpack_chunk
from monitorme_recorder.store import Arrival, Store
from monitorme_recorder.tracks import CHUNK_READINGS

BEGIN_MS = 1_795_651_200_000
CATALOGUE = Catalogue.load(None)
STREAM = Stream("ward-a", "bed-01", "heart_rate", "d-17", "b1")
PER_HOUR = 3_000
EVER = Period(0, 1 << 53)
PAGE = 4_096

Question = Callable[[Store, HourReaders], Iterator[StoredReading]]


def readings(store: Store, readers: HourReaders) -> Iterator[StoredReading]:
    return JournalHistory(store, readers).readings(Series(*STREAM[:3]), EVER)


def since(store: Store, readers: HourReaders) -> Iterator[StoredReading]:
    return Arrivals(store, readers).since(*STREAM[:2], 0)


def everything(store: Store, readers: HourReaders) -> Iterator[StoredReading]:
    return Inventory(store, readers).everything()


QUESTIONS = pytest.mark.parametrize("question", [readings, since, everything])


def fill(store: Store, hour: int) -> None:
    for start in range(1, PER_HOUR + 1, 50):
        arrivals = []
        for n in range(start, start + 50):
            at_ms = BEGIN_MS + hour * HOUR_MS + n * 1_000
            seq = hour * PER_HOUR + n
            one = Reading("d-17", "b1", seq, at_ms, 60.0 + n % 40, "good")
            judged = judge(one, CATALOGUE["heart_rate"], at_ms)
            arrivals.append(Arrival(STREAM, one, judged, at_ms, one.to_json()))
        store.store(arrivals, [])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store that has written three hours, and is in the fourth."""
    store = Store(tmp_path, CATALOGUE, BEGIN_MS)
    for hour in range(4):
        fill(store, hour)
    yield store
    store.close()


@pytest.fixture
def readers(tmp_path: Path) -> Iterator[HourReaders]:
    readers = HourReaders(tmp_path)
    yield readers
    readers.close()


def chunks_in(path: Path) -> list[tuple[int, bytes]]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows = db.execute("select id, data from chunk order by id").fetchall()
    db.close()
    return rows


def spoil(path: Path, ids: Iterable[int]) -> set[int]:
    """Destroy chunks, but none of the trees that say where they are; return the seqs."""
    chunks, whole = dict(chunks_in(path)), bytearray(path.read_bytes())
    for number in ids:
        end = chunks[number][-100:]
        assert whole.count(end) == 1
        at = whole.index(end)
        whole[at : at + 50] = bytes(50)
    path.write_bytes(whole)
    return {one.seq for number in ids for one in unpack_chunk(chunks[number])}


def tear_leaf(path: Path) -> None:
    """Destroy the last page of the tree of chunks: what asks for all of it is refused."""
    overwrite(path, pages_of(path, "chunk", kind="leaf")[-1:], noise)


def mended(path: Path, readers: HourReaders) -> None:
    assert mend(path, CATALOGUE, readers, threading.Event()) is not None


def meanwhile(
    monkeypatch: pytest.MonkeyPatch,
    readers: HourReaders,
    chunks: int,
    happens: Callable[[], object],
) -> None:
    """Let something happen when so many chunks have been read."""
    unpack, number = readers.unpack, count(1)

    def counted(*chunk: object) -> object:
        if next(number) == chunks:
            happens()
        return unpack(*chunk)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(readers, "unpack", counted)


@QUESTIONS
@pytest.mark.parametrize("chunks", [1, 4, 9, 12])
def test_every_reading_is_told_once_by_a_question_that_began_before(
    store: Store,
    readers: HourReaders,
    monkeypatch: pytest.MonkeyPatch,
    question: Question,
    chunks: int,
) -> None:
    path = journal_files(store.folder)[1]
    spoilt = spoil(path, [1, 6])
    meanwhile(monkeypatch, readers, chunks, lambda: mended(path, readers))
    seqs = [one.kept.seq for one in question(store, readers)]
    assert path.with_suffix(".damaged").exists()
    assert sorted(seqs) == sorted(set(range(1, 4 * PER_HOUR + 1)) - spoilt)


@QUESTIONS
def test_a_new_file_is_not_told_for_what_the_old_one_lacks(
    store: Store,
    readers: HourReaders,
    monkeypatch: pytest.MonkeyPatch,
    question: Question,
) -> None:
    path = journal_files(store.folder)[1]
    spoil(path, [3, 6])
    meanwhile(monkeypatch, readers, 8, lambda: mended(path, readers))
    assert len(list(question(store, readers))) > 3 * PER_HOUR
    assert path.with_suffix(".damaged").exists()
    assert readers.torn == {}
    assert readers.damaged == {}


def listed(store: Store, readers: HourReaders, path: Path) -> list[Chunk]:
    with Listing(store, readers).moment(lambda _: [path], lambda _: False) as moment:
        return moment.chunks(*STREAM[:3], *EVER)


def test_an_hour_written_anew_twice_is_found_where_it_was_listed(
    store: Store, readers: HourReaders
) -> None:
    path = journal_files(store.folder)[0]
    expected = []
    lists = []
    for spoilt in ([1], [1], []):
        spoil(path, spoilt)
        lists.append(listed(store, readers, path))
        expected.append([data for _, data in chunks_in(path)][len(spoilt) :])
        mended(path, readers)
    listing = Listing(store, readers)
    for chunks, datas in zip(lists, expected, strict=True):
        found = [kept for kept in map(listing.load, chunks) if kept]
        assert found == [unpack_chunk(data) for data in datas]


def test_what_is_read_of_a_file_set_aside_puts_nothing_beside_it(
    store: Store, readers: HourReaders
) -> None:
    path = journal_files(store.folder)[0]
    chunks = listed(store, readers, path)
    mended(path, readers)
    assert len(Listing(store, readers).load(chunks[0])) == CHUNK_READINGS * 2
    (aside,) = [one for one in store.folder.iterdir() if ".damaged" in one.name]
    assert aside == path.with_suffix(".damaged")


def test_the_log_of_a_damaged_hour_is_kept_with_it(tmp_path: Path) -> None:
    store, readers = Store(tmp_path, CATALOGUE, BEGIN_MS), HourReaders(tmp_path)
    fill(store, 0)
    # Who reads while the hour ends leaves it its write-ahead log.
    with Listing(store, readers).moment(list, lambda _: False):
        fill(store, 1)
    path = journal_files(tmp_path)[0]
    log_file = companions(path)[0].read_bytes()
    assert log_file
    chunks = listed(store, readers, path)
    readers.close()
    mended(path, readers)
    found = [len(Listing(store, readers).load(one)) for one in chunks]
    assert sum(found) == PER_HOUR
    assert companions(path.with_suffix(".damaged"))[0].read_bytes() == log_file
    readers.close()
    store.close()


def test_an_hour_that_was_dropped_gives_nothing_and_no_other_in_its_place(
    store: Store, readers: HourReaders
) -> None:
    path = journal_files(store.folder)[0]
    chunks = listed(store, readers, path)
    mended(path, readers)
    store.drop_older_than(BEGIN_MS + HOUR_MS)
    readers.forget_dropped()
    assert [Listing(store, readers).load(one) for one in chunks] == [[]] * len(chunks)
    assert not list(store.folder.glob(f"{path.stem}*"))


def test_a_file_that_was_emptied_is_refused_and_the_new_one_serves(
    store: Store, readers: HourReaders
) -> None:
    path = journal_files(store.folder)[0]
    chunks = listed(store, readers, path)
    mended(path, readers)
    os.truncate(path.with_suffix(".damaged"), 0)
    listing = Listing(store, readers)
    with pytest.raises(StorageError):
        listing.load(chunks[0])
    assert (readers.damaged, readers.torn) == ({}, {})
    found = map(listing.load, listed(store, readers, path))
    assert sum(map(len, found)) == PER_HOUR


@pytest.mark.parametrize("hour", [0, 2], ids=["closed", "of which there is a snapshot"])
def test_an_hour_in_which_a_question_met_damage_is_asked_again_once_mended(
    store: Store, readers: HourReaders, hour: int
) -> None:
    path = journal_files(store.folder)[hour]
    asked = []

    def ask(db: Reader) -> Iterator[int]:
        if db.source.path == path:
            asked.append(db.source)
            yield from [number for (number,) in db.execute("select id from stream")]
            if len(asked) == 1:
                tear_leaf(path)
                mended(path, readers)
            yield from [len(data) for (data,) in db.execute("select data from chunk")]

    with Listing(store, readers).moment(list, lambda _: False) as moment:
        found = list(moment.each_file(ask))
    assert len(set(asked)) == 2, "the first file refused"
    assert found == [1, *(len(data) for _, data in chunks_in(path))]
    assert readers.damaged == {}


def test_damage_in_the_hour_before_is_not_the_newest_ones(
    store: Store, readers: HourReaders
) -> None:
    *_, before, newest = journal_files(store.folder)
    tear_leaf(before)
    seqs = [one.kept.seq for one in readings(store, readers)]
    assert set(range(3 * PER_HOUR + 1, 4 * PER_HOUR + 1)) <= set(seqs)
    assert list(readers.damaged) == [before.name]
    assert readers.paths()[-1] == newest
