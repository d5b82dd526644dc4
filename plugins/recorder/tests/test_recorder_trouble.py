"""What is in the way: a disk that stalls or is full, devices that flood or share an id."""

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from monitorme.contract.payloads import DeviceStatus, Event
from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId, DeviceTopic, EventTopic, VitalTopic
from monitorme.errors import StorageError
from monitorme.messaging import Message
from monitorme.testing import START_MS, PluginRun
from monitorme.testing.torn_pages import noise, overwrite, pages_of
from monitorme_recorder import mending, room
from monitorme_recorder.checking import Checking
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.history.past import Past
from monitorme_recorder.history_store import Period, Series
from monitorme_recorder.hour_file import HourFile
from monitorme_recorder.hours import HOUR_MS, journal_files, path_of
from monitorme_recorder.plugin import Recorder
from monitorme_recorder.store import Store
from monitorme_recorder.writer import Stalled, Writer

BED = BedId("ward-a", "bed-01")
OTHER = BedId("ward-a", "bed-02")


def started(folder: Path, **config: float) -> PluginRun:
    settings = RecorderConfig.model_validate({"port": 0, "reserve_mb": 0, **config})
    return PluginRun(Recorder, folder, config=settings, now_ms=START_MS)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[PluginRun]:
    running = started(tmp_path / "recorder", stall_after_s=30, flood_per_s=1.0)
    yield running
    running.stop()


def store_of(run: PluginRun) -> Store:
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    assert plugin._store is not None
    return plugin._store


def past_of(run: PluginRun) -> Past:
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    assert plugin._past is not None
    return plugin._past


def message(
    run: PluginRun,
    seq: int,
    *,
    device: str = "d-1",
    boot: str = "b1",
    bed: BedId = BED,
    time_ms: int | None = None,
) -> Message:
    at_ms = run.now_ms if time_ms is None else time_ms
    reading = Reading(device, boot, seq, at_ms, 72.0, "good")
    return Message(str(VitalTopic(bed, "heart_rate")), reading.to_json(), run.now_ms)


def through(run: PluginRun, device: str = "d-1", boot: str = "b1") -> int:
    return store_of(run).marks()[device, boot].through


def test_a_disk_that_stalls_holds_the_batch_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(tmp_path / "recorder", stall_after_s=0.05)
    store, may_write = store_of(run), threading.Event()
    write = store._write

    def stalled(*args: object) -> int:
        assert may_write.wait(10)
        return write(*args)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(store, "_write", stalled)
    batch = [message(run, 1), message(run, 2)]
    for _ in range(3):
        with pytest.raises(Stalled):
            run.plugin.handle(batch)
    assert run.context.counts["recorded"] == 0
    may_write.set()
    while not run.context.counts["recorded"]:
        with contextlib.suppress(Stalled):
            run.plugin.handle(batch)
    assert run.context.counts["recorded"] == 2, "once, however often it was tried"
    assert through(run) == 2
    run.stop()


def test_a_transaction_that_fails_leaves_nothing_behind(
    run: PluginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.plugin.handle([message(run, 1)])
    batch = [message(run, 3), message(run, 2), message(run, 1, boot="b2")]
    store = store_of(run)
    with monkeypatch.context() as patch:
        patch.setattr(HourFile, "append", _full)
        with pytest.raises(StorageError):
            run.plugin.handle(batch)
    assert through(run) == 1
    run.plugin.handle(batch)
    assert through(run) == 3
    assert through(run, boot="b2") == 1
    assert store.tally.stored == 4


def _full(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_a_device_that_floods_is_throttled_by_itself(run: PluginRun) -> None:
    flood = [message(run, seq) for seq in range(1, 101)]
    calm = message(run, 1, device="d-2", bed=OTHER)
    run.plugin.handle([*flood, calm])
    assert run.context.counts["throttled"] == 40, "60 s of its rate may be saved up"
    assert through(run) == 60, "what was not taken is not confirmed"
    assert through(run, "d-2") == 1
    run.tick(after_ms=6_000)
    assert any("d-1 sends more" in text for text in run.context.trouble.values())
    run.now_ms += 120_000
    run.plugin.handle([message(run, seq) for seq in range(61, 101)])
    assert through(run) == 100
    run.tick(after_ms=6_000)
    assert not run.context.trouble


def test_a_backlog_is_no_flood(run: PluginRun) -> None:
    late_ms = run.now_ms - 3_600_000
    backlog = [message(run, seq, time_ms=late_ms + seq) for seq in range(1, 501)]
    run.plugin.handle(backlog)
    assert through(run) == 500


def test_two_devices_that_claim_one_id_are_named(run: PluginRun) -> None:
    for seq in range(1, 8):
        run.now_ms += 3_000
        run.plugin.handle([message(run, seq, boot="b1", bed=BED)])
        run.plugin.handle([message(run, seq, boot="b2", bed=OTHER)])
    run.tick(after_ms=6_000)
    assert run.context.counts["ids_claimed_twice"] == 1
    (said,) = [text for text in run.context.trouble.values() if "claim" in text]
    assert "boot b1 at ward-a/bed-01" in said
    assert "boot b2 at ward-a/bed-02" in said
    event = run.last(EventTopic(BED), Event) or run.last(EventTopic(OTHER), Event)
    assert event is not None
    assert event.kind == "device_id_claimed_twice"


def test_a_restart_whose_backlog_comes_after_is_no_second_device(
    run: PluginRun,
) -> None:
    for seq in range(1, 5):
        run.now_ms += 1_000
        run.plugin.handle([message(run, seq)])
    held_from_ms = run.now_ms
    run.now_ms += 30_000
    for seq in range(1, 20):
        run.now_ms += 1_000
        run.plugin.handle([message(run, seq, boot="b2")])
        old = message(run, 4 + seq, time_ms=held_from_ms + seq * 1_000)
        run.plugin.handle([old])
    assert run.context.counts["ids_claimed_twice"] == 0


def test_a_gap_of_a_boot_left_behind_is_given_up_in_the_end(tmp_path: Path) -> None:
    run = started(tmp_path / "recorder", give_up_after_s=60)
    run.plugin.handle([message(run, 1), message(run, 5)])
    status = DeviceStatus(device="d-1", boot="b1", state="online", time_ms=1)
    run.send(DeviceTopic(BED, "d-1", "status"), status)
    run.tick(after_ms=90_000)
    assert through(run) == 1, "it may come yet"
    run.send(
        DeviceTopic(BED, "d-1", "status"), status.model_copy(update={"boot": "b2"})
    )
    run.tick(after_ms=90_000)
    assert through(run) == 5
    assert run.context.counts["lost_never_came"] == 3
    run.plugin.handle([message(run, 3)])
    assert run.context.counts["recorded"] == 3, "what comes after all is stored"
    run.stop()


def test_the_oldest_goes_for_want_of_room_but_never_the_last_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recorder"
    folder.mkdir()
    for hours in (30, 26, 20):
        HourFile(path_of(folder, START_MS - hours * HOUR_MS)).close()
    monkeypatch.setattr(room, "free_mb", lambda folder: 10)
    run = started(folder, reserve_mb=100)
    run.plugin.handle([message(run, 1)])
    run.tick(after_ms=5_000)
    left = [path.name for path in journal_files(folder)]
    assert path_of(folder, START_MS - 30 * HOUR_MS).name not in left
    assert path_of(folder, START_MS - 26 * HOUR_MS).name not in left
    assert path_of(folder, START_MS - 20 * HOUR_MS).name in left
    assert run.context.counts["hours_dropped_early"] == 2
    assert "10 MB left" in run.context.alarms["disk_nearly_full"].text
    monkeypatch.setattr(room, "free_mb", lambda folder: 1_000)
    run.tick()
    assert not run.context.alarms
    run.stop()


def test_damaged_files_give_their_room_before_any_hour_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "recorder"
    folder.mkdir()
    whole = path_of(folder, START_MS - 30 * HOUR_MS)
    HourFile(whole).close()
    aside = path_of(folder, START_MS - 40 * HOUR_MS).with_suffix(".damaged")
    again = aside.with_suffix(".damaged-2")
    young = path_of(folder, START_MS - 20 * HOUR_MS).with_suffix(".damaged")
    for path in (aside, again, young):
        path.write_bytes(b"torn")
    monkeypatch.setattr(room, "free_mb", lambda folder: 10)
    run = started(folder, reserve_mb=100)
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    run.tick()
    assert run.context.counts["damaged_files_emptied"] == 2
    assert [path.stat().st_size for path in (aside, again)] == [0, 0], "still named"
    assert young.read_bytes() == b"torn", "of the last day nothing is given up"
    assert "2 damaged files were emptied" in run.context.alarms["disk_nearly_full"].text
    run.tick()
    assert not whole.exists(), "then the oldest hour goes"
    assert run.context.counts["damaged_files_emptied"] == 2
    run.stop()


def test_what_cannot_be_emptied_holds_no_hour_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture
) -> None:
    folder = tmp_path / "recorder"
    folder.mkdir()
    whole = path_of(folder, START_MS - 30 * HOUR_MS)
    HourFile(whole).close()
    path_of(folder, START_MS - 41 * HOUR_MS).with_suffix(".damaged").mkdir()
    aside = path_of(folder, START_MS - 29 * HOUR_MS).with_suffix(".damaged")
    aside.write_bytes(b"torn")
    monkeypatch.setattr(room, "free_mb", lambda folder: 10)
    # As root every file can be emptied, so that no real one refuses.
    mocker.patch("os.truncate", side_effect=PermissionError("not yours"))
    run = started(folder, reserve_mb=100)
    run.tick()
    assert not whole.exists()
    assert aside.read_bytes() == b"torn"
    assert run.context.counts["damaged_files_emptied"] == 0
    assert "10 MB left" in run.context.trouble["disk_nearly_full"]
    run.stop()


def test_damaged_files_go_with_their_hour(tmp_path: Path) -> None:
    folder = tmp_path / "recorder"
    folder.mkdir()
    old = path_of(folder, START_MS - 30 * HOUR_MS).with_suffix(".damaged-2")
    log_file = old.with_name(old.name + "-wal")
    young = path_of(folder, START_MS - 2 * HOUR_MS).with_suffix(".damaged")
    for path in (old, log_file, young):
        path.write_bytes(b"torn")
    run = started(folder, retention_hours=24)
    run.tick()
    assert [path.exists() for path in (old, log_file, young)] == [False, False, True]
    run.stop()


def test_an_hour_that_was_only_created_is_not_taken_for_the_journal(
    tmp_path: Path,
) -> None:
    run = started(tmp_path / "recorder")
    run.plugin.handle([message(run, 1)])
    run.stop()
    HourFile(path_of(tmp_path / "recorder", START_MS + HOUR_MS)).close()
    run.start()
    run.plugin.handle([message(run, 1)])
    assert run.context.counts["duplicates"] == 1
    run.stop()


def test_a_torn_page_costs_its_file_and_no_other(tmp_path: Path) -> None:
    run = started(tmp_path / "recorder", stall_after_s=30)
    run.plugin.handle([message(run, seq) for seq in range(1, 300)])
    run.stop()
    (path,) = journal_files(tmp_path / "recorder")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2_048] = b"\xa5" * 2_048
    data[4_096:6_144] = b"\xa5" * 2_048
    path.write_bytes(bytes(data))
    run.start()
    run.plugin.handle([message(run, 300)])
    assert run.context.counts["recorded"] == 1
    run.tick()
    said = [text for text in run.context.trouble.values() if path.name in text]
    assert any("is written anew" in text for text in said)
    run.stop()


def test_while_the_newest_hour_is_written_anew_the_others_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = started(tmp_path / "recorder", stall_after_s=30)
    for hour in range(2):
        before.now_ms = START_MS + hour * HOUR_MS
        before.plugin.handle([message(before, hour * 300 + n) for n in range(1, 301)])
    before.stop()
    newest = journal_files(tmp_path / "recorder")[-1]
    overwrite(newest, [2], noise)
    gate = tmp_path / "go on"
    wait = f"until test -e '{gate}'; do sleep 0.05; done; exec \"$@\""
    monkeypatch.setattr(mending, "COMMAND", ("sh", "-c", wait, "-", *mending.COMMAND))
    run = started(tmp_path / "recorder", stall_after_s=1.0)
    run.now_ms = before.now_ms
    batch = [message(run, 601), message(run, 1)]
    for _ in range(2):
        with pytest.raises(Stalled, match="is damaged, it is written anew"):
            run.plugin.handle(batch)
    run.tick()
    past = past_of(run)
    hour = Period(START_MS, START_MS + HOUR_MS)
    series = Series("ward-a", "bed-01", "heart_rate")
    assert len(list(past.readings.readings(series, hour))) == 300
    assert "what comes is held" in " ".join(run.context.trouble.values())
    assert "journal_damaged" in run.context.alarms
    gate.touch()
    deadline_s = time.monotonic() + 30
    while run.context.counts["recorded"] == 0:
        assert time.monotonic() < deadline_s
        with contextlib.suppress(Stalled):
            run.plugin.handle(batch)
    assert run.context.counts["duplicates"] == 1
    run.tick()
    assert "is held" not in " ".join(run.context.trouble.values())
    assert seqs_and_losses(run)[0] == list(range(1, 602))
    run.stop()


def test_a_newest_hour_that_cannot_be_written_anew_holds_what_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(tmp_path / "recorder", stall_after_s=30)
    run.plugin.handle([message(run, seq) for seq in range(1, 300)])
    run.stop()
    (path,) = journal_files(tmp_path / "recorder")
    overwrite(path, [2], noise)
    works = mending.COMMAND
    monkeypatch.setattr(mending, "COMMAND", ("false",))
    run.start()
    batch = [message(run, 300)]
    for _ in range(2):
        with pytest.raises(StorageError, match="cannot be written anew"):
            run.plugin.handle(batch)
    monkeypatch.setattr(mending, "COMMAND", works)
    run.plugin.handle(batch)
    assert seqs_and_losses(run)[0] == list(range(1, 301))
    run.stop()


def test_a_torn_page_of_a_closed_hour_stops_no_comparison(tmp_path: Path) -> None:
    run = started(tmp_path / "recorder")
    run.plugin.handle([message(run, seq) for seq in range(1, 2_000)])
    run.stop()
    (path,) = journal_files(tmp_path / "recorder")
    run.now_ms += HOUR_MS
    run.start()
    run.plugin.handle([message(run, seq) for seq in range(2_000, 2_010)])
    overwrite(path, pages_of(path, "chunk")[:1], noise)
    with Past(store_of(run), lambda: run.now_ms) as past:
        seqs = {one.kept.seq for one in past.inventory.everything()}
        assert set(range(2_000, 2_010)) <= seqs
        assert path.name in past.readers.damaged
    run.stop()


def test_what_is_folded_and_what_is_not_come_back_after_a_crash(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "recorder"
    run = started(folder)
    store = store_of(run)
    for start in range(1, 401, 40):
        batch = [message(run, seq) for seq in range(start, start + 40)]
        run.plugin.handle(batch)
        if start == 201:
            store.fold_due(0, is_checkpoint=True)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in folder.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    again = started(copy)
    again.plugin.handle([message(again, seq) for seq in (1, 200, 400, 401)])
    assert again.context.counts["duplicates"] == 3
    with Past(store_of(again), lambda: START_MS) as past:
        seqs = sorted(one.kept.seq for one in past.inventory.everything())
    assert seqs == list(range(1, 402))
    again.stop()
    run.stop()


def test_devices_are_told_in_turn_and_all_of_them_seldom(tmp_path: Path) -> None:
    run = started(tmp_path / "recorder", durable_per_s=10)
    devices = [f"d-{n}" for n in range(100)]
    for second in range(1, 41):
        run.plugin.handle([message(run, second, device=one) for one in devices])
        run.tick()
    told = [
        json.loads(one.payload)["device"]
        for one in run.broker.published
        if one.topic.endswith("/durable")
    ]
    assert set(told) == set(devices)
    assert len(told) <= 100 + 40 * 10, "once at first, then ten a second"
    run.stop()


def await_mended(run: PluginRun, path: Path) -> None:
    """Wait until a damaged hour is written anew."""
    deadline_s = time.monotonic() + 30
    while path.name not in past_of(run).readers.mended:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_closed_hour_that_is_damaged_is_told_before_anybody_asks_for_it(
    tmp_path: Path,
) -> None:
    run = started(tmp_path / "recorder")
    for hour in range(3):
        run.now_ms = START_MS + hour * HOUR_MS
        run.plugin.handle([message(run, hour * 500 + n) for n in range(1, 501)])
    run.stop()
    oldest, middle, newest = journal_files(tmp_path / "recorder")
    with middle.open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xa5" * (middle.stat().st_size - 8_192))
    run.start()
    run.plugin.handle([message(run, 1_501)])
    assert run.context.counts["recorded"] == 1, "nothing waits for the check"
    await_mended(run, middle)
    run.tick()
    assert run.context.figures["hours_to_check"] == 0
    alarm = run.context.alarms["journal_damaged"]
    assert f"{middle.stem[-2:]}:00" in alarm.text
    assert any(middle.name in text for text in run.context.trouble.values())
    for whole in (oldest, newest):
        assert not any(whole.name in text for text in run.context.trouble.values())
    run.stop()


def seqs_and_losses(run: PluginRun) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the seqs that are there, and the spans that are named as lost."""
    past = past_of(run)
    found = sorted(one.kept.seq for one in past.inventory.everything())
    lost = past.written.losses("ward-a", "bed-01")
    return found, [(one.first_seq, one.last_seq) for one in lost]


def test_a_closed_hour_that_is_damaged_is_written_anew(tmp_path: Path) -> None:
    folder = tmp_path / "recorder"
    run = started(folder, stall_after_s=30)
    for hour in range(3):
        run.now_ms = START_MS + hour * HOUR_MS
        for start in range(1, 3_001, 50):
            seqs = range(hour * 3_000 + start, hour * 3_000 + start + 50)
            run.plugin.handle([message(run, seq) for seq in seqs])
    run.stop()
    _, middle, _ = journal_files(folder)
    for table in ("log", "chunk"):
        overwrite(middle, pages_of(middle, table)[2:5], noise)
    torn = middle.read_bytes()
    run.start()
    await_mended(run, middle)
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed)
    found, lost = seqs_and_losses(run)
    assert len(found) == len(set(found))
    named = [seq for first, last in lost for seq in range(first, last + 1)]
    assert sorted([*found, *named]) == list(range(1, 9_001))
    assert named, "some of what is torn stood nowhere else"
    assert middle.with_suffix(".damaged").read_bytes() == torn
    run.plugin.handle([message(run, named[0])])
    assert seqs_and_losses(run)[0].count(named[0]) == 1, "what comes again is stored"
    run.stop()
    after = started(crashed)
    assert seqs_and_losses(after) == (found, lost), "a crash just then hides no loss"
    after.stop()


def test_a_damaged_hour_waits_for_room_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "recorder"
    run = started(folder)
    for hour in range(2):
        run.now_ms = START_MS + hour * HOUR_MS
        run.plugin.handle([message(run, hour * 50 + n) for n in range(1, 51)])
    run.stop()
    closed, _ = journal_files(folder)
    with closed.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * 4 * 4_096)
    run = started(folder, reserve_mb=10**9)
    deadline_s = time.monotonic() + 30
    while "no_room_to_mend" not in run.context.trouble:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
        run.tick()
    assert closed.name in run.context.trouble["no_room_to_mend"]
    run.stop()
    assert not closed.with_suffix(".damaged").exists()
    run = started(folder)
    await_mended(run, closed)
    run.tick()
    assert "no_room_to_mend" not in run.context.trouble
    run.stop()


def test_a_check_that_is_not_over_holds_no_end_up(tmp_path: Path) -> None:
    run = started(tmp_path / "recorder")
    for hour in range(3):
        run.now_ms = START_MS + hour * HOUR_MS
        run.plugin.handle([message(run, hour + 1)])
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    assert plugin._past is not None
    waits = Checking(plugin._past.readers, store_of(run), Writer(), pause_s=1_000)
    waits.start()
    waits.stop()
    assert not waits._thread.is_alive()
    waits.tell(run.context)
    assert run.context.figures["hours_to_check"] >= 1
    run.stop()
