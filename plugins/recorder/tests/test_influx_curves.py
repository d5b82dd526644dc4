"""Curves on their way to InfluxDB and back: as they were, each number once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme_recorder.curve import PART_MS, Points, curve_of
from monitorme_recorder.hours import HOUR_MS, hour_of, journal_files, path_of
from monitorme_recorder.influx.backlog import Backlog
from monitorme_recorder.influx.cursor import Cursor
from monitorme_recorder.influx.curve_parcel import curves_behind
from monitorme_recorder.influx.curve_text import pack, unpack
from monitorme_recorder.influx.curves import (
    CURVE_MS,
    LONGEST_TEXT,
    CurveRow,
    lines_of,
    points_of,
)
from monitorme_recorder.influx.lines import LineWriters
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

CATALOGUE = Catalogue.load(None)
BEGIN_MS = 1_795_651_200_000
"""The beginning of an hour."""
STREAM = Stream("ward-a", "bed-01", "heart_rate", "d-17", "b1")
LATER = "29991231T23"


def points(*numbers: tuple[int, float]) -> Points:
    times, values = zip(*numbers, strict=True)
    return np.array(times, np.int64), np.array(values, np.float64)


def pairs(found: Points) -> list[tuple[int, float]]:
    return list(zip(found[0].tolist(), found[1].tolist(), strict=True))


def row(hour: str, *numbers: tuple[int, float], boot: str = "b1") -> dict[str, Any]:
    return {
        "curve": pack(points(*numbers)),
        "hour": hour,
        "boot": boot,
        "device": "d-17",
        "time": numbers[0][0] // PART_MS * PART_MS * 1_000_000,
    }


NUMBERS = st.lists(
    st.tuples(
        st.integers(0, PART_MS - 1).map(lambda at: BEGIN_MS + at),
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(0, 2_500).map(lambda tenths: tenths / 10),
            st.just(72.0),
        ),
    ),
    min_size=1,
    max_size=50,
)


@given(NUMBERS)
def test_numbers_come_back_as_they_were_and_in_their_order(
    numbers: list[tuple[int, float]],
) -> None:
    assert pairs(unpack(pack(points(*numbers)))) == numbers


def test_a_steady_vital_takes_a_byte_a_number() -> None:
    steady = [(BEGIN_MS + n * 500, 72.0 + n % 40 / 10) for n in range(600)]
    assert len(pack(points(*steady))) < 600 * 4 / 3 + 60


@pytest.mark.parametrize(
    "text", ["", "AAAA", "not base64", pack(points((1, 2.0)))[:-8]]
)
def test_a_text_that_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(StorageError, match="not readable"):
        unpack(text)


def test_numbers_of_hours_that_are_still_here_are_left_out() -> None:
    rows = [
        row("20261126T00", (BEGIN_MS, 70.0)),
        row("20261126T01", (BEGIN_MS + 1, 71.0)),
    ]
    assert pairs(points_of(rows, "20261126T01")) == [(BEGIN_MS, 70.0)]


def test_what_came_in_two_hours_is_given_once() -> None:
    rows = [
        row("20261126T00", (BEGIN_MS, 70.0), (BEGIN_MS + 500, 71.0)),
        row("20261126T01", (BEGIN_MS + 500, 71.0), (BEGIN_MS + 1_000, 72.0)),
        row("20261126T01", (BEGIN_MS + 500, 71.0), boot="b2"),
    ]
    assert pairs(points_of(rows, LATER)) == [
        (BEGIN_MS, 70.0),
        (BEGIN_MS + 500, 71.0),
        (BEGIN_MS + 500, 71.0),
        (BEGIN_MS + 1_000, 72.0),
    ]


def test_a_point_that_is_not_whole_yet_is_passed_over() -> None:
    half = row("20261126T00", (BEGIN_MS, 70.0))
    del half["hour"]
    assert pairs(points_of([half], LATER)) == []


def rows_of(numbers: list[tuple[int, float]], stream: int = 1) -> list[CurveRow]:
    return [CurveRow(stream, one.part, one.data, STREAM) for one in curve_of(numbers)]


def test_an_hour_of_a_vital_is_one_point() -> None:
    hour = [(BEGIN_MS + n * 500, 72.0 + n % 40 / 10) for n in range(7_200)]
    rows = rows_of(hour)
    assert len(rows) == 12
    assert len({one.point for one in rows}) == 1
    (line,) = lines_of("20261126T00", rows)
    assert len(line) < 10_000


def test_rows_give_the_same_points_again_and_none_that_is_too_long() -> None:
    many = [(BEGIN_MS + n * n % CURVE_MS, 1e9 / (n + 1)) for n in range(7_200)]
    rows = rows_of(sorted(many))
    lines = lines_of("20261126T00", rows)
    assert lines == lines_of("20261126T00", rows)
    assert len(lines) == 2
    assert all(len(line) < 64 * 1024 for line in lines)
    assert LONGEST_TEXT < 64 * 1024
    assert len({_time_of(line) for line in lines}) == 2
    others = lines_of("20261126T01", rows)
    assert not {_time_of(line) for line in lines} & {_time_of(line) for line in others}
    read = [_row_of(line) for line in lines]
    assert pairs(points_of(read, LATER)) == sorted(many)


def test_points_of_five_minutes_are_read_beside_those_of_an_hour() -> None:
    parts = [row("20261126T00", (BEGIN_MS + n * PART_MS, 70.0 + n)) for n in range(5)]
    (line,) = lines_of("20261126T00", rows_of([(BEGIN_MS + 5 * PART_MS, 75.0)]))
    found = points_of([*parts, _row_of(line)], LATER)
    assert found[1].tolist() == [70.0, 71.0, 72.0, 73.0, 74.0, 75.0]


def _row_of(line: str) -> dict[str, Any]:
    _, fields, time = line.split(" ")
    named = dict(one.split("=", 1) for one in fields.split(","))
    texts = {name: text.strip('"') for name, text in named.items()}
    return {**texts, "device": "d-17", "time": int(time)}


def _time_of(line: str) -> str:
    return line.rsplit(" ", 1)[1]


# What the backlog makes of hours that come and go.


def fill(folder: Path, hours: int) -> Store:
    store = Store(folder, CATALOGUE, BEGIN_MS)
    for seq in range(1, hours + 1):
        at_ms = BEGIN_MS + (seq - 1) * HOUR_MS
        one = Reading("d-17", "b1", seq, at_ms, 70.0 + seq, "good")
        judged = judge(one, CATALOGUE["heart_rate"], at_ms)
        store.store([Arrival(STREAM, one, judged, at_ms, one.to_json())], [])
    return store


def backlog(folder: Path) -> Backlog:
    cursor = Cursor(folder / "influx" / "cursor.db")
    made = Backlog(folder, cursor, LineWriters(CATALOGUE))
    made.look()
    return made


def ship(made: Backlog) -> tuple[int, int]:
    """Take everything as delivered; returns how many readings and curves there were."""
    readings = curves = 0
    while (parcel := made.next_parcel(100)) is not None:
        readings += len(parcel.readings)
        made._cursor.advance(parcel.hour, parcel.last_row)
    while (some := made.next_curves(100)) is not None:
        curves += len(some.lines)
        made._cursor.advance_curve(some.hour, some.last)
    made.look()
    return readings, curves


def test_an_hour_may_go_when_its_curves_are_shipped_too(tmp_path: Path) -> None:
    store = fill(tmp_path, hours=3)
    made = backlog(tmp_path)
    assert made.unshipped_from_ms == BEGIN_MS
    assert made.next_parcel(100) is not None
    assert ship(made) == (3, 2)
    assert made.unshipped_from_ms == hour_of(store.path)
    assert made.curves_from_ms == BEGIN_MS
    assert ship(backlog(tmp_path)) == (0, 0)


def test_hours_that_went_while_nobody_looked_are_named(tmp_path: Path) -> None:
    store = fill(tmp_path, hours=3)
    backlog(tmp_path).close()
    store.drop_older_than(BEGIN_MS + 2 * HOUR_MS)
    made = backlog(tmp_path)
    assert made.lost_hours == [path.stem for path in _hours(tmp_path, 2)]
    assert made.curves_from_ms == BEGIN_MS + 2 * HOUR_MS


def test_an_hour_that_went_without_its_curves_has_lost_no_reading(
    tmp_path: Path,
) -> None:
    store = fill(tmp_path, hours=2)
    made = backlog(tmp_path)
    while (parcel := made.next_parcel(100)) is not None:
        made._cursor.advance(parcel.hour, parcel.last_row)
    store.drop_older_than(BEGIN_MS + HOUR_MS)
    made.look()
    assert made.lost_hours == []
    assert made.curves_from_ms == BEGIN_MS + HOUR_MS


def test_curves_that_cannot_be_read_are_not_trusted(tmp_path: Path) -> None:
    fill(tmp_path, hours=2).close()
    made = backlog(tmp_path)
    while (parcel := made.next_parcel(100)) is not None:
        made._cursor.advance(parcel.hour, parcel.last_row)
    path = journal_files(tmp_path)[0]
    path.write_bytes(b"not a database" * 400)
    for beside in path.parent.glob(f"{path.name}-*"):
        beside.unlink()
    assert made.next_curves(100) is None
    made.look()
    assert made.curves_from_ms == BEGIN_MS + HOUR_MS
    assert made.lost_hours == []


def test_an_hour_that_was_damaged_is_shipped_once_it_is_written_anew(
    tmp_path: Path,
) -> None:
    fill(tmp_path, hours=2).close()
    path = journal_files(tmp_path)[0]
    whole = path.read_bytes()
    damaged = bytearray(whole)
    for start in range(4_096, len(whole), 4_096):
        damaged[start : start + 64] = b"\xa5" * 64
    path.write_bytes(damaged)
    made = backlog(tmp_path)
    assert ship(made) == (1, 0)
    assert made.lost_hours == [path.stem]
    new = tmp_path / "new"
    new.write_bytes(whole)
    new.replace(path)
    made.look()
    assert ship(made) == (1, 1)
    assert made.lost_hours == []
    assert made.curves_from_ms == BEGIN_MS + HOUR_MS


def test_a_salvaged_hour_is_asked_as_readings(tmp_path: Path) -> None:
    fill(tmp_path, hours=2)
    (tmp_path / f"{_hours(tmp_path, 1)[0].stem}.damaged").touch()
    made = backlog(tmp_path)
    assert ship(made) == (2, 1)
    assert made.curves_from_ms == BEGIN_MS + HOUR_MS


def _hours(folder: Path, count: int) -> list[Path]:
    """Return the first hours' files, whether they are there or not."""
    return [path_of(folder, BEGIN_MS + n * HOUR_MS) for n in range(count)]


def test_a_point_is_whole_wherever_a_parcel_of_curves_ends(tmp_path: Path) -> None:
    store = Store(tmp_path, CATALOGUE, BEGIN_MS)
    for seq in range(1, 26):
        at_ms = BEGIN_MS + (seq - 1) * PART_MS // 2
        one = Reading("d-17", "b1", seq, at_ms, 70.0 + seq, "good")
        judged = judge(one, CATALOGUE["heart_rate"], at_ms)
        store.store([Arrival(STREAM, one, judged, at_ms, one.to_json())], [])
    (path, _) = journal_files(tmp_path)
    one_by_one, place = [], (0, 0)
    while (parcel := curves_behind(path, place, rows=1)) is not None:
        one_by_one += parcel.lines
        place = parcel.last
    at_once = curves_behind(path, (0, 0), rows=1_000)
    assert at_once is not None
    assert one_by_one == at_once.lines
    assert len(at_once.lines) == 1
