"""What a recorder that was killed knows of what it had stored."""

from pathlib import Path

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

NOW_MS = 1_796_000_000_000
CATALOGUE = Catalogue.load(None)


def arrival(vital: str, seq: int) -> Arrival:
    reading = Reading("d-1", "b1", seq, NOW_MS + seq, 30.0, "good")
    judged = judge(reading, CATALOGUE[vital], NOW_MS + seq)
    stream = Stream("ward-a", "bed-01", vital, "d-1", "b1")
    return Arrival(stream, reading, judged, NOW_MS + seq, reading.to_json())


def killed(store: Store) -> Store:
    """Leave a store as kill -9 does, and open it again."""
    store._file.close()
    return Store(store.folder, CATALOGUE, NOW_MS + 10_000)


def test_what_was_folded_after_the_last_checkpoint_is_known(tmp_path: Path) -> None:
    store = Store(tmp_path, CATALOGUE, NOW_MS)
    store.store([arrival("heart_rate", seq) for seq in range(1, 11)], [])
    store.fold_due(NOW_MS + 6)  # a stream's readings are in a chunk now
    store.store([arrival("respiratory_rate", seq) for seq in range(11, 16)], [])
    assert len(store.tails(lambda stream: True).tails) == 1

    store = killed(store)
    assert store.marks()["d-1", "b1"].through == 15
    again = [arrival("heart_rate", 3), arrival("respiratory_rate", 12)]
    assert store.store(again, []) == 0
    (tail,) = store.tails(lambda stream: True).tails
    assert [one.seq for one in tail.kept] == list(range(11, 16))
    store.close()


def test_a_checkpoint_and_what_came_after_it_are_known(tmp_path: Path) -> None:
    store = Store(tmp_path, CATALOGUE, NOW_MS)
    store.store([arrival("heart_rate", seq) for seq in (1, 2, 5)], [])
    store.fold_due(NOW_MS + 9, is_checkpoint=True)
    store.store([arrival("heart_rate", seq) for seq in (3, 7)], [])
    store = killed(killed(store))
    mark = store.marks()["d-1", "b1"]
    assert [seq for seq in range(1, 9) if mark.has(seq)] == [1, 2, 3, 5, 7]
    store.close()
