"""What goes to InfluxDB next: the same, whether memory still has it or the log is read."""

import itertools
from pathlib import Path

import pytest

from monitorme.contract.readings import Lead, Reading, ReadingValue, judge
from monitorme.contract.vitals import Catalogue
from monitorme_recorder import committed
from monitorme_recorder.committed import Committed
from monitorme_recorder.influx.backlog import Backlog, Parcel
from monitorme_recorder.influx.cursor import Cursor
from monitorme_recorder.influx.lines import LineWriters
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

CATALOGUE = Catalogue.load()
NOW_MS = 1_750_000_000_000
VALUES: list[tuple[str, ReadingValue, dict[str, object]]] = [
    ("heart_rate", 72.0, {}),
    ("heart_rate", 900.0, {}),
    ("heart_rate", 72.0, {"quality": "questionable", "reason": "motion"}),
    ("heart_rate", 71.5, {"reason": "said_all_the_same"}),
    ("heart_rate", None, {"quality": "invalid", "reason": "lead_off"}),
    ("heart_rate", 73.0, {"time_ms": NOW_MS + 60_000}),
    ("blood_pressure", {"systolic": 120.0, "diastolic": 80.0}, {}),
    ("sleep_state", "asleep", {}),
    ("ecg", {"II": Lead(250.0, "mV", 0.005, [1, 2, 3])}, {}),
]


class Ward:
    """A store that somebody follows, from memory and from the log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder, CATALOGUE, NOW_MS)
        self.committed = self.store.committed = Committed()
        self.seqs = itertools.count(1)

    def store_row(
        self, *values: tuple[str, ReadingValue, dict[str, object]], shift_ms: int = 0
    ) -> None:
        """Store readings as one row of the log."""
        self.store.store([self.arrival(*one, shift_ms) for one in values], [])

    def arrival(
        self,
        vital: str,
        value: ReadingValue,
        changes: dict[str, object],
        shift_ms: int,
    ) -> Arrival:
        fields = {"quality": "good", "time_ms": NOW_MS, **changes}
        seq = next(self.seqs)
        one = Reading("d-17", "b1", seq, value=value, **fields)  # type: ignore[arg-type]  # of the test's making
        judged = judge(one, CATALOGUE[vital], NOW_MS + 9)
        stream = Stream("ward-a", "bed-01", vital, "d-17", "b1")
        return Arrival(stream, one, judged, NOW_MS + 9, one.to_json(), shift_ms)

    def parcel(
        self, held: Committed, *, after: int = 0, lines: int = 5_000
    ) -> Parcel | None:
        """Return what comes after a row of the log, given what is held in memory."""
        with Cursor(self.folder / f"{id(held)}-{after}" / "cursor.db") as cursor:
            (path,) = self.folder.glob("*.journal")
            cursor.advance(path.stem, after)
            backlog = Backlog(self.folder, cursor, LineWriters(CATALOGUE), held)
            try:
                return backlog.next_parcel(lines)
            finally:
                backlog.close()


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    return Ward(tmp_path)


def lines_of(parcel: Parcel | None) -> tuple[list[str], list[str], int, int]:
    assert parcel is not None
    return parcel.readings, parcel.waveforms, parcel.last_row, parcel.first_ms


def test_memory_and_log_give_the_same_lines(ward: Ward) -> None:
    ward.store_row(*VALUES)
    ward.store_row(*VALUES, shift_ms=-90_000)
    in_memory = lines_of(ward.parcel(ward.committed))
    assert in_memory == lines_of(ward.parcel(Committed()))
    assert len(in_memory[0]) == 2 * (len(VALUES) - 1)
    assert len(in_memory[1]) == 2


def test_a_repeat_has_no_line(ward: Ward) -> None:
    arrival = ward.arrival(*VALUES[0], 0)
    ward.store.store([arrival, arrival], [])
    ward.store.store([arrival], [])
    readings, _, last_row, _ = lines_of(ward.parcel(ward.committed))
    assert len(readings) == 1
    assert last_row == 1


def test_what_memory_has_no_more_is_read_from_the_log(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(committed, "MOST_BYTES", 1_000)
    for _ in range(5):
        ward.store_row(VALUES[0])
    hour = next(ward.folder.glob("*.journal")).stem
    assert ward.committed.after(hour, 0) == []
    readings, _, last_row, _ = lines_of(ward.parcel(ward.committed))
    assert len(readings) == last_row == 5


def test_memory_is_used_again_when_the_log_has_been_caught_up_with(
    ward: Ward,
) -> None:
    ward.store_row(VALUES[0])
    late = ward.store.committed = Committed()
    ward.store_row(VALUES[0])
    hour = next(ward.folder.glob("*.journal")).stem
    assert late.after(hour, 0) == []
    assert [row.number for row in late.after(hour, 1)] == [2]
    assert lines_of(ward.parcel(late, after=1))[2] == 2


def test_what_is_shipped_is_let_go(ward: Ward) -> None:
    for _ in range(3):
        ward.store_row(VALUES[0])
    hour = next(ward.folder.glob("*.journal")).stem
    assert len(ward.committed.after(hour, 2)) == 1
    assert ward.committed.after(hour, 0) == []


def test_a_parcel_ends_where_it_is_full(ward: Ward) -> None:
    for _ in range(3):
        ward.store_row(VALUES[0], VALUES[0])
    assert lines_of(ward.parcel(ward.committed, lines=3))[2] == 2
