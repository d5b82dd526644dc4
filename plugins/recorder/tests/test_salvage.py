"""What a broken disk left of an hour is found again, and nothing that was not there."""

import json
import sqlite3
import threading
from pathlib import Path
from random import Random

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.testing.torn_pages import PAGE, overwrite, pages_of
from monitorme_recorder import in_place
from monitorme_recorder.damaged_file import LogRow
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.inventory import Inventory
from monitorme_recorder.history.newest import Newest
from monitorme_recorder.history.parts import Listing
from monitorme_recorder.hour_file import HourFile
from monitorme_recorder.hours import journal_files
from monitorme_recorder.mending import mend
from monitorme_recorder.records import LogRecord, Stream, unpack_log
from monitorme_recorder.salvage import salvage
from monitorme_recorder.store import Arrival, Store
from monitorme_recorder.torn_log import Torn, save_from

NOW_MS = 1_796_000_000_000
CATALOGUE = Catalogue.load(None)
STREAMS = [
    Stream("ward-a", f"bed-{n:02}", "heart_rate", f"d-{n}", "b1") for n in range(1, 21)
]


def arrival(stream: Stream, seq: int) -> Arrival:
    reading = Reading(
        stream.device, stream.boot, seq, NOW_MS + seq * 500, 60.0 + seq % 40, "good"
    )
    received_ms = NOW_MS + seq * 500 + 20
    judged = judge(reading, CATALOGUE["heart_rate"], received_ms)
    return Arrival(stream, reading, judged, received_ms, reading.to_json())


def filled(folder: Path) -> Path:
    """Write an hour of which most is in chunks and in the log, some in the log alone."""
    store = Store(folder, CATALOGUE, NOW_MS)
    for seq in range(1, 121):
        store.store([arrival(stream, seq) for stream in STREAMS], [])
        if seq == 100:
            store.fold()
    # As a crash leaves it: what is in memory is not folded.
    store._file._db.execute("pragma wal_checkpoint(truncate)")
    store._file.close()
    (path,) = journal_files(folder)
    return path


def opened(folder: Path) -> tuple[Store, str]:
    """Open a journal, and say what came of its newest hour if that is damaged."""
    store = Store(folder, CATALOGUE, NOW_MS + 400_000)
    damaged, readers = store.damaged, HourReaders(folder)
    store.rescue(
        lambda path: mend(path, CATALOGUE, readers, threading.Event(), is_newest=True)
    )
    return store, readers.mended[damaged.name] if damaged else ""


def names_in(store: Store) -> list[tuple[str, int]]:
    """Return device and seq of all readings that the store would serve."""
    db = sqlite3.connect(store._file.path)
    streams = dict(store._file.streams())
    from monitorme_recorder.records import unpack_chunk

    found = [
        (streams[number].device, one.seq)
        for number, data in db.execute("select stream, data from chunk")
        for one in unpack_chunk(data)
    ]
    db.close()
    for tail in store.tails(lambda stream: True).tails:
        found += [(tail.stream.device, one.seq) for one in tail.kept]
    return found


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("table", ["log", "chunk"])
def test_what_one_of_both_places_still_has_is_saved(
    tmp_path: Path, table: str, seed: int
) -> None:
    path = filled(tmp_path)
    chance = Random(seed)
    leaves = pages_of(path, table)[1:]
    overwrite(path, chance.sample(leaves, min(3, len(leaves))), chance.randbytes)
    store, said = opened(tmp_path)
    found = names_in(store)
    assert len(found) == len(set(found)), "nothing is doubled"
    everything = {(stream.device, seq) for stream in STREAMS for seq in range(1, 121)}
    assert set(found) <= everything
    # Folded readings are in both places; of the others, rows of the log are gone.
    assert len(found) > 0.8 * len(everything)
    for device, seq in everything - set(found):
        assert not store.marks()[device, "b1"].has(seq), "it is asked for again"
    assert f"{len(found)} readings were saved" in said
    assert path.with_suffix(".damaged").exists()
    store.close()


def test_rows_after_a_salvage_are_new_to_who_ships_the_log(tmp_path: Path) -> None:
    path = filled(tmp_path)
    shipped = 120
    overwrite(path, list(range(2, path.stat().st_size // PAGE, 5)), Random(1).randbytes)
    store, _ = opened(tmp_path)
    store.store([arrival(STREAMS[0], 130)], [])
    rows = sqlite3.connect(path).execute(
        "select records from log where id > ?", (shipped,)
    )
    seqs = [
        json.loads(one.payload)["seq"] for (row,) in rows for one in unpack_log(row)
    ]
    assert 130 in seqs
    store.close()


def test_a_file_of_which_nothing_is_left_begins_anew(tmp_path: Path) -> None:
    path = filled(tmp_path)
    path.write_bytes(b"not a database" * 1000)
    store, said = opened(tmp_path)
    assert ": 0 readings were saved" in said
    assert store.store([arrival(STREAMS[0], 7)], []) == 1
    store.close()


def test_damage_twice_in_an_hour_keeps_both_files(tmp_path: Path) -> None:
    for _ in range(2):
        filled(tmp_path).write_bytes(b"not a database" * 1000)
        opened(tmp_path)[0].close()
    assert len(list(tmp_path.glob("*.damaged*"))) == 2


def test_a_chunk_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    path = filled(tmp_path)
    db = sqlite3.connect(path)
    db.execute("update chunk set data=x'00ff00' where stream=1")
    db.commit()
    db.close()
    store, readers = opened(tmp_path)[0], HourReaders(tmp_path)
    found = list(Inventory(store, readers).everything())
    readings = len(STREAMS) * 120
    assert readings - 120 <= len(found) < readings
    assert "cannot be read" in readers.torn[path.name]
    newest = Newest(store, Listing(store, readers), readers)
    assert "heart_rate" in newest.of_beds("ward-a", ("bed-02",), 0)["bed-02"]
    for stream in STREAMS:
        newest.of_beds(stream.ward, (stream.bed,), 0)
    assert readers.paths() == [path], "the rest of it serves"
    readers.close()
    store.close()


@pytest.mark.parametrize("table", ["log", "chunk"])
def test_a_torn_tree_costs_nothing_of_its_leaves(tmp_path: Path, table: str) -> None:
    path = filled(tmp_path)
    inner = pages_of(path, table)[:1]
    overwrite(path, inner, Random(7).randbytes)
    store, said = opened(tmp_path)
    assert said, "the damage is seen"
    assert len(names_in(store)) == len(STREAMS) * 120
    store.close()


BATCHES = 300


def crashed(folder: Path, *, copied_after: int = 0) -> Path:
    """Leave an hour as a crash does: much of it in the write-ahead log alone.

    Where `copied_after` batches the log was copied into the file, a reader has kept it
    from beginning anew.
    """
    live = folder / "live"
    store = Store(live, CATALOGUE, NOW_MS)
    db = store._file._db
    db.execute("pragma wal_autocheckpoint=0")
    reader = sqlite3.connect(store._file.path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from log").fetchall()
    for seq in range(1, BATCHES + 1):
        store.store([arrival(stream, seq) for stream in STREAMS], [])
        if seq == BATCHES // 2:
            store.fold()
        if seq == copied_after:
            reader.execute("rollback")
            reader.execute("begin")
            reader.execute("select * from log").fetchall()
            db.execute("pragma wal_checkpoint(passive)")
    torn = folder / "torn"
    torn.mkdir()
    for path in live.iterdir():
        if path.suffix == ".journal" or path.name.endswith("-wal"):
            (torn / path.name).write_bytes(path.read_bytes())
    reader.close()
    store.close()
    return torn


def everything() -> set[tuple[str, int]]:
    return {(one.device, seq) for one in STREAMS for seq in range(1, BATCHES + 1)}


def test_a_crash_alone_is_no_damage(tmp_path: Path) -> None:
    torn = crashed(tmp_path)
    (ahead,) = torn.glob("*-wal")
    # The last transaction was cut off.
    with ahead.open("r+b") as file:
        file.truncate(ahead.stat().st_size - 100)
    store, said = opened(torn)
    assert (said, store.told) == ("", [])
    assert len(names_in(store)) >= len(everything()) - len(STREAMS)
    store.close()


@pytest.mark.parametrize("copied_after", [0, 200])
@pytest.mark.parametrize("seed", range(3))
def test_what_lies_behind_a_torn_frame_is_saved(
    tmp_path: Path, seed: int, copied_after: int
) -> None:
    torn = crashed(tmp_path, copied_after=copied_after)
    (ahead,) = torn.glob("*-wal")
    chance = Random(seed)
    pages = ahead.stat().st_size // PAGE
    # Two early ones, which SQLite takes for the end, and one at the log's own head.
    wanted = [chance.randrange(2, pages // 4), chance.randrange(2, pages // 2)]
    overwrite(ahead, wanted if seed else [1, *wanted], chance.randbytes)
    store, said = opened(torn)
    found = names_in(store)
    assert len(found) == len(set(found)), "nothing is doubled"
    assert set(found) <= everything()
    lost = everything() - set(found)
    # A frame has one batch at most, and a page on the disk two frames.
    assert len(lost) <= 2 * len(wanted) * len(STREAMS) + len(STREAMS)
    for device, seq in lost:
        assert not store.marks()[device, "b1"].has(seq), "it is asked for again"
    assert said or store.told
    assert list(torn.glob("*.damaged*")), "it is kept to be looked at"
    assert store.store([arrival(STREAMS[0], BATCHES + 1)], []) == 1
    store.close()


@pytest.mark.parametrize("step", ["half", "whole", "kept", "without its log", "there"])
def test_a_crash_at_any_step_leaves_one_of_both_files_whole(
    tmp_path: Path, step: str
) -> None:
    torn = crashed(tmp_path)
    (path,) = torn.glob("*.journal")
    (ahead,) = torn.glob("*-wal")
    new = in_place.begun(path)
    if step == "half":
        new.write_bytes(b"half")
    else:
        salvage(path, new, CATALOGUE, 0, is_newest=True)
        in_place.ready(path)
    if step not in ("half", "whole"):
        in_place.keep_aside(path)
    if step == "without its log":
        ahead.unlink()
    if step == "there":
        in_place.take_place(path.with_suffix(in_place.READY), path)
    store, said = opened(torn)
    assert not said, "what is whole is not made again"
    assert sorted(names_in(store)) == sorted(everything())
    store.close()
    left = {one.name for one in torn.iterdir()}
    assert not any(in_place.WRITING in one or in_place.READY in one for one in left)
    aside = path.with_suffix(".damaged")
    kept = {aside.name, aside.name + "-wal"}
    assert left & kept == (set() if step == "half" else kept)


def test_rows_behind_a_torn_frame_keep_their_numbers(tmp_path: Path) -> None:
    torn = crashed(tmp_path)
    (path,) = torn.glob("*.journal")
    (ahead,) = torn.glob("*-wal")
    overwrite(ahead, [ahead.stat().st_size // PAGE // 2], Random(3).randbytes)
    opened(torn)[0].close()
    db = sqlite3.connect(path)
    for number, row in db.execute("select id, records from log where length(records)"):
        assert {one.seq for one in unpack_log(row)} == {number}, "shipped once"
    db.close()


def test_what_a_salvaged_hour_logged_twice_is_saved_once_from_a_torn_log(
    tmp_path: Path,
) -> None:
    stream = Stream("ward-a", "bed-01", "heart_rate", "d-1", "b1")
    records = [LogRecord(1, seq, 1_000 + seq, b"{}") for seq in (1, 2, 3)]
    rows = [LogRow(5, records[:2], None), LogRow(1_000_006, records, None)]
    file = HourFile(tmp_path / "20261126T17.journal")
    assert save_from(Torn({1: stream}, rows, [], False), file) == 3
    logged = [(row, one.seq) for row, one, _ in file.since_checkpoint()]
    file.close()
    assert logged == [(5, 1), (5, 2), (1_000_006, 3)]
