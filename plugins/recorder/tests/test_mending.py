"""A closed hour is written anew: stopped, failing, fed with noise, and its neighbours."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme.errors import StorageError
from monitorme.testing.torn_pages import PAGE, overwrite, pages_of
from monitorme_recorder import in_place, mending
from monitorme_recorder.history.arrivals import Arrivals
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.inventory import Inventory
from monitorme_recorder.hours import HOUR_MS, journal_files
from monitorme_recorder.mending import mend
from monitorme_recorder.records import Stream
from monitorme_recorder.salvage import Mended
from monitorme_recorder.store import Arrival, Store

BEGIN_MS = 1_795_651_200_000
CATALOGUE = Catalogue.load(None)
STREAM = Stream("ward-a", "bed-01", "heart_rate", "d-17", "b1")
PER_HOUR = 3_000


def hours(folder: Path, count: int) -> list[Path]:
    """Write some hours, each of them closed but for the last, and return their files."""
    store = Store(folder, CATALOGUE, BEGIN_MS)
    for hour in range(count):
        for start in range(1, PER_HOUR + 1, 50):
            arrivals = []
            for n in range(start, start + 50):
                at_ms = BEGIN_MS + hour * HOUR_MS + n * 1_000
                seq = hour * PER_HOUR + n
                one = Reading("d-17", "b1", seq, at_ms, 60.0 + n % 40, "good")
                judged = judge(one, CATALOGUE["heart_rate"], at_ms)
                arrivals.append(Arrival(STREAM, one, judged, at_ms, one.to_json()))
            store.store(arrivals, [])
    store.close()
    return journal_files(folder)


def tear(path: Path, seed: int) -> None:
    """Overwrite pages, but none of those that say where what is."""
    dice = Random(seed)
    with path.open("r+b") as file:
        for page in range(14, path.stat().st_size // PAGE):
            if dice.random() < 0.7:
                file.seek(page * PAGE)
                file.write(dice.randbytes(PAGE))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("command", [("false",), ("sh", "-c", "echo nonsense")])
def test_what_fails_leaves_the_hour_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    path, _ = hours(tmp_path, 2)
    before, known = path.read_bytes(), names(tmp_path)
    monkeypatch.setattr(mending, "COMMAND", command)
    with pytest.raises(StorageError, match="cannot be written anew"):
        mend(path, CATALOGUE, HourReaders(tmp_path), threading.Event())
    assert path.read_bytes() == before
    assert names(tmp_path) == known


def test_a_recorder_that_ends_waits_for_no_mending_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = hours(tmp_path, 2)
    known = names(tmp_path)
    half = path.with_suffix(in_place.WRITING)
    script = f"echo half > {half}; exec sleep 60"
    monkeypatch.setattr(mending, "COMMAND", ("sh", "-c", script))
    stopping = threading.Event()
    threading.Timer(0.5, stopping.set).start()
    began_s = time.monotonic()
    assert mend(path, CATALOGUE, HourReaders(tmp_path), stopping) is None
    assert time.monotonic() - began_s < 10
    assert names(tmp_path) == known


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a child of its parent")
def test_the_process_ends_with_a_recorder_that_is_killed(tmp_path: Path) -> None:
    path, _ = hours(tmp_path, 2)
    pid_file = tmp_path / "pid"
    script = (
        "import pathlib, sys, threading\n"
        "from monitorme_recorder import mending\n"
        "from monitorme_recorder.history.hour_readers import HourReaders\n"
        "path, pid = map(pathlib.Path, sys.argv[1:])\n"
        "mending.COMMAND = ('sh', '-c', f'echo $$ > {pid}; exec sleep 60')\n"
        "mending.mend(path, {}, HourReaders(path.parent), threading.Event())\n"
    )
    recorder = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(pid_file)]
    )
    deadline_s = time.monotonic() + 30
    while not pid_file.exists() or not pid_file.read_text().strip():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    mender = int(pid_file.read_text())
    recorder.kill()
    recorder.wait()
    while _is_alive(mender):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_noise_becomes_an_hour_with_nothing_in_it(tmp_path: Path) -> None:
    path, _ = hours(tmp_path, 2)
    noise = Random(1).randbytes(path.stat().st_size)
    path.write_bytes(noise)
    done = mend(path, CATALOGUE, HourReaders(tmp_path), threading.Event())
    assert done == (0, [])
    assert path.with_suffix(".damaged").read_bytes() == noise
    with HourReaders(tmp_path).borrow(path) as db:
        assert db.execute("select count(*) from chunk").fetchone() == (0,)


def test_neighbours_that_are_damaged_name_what_each_of_them_lost(
    tmp_path: Path,
) -> None:
    _, second, third, _ = hours(tmp_path, 4)
    readers = HourReaders(tmp_path)
    for path, seed, first in ((second, 1, PER_HOUR), (third, 2, 2 * PER_HOUR)):
        tear(path, seed)
        done = mend(path, CATALOGUE, readers, threading.Event())
        lost = lost_in(done)
        assert done is not None
        assert len(lost) > 0, "so many pages are not in two places"
        assert done.readings + len(lost) == PER_HOUR
        assert set(lost) <= set(range(first + 1, first + PER_HOUR + 1))


def everything_in(folder: Path) -> list[int]:
    """Return the seqs that a recorder has after it was started anew."""
    store, readers = (
        Store(folder, CATALOGUE, BEGIN_MS + 9 * HOUR_MS),
        HourReaders(folder),
    )
    store.rescue(lambda path: mend(path, CATALOGUE, readers, threading.Event()))
    found = [one.kept.seq for one in Inventory(store, readers).everything()]
    readers.close()
    store.close()
    return sorted(found)


def test_what_only_the_log_has_left_is_seen_again(tmp_path: Path) -> None:
    _, second, _ = hours(tmp_path, 3)
    torn = pages_of(second, "chunk")[2:5]
    overwrite(second, torn, Random(3).randbytes)
    readers = HourReaders(tmp_path)
    done = mend(second, CATALOGUE, readers, threading.Event())
    assert done == (PER_HOUR, [])
    store = Store(tmp_path, CATALOGUE, BEGIN_MS + 3 * HOUR_MS)
    arrivals = Arrivals(store, readers)
    for seq in (1, PER_HOUR + 1, PER_HOUR + 700, 2 * PER_HOUR - 90, 3 * PER_HOUR):
        hour, n = divmod(seq - 1, PER_HOUR)
        since_ms = BEGIN_MS + hour * HOUR_MS + (n + 1) * 1_000
        found = [one.kept.seq for one in arrivals.since("ward-a", "bed-01", since_ms)]
        assert found == list(range(seq, 3 * PER_HOUR + 1))
    readers.close()
    store.close()
    assert everything_in(tmp_path) == list(range(1, 3 * PER_HOUR + 1))


def test_noise_for_watermarks_next_door_holds_nothing_up(tmp_path: Path) -> None:
    first, second = hours(tmp_path, 2)
    with closing(sqlite3.connect(first)) as db:
        db.execute("update watermark set data=x'c100ff'")
        db.commit()
    overwrite(second, pages_of(second, "chunk")[2:4], Random(3).randbytes)
    assert everything_in(tmp_path) == list(range(1, 2 * PER_HOUR + 1))


def lost_in(done: Mended | None) -> list[int]:
    assert done is not None
    return [seq for one in done.lost for seq in range(one.first, one.last + 1)]


@pytest.mark.parametrize("is_told", [True, False])
def test_of_the_first_hour_is_named_what_came_first_too(
    tmp_path: Path, is_told: bool
) -> None:
    first, _ = hours(tmp_path, 2)
    if not is_told:
        # As a file of an earlier version: nobody knows with what it began.
        with closing(sqlite3.connect(first)) as db:
            db.execute("delete from meta where name='has_opening'")
            db.commit()
    for table in ("log", "chunk"):
        overwrite(first, pages_of(first, table)[1:4], Random(3).randbytes)
    done = mend(first, CATALOGUE, HourReaders(tmp_path), threading.Event())
    lost = lost_in(done)
    assert done is not None
    if is_told:
        assert lost[0] == 1
        assert done.readings + len(lost) == PER_HOUR
    else:
        assert 1 not in lost
        assert done.readings + len(lost) < PER_HOUR


def test_a_file_system_without_links_keeps_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    first, _ = hours(tmp_path, 2)
    overwrite(first, pages_of(first, "chunk")[2:4], Random(3).randbytes)
    torn = first.read_bytes()
    done = mend(first, CATALOGUE, HourReaders(tmp_path), threading.Event())
    assert done == (PER_HOUR, [])
    assert first.with_suffix(".damaged").read_bytes() == torn
    assert everything_in(tmp_path) == list(range(1, 2 * PER_HOUR + 1))
