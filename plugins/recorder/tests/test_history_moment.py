"""History while the recorder folds: each reading once, and nobody waits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.parts import Listing
from monitorme_recorder.hours import HOUR_MS
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

NOW_MS = 1_796_000_000_000 // HOUR_MS * HOUR_MS
CATALOGUE = Catalogue.load(None)
STREAM = Stream("ward-a", "bed-01", "heart_rate", "d-1", "b1")


def arrivals(*seqs: int, at_ms: int = NOW_MS) -> list[Arrival]:
    vital = CATALOGUE["heart_rate"]
    readings = [Reading("d-1", "b1", seq, at_ms + seq, 70.0, "good") for seq in seqs]
    return [
        Arrival(STREAM, one, judge(one, vital, one.time_ms), one.time_ms, one.to_json())
        for one in readings
    ]


def seqs_seen(store: Store, meanwhile: Callable[[], object]) -> list[int]:
    """Return what a question finds while something happens after its look at memory."""

    def all_of(paths: list[Path]) -> list[Path]:
        meanwhile()
        return readers.paths()

    readers = HourReaders(store.folder)
    listing = Listing(store, readers)
    with listing.moment(all_of, lambda stream: True) as moment:
        chunks = moment.chunks(*STREAM[:3], 0, 1 << 53)
        kept = [one for tail in moment.tails.values() for one in tail]
        kept += [one for chunk in chunks for one in listing.load(chunk)]
    readers.close()
    return sorted(one.seq for one in kept)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path, CATALOGUE, NOW_MS)
    store.store(arrivals(1, 2), [])
    store.fold()
    store.store(arrivals(3, 4), [])
    return store


def test_what_is_folded_meanwhile_is_found_once(store: Store) -> None:
    assert seqs_seen(store, store.fold) == [1, 2, 3, 4]


def test_what_comes_and_is_folded_meanwhile_doubles_nothing(store: Store) -> None:
    def meanwhile() -> None:
        store.store(arrivals(5), [])
        store.fold_due(NOW_MS + HOUR_MS)

    assert seqs_seen(store, meanwhile) == [1, 2, 3, 4, 5]
    assert seqs_seen(store, lambda: None) == [1, 2, 3, 4, 5]


def test_an_hour_that_ends_meanwhile_doubles_nothing(store: Store) -> None:
    later = arrivals(6, at_ms=NOW_MS + HOUR_MS)
    assert seqs_seen(store, lambda: store.store(later, [])) == [1, 2, 3, 4]
    assert seqs_seen(store, lambda: None) == [1, 2, 3, 4, 6]


def test_nobody_is_kept_out_while_the_disk_takes_what_is_folded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    file = store._file
    add_chunk = file.add_chunk

    def look_and_add(stream: Stream, kept: list) -> None:  # type: ignore[type-arg]  # as the file's own
        seen.append(seqs_seen(store, lambda: None))
        add_chunk(stream, kept)

    monkeypatch.setattr(file, "add_chunk", look_and_add)
    store.fold()
    assert seen == [[1, 2, 3, 4]]
