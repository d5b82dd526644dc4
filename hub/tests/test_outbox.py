"""The outbox: what is not confirmed is still there, whatever happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitorme.errors import StorageError
from monitorme.outbox import SEGMENT_RECORDS, Entry, Outbox, new_boot
from monitorme.outbox.record import pack


def entry(seq: int, boot: str = "b1", payload: bytes = b"{}\n\x00") -> Entry:
    return Entry(boot, seq, "monitorme/v1/a/b/vital/heart_rate", payload)


def seqs(outbox: Outbox) -> list[tuple[str, int]]:
    return [(one.boot, one.seq) for one in outbox.pending()]


def test_what_is_appended_is_pending_until_confirmed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for seq in range(1, 6):
        outbox.append(entry(seq))
    outbox.confirm("b1", 3)
    assert list(outbox.pending()) == [entry(4), entry(5)]
    assert (len(outbox), outbox.held_from_seq("b1")) == (2, 4)
    assert (outbox.held_seqs("b1"), outbox.held_seqs("b2")) == ([4, 5], [])


def test_many_are_put_on_disk_with_one_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    outbox = Outbox(tmp_path, sync=True)
    outbox.append_all(entry(seq) for seq in range(1, 101))
    assert len(synced) == 2, "the folder with the new name, then the file"
    outbox.append_all(entry(seq) for seq in range(101, 201))
    assert len(synced) == 3
    outbox.append_all(entry(seq) for seq in range(201, SEGMENT_RECORDS + 2))
    assert len(synced) == 6, "the full segment before the next one's name and file"
    assert [seq for _, seq in seqs(Outbox(tmp_path))] == [
        *range(1, SEGMENT_RECORDS + 2)
    ]


def test_an_older_boot_is_kept_apart(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(entry(7, "old"))
    outbox.append(entry(1, "new"))
    outbox.confirm("new", 9)
    assert outbox.boots == ("old",)
    assert list(outbox.pending_from("old", 7)) == [entry(7, "old")]


def test_reopening_finds_what_was_unconfirmed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for seq in range(1, SEGMENT_RECORDS + 10):
        outbox.append(entry(seq))
    outbox.confirm("b1", SEGMENT_RECORDS + 1)
    outbox.close()
    again = Outbox(tmp_path)
    # A confirmation is not written down: within a segment some may come back.
    assert seqs(again)[-8:] == [("b1", SEGMENT_RECORDS + n) for n in range(2, 10)]
    assert len(again) <= SEGMENT_RECORDS
    again.append(entry(SEGMENT_RECORDS + 10))
    assert seqs(again)[-1] == ("b1", SEGMENT_RECORDS + 10)


def test_confirmed_segments_leave_the_disk(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for seq in range(1, 3 * SEGMENT_RECORDS + 1):
        outbox.append(entry(seq))
    assert len(list(tmp_path.iterdir())) == 3
    outbox.confirm("b1", 3 * SEGMENT_RECORDS)
    assert list(tmp_path.iterdir()) == []
    outbox.append(entry(3 * SEGMENT_RECORDS + 1))
    assert len(outbox) == 1


RECORD_BYTES = len(pack(entry(1)))


def five(folder: Path) -> Path:
    """Five readings on disk, and the segment that they are in."""
    outbox = Outbox(folder)
    for seq in range(1, 6):
        outbox.append(entry(seq))
    outbox.close()
    (path,) = folder.iterdir()
    return path


fresh_folders = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@fresh_folders
@given(cut=st.integers(0, 400))
def test_a_torn_end_is_cut_off_and_all_before_it_is_kept(
    tmp_path: Path, cut: int
) -> None:
    path = five(tmp_path / new_boot())
    whole = path.read_bytes()
    torn = whole[: max(0, len(whole) - cut)]
    path.write_bytes(torn)
    kept, rest = divmod(len(torn), RECORD_BYTES)
    again = Outbox(path.parent)
    assert seqs(again) == [("b1", seq) for seq in range(1, kept + 1)]
    assert (again.damaged, again.set_aside) == (int(rest > 0), [])
    again.append(entry(6))
    assert seqs(Outbox(path.parent))[-1] == ("b1", 6)


@fresh_folders
@given(flip=st.integers(0, 5 * RECORD_BYTES - 1), by=st.integers(1, 255))
def test_damage_costs_the_reading_it_hits_and_no_other(
    tmp_path: Path, flip: int, by: int
) -> None:
    path = five(tmp_path / new_boot())
    data = bytearray(path.read_bytes())
    hit = flip // RECORD_BYTES + 1
    data[flip] ^= by
    path.write_bytes(data)
    again = Outbox(path.parent)
    expected = [("b1", seq) for seq in range(1, 6) if seq != hit]
    assert seqs(again) == expected
    assert again.damaged == 1
    # The last one may look as if the process had died in it.
    assert [one.read_bytes() for one in again.set_aside] == [data] or hit == 5
    assert seqs(Outbox(path.parent)) == expected, "it is set aside once"


def test_zeros_that_a_power_cut_left_are_cut_off(tmp_path: Path) -> None:
    path = five(tmp_path)
    with path.open("ab") as file:
        file.write(bytes(4096))
    again = Outbox(tmp_path)
    assert [seq for _, seq in seqs(again)] == [1, 2, 3, 4, 5]
    assert path.stat().st_size == 5 * RECORD_BYTES


def test_a_second_damaged_segment_does_not_replace_the_first(tmp_path: Path) -> None:
    first = tmp_path / "000000000001.damaged"
    first.write_bytes(b"of last week")
    path = tmp_path / "000000000001.segment"
    path.write_bytes(b"\x00\x00\x00\x01no record")
    (aside,) = Outbox(tmp_path).set_aside
    assert aside != first
    assert first.read_bytes() == b"of last week"


@pytest.mark.parametrize("name", ["readme.segment", "readme.kept"])
def test_a_file_that_is_no_segment_is_left_alone(tmp_path: Path, name: str) -> None:
    note = tmp_path / name
    note.write_text("do not delete")
    assert len(Outbox(tmp_path)) == 0
    assert note.read_text() == "do not delete"


def test_what_the_disk_has_lost_is_no_longer_held(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for seq in range(1, SEGMENT_RECORDS + 3):
        outbox.append(entry(seq))
    min(tmp_path.iterdir()).unlink()
    held = [("b1", SEGMENT_RECORDS + 1), ("b1", SEGMENT_RECORDS + 2)]
    assert seqs(outbox) == held
    assert outbox.damaged == SEGMENT_RECORDS
    assert outbox.held_from_seq("b1") == SEGMENT_RECORDS + 1


def test_a_disk_that_cannot_be_read_now_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(entry(1))

    def refuse(*_: object) -> bytes:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", refuse)
        with pytest.raises(StorageError, match="Too many open files"):
            list(outbox.pending())
    assert seqs(outbox) == [("b1", 1)]


def test_confirmed_meanwhile_is_not_sent_again(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for seq in range(1, 6):
        outbox.append(entry(seq))
    again = outbox.pending()
    assert next(again).seq == 1
    outbox.confirm("b1", 3)
    assert [one.seq for one in again] == [4, 5]


def test_closing_leaves_nothing_of_what_is_confirmed(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(entry(1))
    outbox.confirm("b1", 1)
    outbox.close()
    assert list(tmp_path.iterdir()) == []
    outbox.append(entry(2))
    assert seqs(Outbox(tmp_path)) == [("b1", 2)]


@fresh_folders
@given(st.permutations(range(1, 9)), st.integers(0, 9))
def test_what_was_kept_out_of_order_is_held_until_it_is_confirmed(
    tmp_path: Path, order: list[int], confirmed: int
) -> None:
    outbox = Outbox(tmp_path / new_boot())
    for seq in order:
        outbox.append(entry(seq))
    outbox.confirm("b1", confirmed)
    assert outbox.held_seqs("b1") == list(range(confirmed + 1, 9))
    assert [seq for _, seq in seqs(outbox)] == list(range(confirmed + 1, 9))


def test_a_full_outbox_drops_the_oldest_and_counts_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, max_bytes=40_000)
    for seq in range(1, 2000):
        outbox.append(entry(seq))
    assert outbox.dropped > 0
    assert seqs(outbox)[-1] == ("b1", 1999)
    assert outbox.dropped + len(outbox) == 1999


def test_what_was_written_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from monitorme.outbox import *\n"
        "outbox = Outbox(pathlib.Path(sys.argv[1]))\n"
        "for seq in range(1, 10**6):\n"
        "    outbox.append(Entry('b', seq, 't', b'x' * 50))\n"
        "    print(seq, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    last = 0
    for line in process.stdout:
        last = int(line)
        if last >= 300:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait()
    found = [seq for _, seq in seqs(Outbox(tmp_path))]
    assert found[: last + 1] == list(range(1, max(last, len(found)) + 1))[: last + 1]
    assert len(found) >= last


def test_a_disk_that_refuses_is_told_and_leaves_no_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path)
    outbox.append(entry(1))
    real = os.pwrite

    def half(file: int, data: bytes, offset: int) -> int:
        return real(file, data[:5], offset)

    monkeypatch.setattr(os, "pwrite", half)
    with pytest.raises(StorageError, match="cannot be written"):
        outbox.append(entry(2))
    monkeypatch.setattr(os, "pwrite", real)
    outbox.append(entry(2))
    outbox.close()
    assert seqs(Outbox(tmp_path)) == [("b1", 1), ("b1", 2)]


def test_later_boots_sort_after_earlier_ones() -> None:
    boots = [new_boot() for _ in range(3)]
    assert len(set(boots)) == 3


# What is confirmed and kept all the same.


def keeping(folder: Path, keep_s: float = 900.0) -> Outbox:
    return Outbox(folder, keep_confirmed_s=keep_s)


def filled(folder: Path, last: int = 2 * SEGMENT_RECORDS + 10) -> Outbox:
    outbox = keeping(folder)
    for seq in range(1, last + 1):
        outbox.append(entry(seq))
    return outbox


def test_what_is_confirmed_can_be_taken_back(tmp_path: Path) -> None:
    outbox = filled(tmp_path)
    outbox.confirm("b1", 2 * SEGMENT_RECORDS + 5)
    assert len(outbox) == 5
    assert outbox.held_from_seq("b1") == 1
    first = SEGMENT_RECORDS - 3
    outbox.take_back("b1", first)
    taken = list(range(first, 2 * SEGMENT_RECORDS + 11))
    assert [seq for _, seq in seqs(outbox)] == taken
    assert outbox.held_seqs("b1") == taken
    outbox.confirm("b1", 2 * SEGMENT_RECORDS + 10)
    assert len(outbox) == 0
    outbox.take_back("b1", first)
    assert outbox.held_seqs("b1") == taken, "as often as it is asked for"


def test_what_is_kept_survives_and_is_not_sent_by_itself(tmp_path: Path) -> None:
    outbox = filled(tmp_path, 2 * SEGMENT_RECORDS)
    outbox.confirm("b1", 2 * SEGMENT_RECORDS)
    again = keeping(tmp_path)
    assert len(again) == 0
    assert again.held_from_seq("b1") == 1
    again.append(entry(2 * SEGMENT_RECORDS + 1))
    again.take_back("b1", SEGMENT_RECORDS)
    expected = list(range(SEGMENT_RECORDS, 2 * SEGMENT_RECORDS + 2))
    assert [seq for _, seq in seqs(again)] == expected


def test_what_is_missing_in_between_is_not_said_to_be_held(tmp_path: Path) -> None:
    outbox = keeping(tmp_path)
    for seq in (1, 2, 6, 7):
        outbox.append(entry(seq))
    assert outbox.held_from_seq("b1") == 6
    outbox.confirm("b1", 6)
    assert outbox.held_from_seq("b1") == 6
    outbox.take_back("b1", 2)
    assert outbox.held_seqs("b1") == [2, 6, 7]
    assert [outbox.next_held("b1", seq) for seq in (2, 3, 8)] == [2, 6, None]
    assert outbox.held_from_seq("b1") == 6


def test_what_nobody_asked_for_in_time_goes(tmp_path: Path) -> None:
    outbox = filled(tmp_path)
    outbox.confirm("b1", 2 * SEGMENT_RECORDS + 10)
    outbox.close()
    assert {one.suffix for one in tmp_path.iterdir()} == {".kept"}
    for one in tmp_path.iterdir():
        os.utime(one, (0, 0))
    again = keeping(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert again.held_from_seq("b1") is None
    again.take_back("b1", 1)
    assert len(again) == 0


def test_only_so_much_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitorme.outbox.outbox.KEPT_MAX_BYTES", 40_000)
    outbox = filled(tmp_path, 4 * SEGMENT_RECORDS)
    outbox.confirm("b1", 4 * SEGMENT_RECORDS)
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) <= 40_000
    assert outbox.held_from_seq("b1") == 3 * SEGMENT_RECORDS + 1


def test_a_disk_that_is_full_gets_the_room_of_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = filled(tmp_path, SEGMENT_RECORDS)
    outbox.confirm("b1", SEGMENT_RECORDS)
    real = os.pwrite

    def refuse_while_kept(file: int, data: bytes, offset: int) -> int:
        if list(tmp_path.glob("*.kept")):
            raise OSError(28, "No space left on device")
        return real(file, data, offset)

    monkeypatch.setattr(os, "pwrite", refuse_while_kept)
    with pytest.raises(StorageError, match="No space left"):
        outbox.append(entry(SEGMENT_RECORDS + 1))
    outbox.append(entry(SEGMENT_RECORDS + 1))
    assert seqs(outbox) == [("b1", SEGMENT_RECORDS + 1)]


def test_what_the_disk_has_lost_of_what_is_kept_is_not_taken_back(
    tmp_path: Path,
) -> None:
    outbox = filled(tmp_path)
    outbox.confirm("b1", 2 * SEGMENT_RECORDS + 10)
    min(tmp_path.iterdir()).unlink()
    outbox.take_back("b1", 1)
    assert outbox.held_seqs("b1")[0] == SEGMENT_RECORDS + 1


@fresh_folders
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.sampled_from(["b1", "b2"])),
            st.tuples(st.just("confirm"), st.integers(0, 40)),
            st.tuples(st.just("take_back"), st.integers(1, 40)),
            st.tuples(st.just("reopen"), st.none()),
        ),
        max_size=60,
    )
)
@example([*[("append", "b1")] * 3, ("confirm", 3), ("take_back", 1), ("reopen", None)])
def test_whatever_comes_what_is_unconfirmed_is_held(
    tmp_path: Path, steps: list[tuple[str, object]]
) -> None:
    """Small segments, so that many are kept; a model of two lines says what is right."""
    import monitorme.outbox.segments as module

    before, module.SEGMENT_RECORDS = module.SEGMENT_RECORDS, 3  # type: ignore[misc]  # for this test
    try:
        folder = tmp_path / new_boot()
        outbox = keeping(folder)
        made = {"b1": 0, "b2": 0}
        confirmed = {"b1": 0, "b2": 0}
        for what, value in steps:
            if what == "append":
                boot = str(value)
                made[boot] += 1
                outbox.append(entry(made[boot], boot))
            elif what == "confirm":
                assert isinstance(value, int)
                confirmed["b1"] = max(confirmed["b1"], min(value, made["b1"]))
                outbox.confirm("b1", value)
            elif what == "take_back":
                assert isinstance(value, int)
                outbox.take_back("b1", value)
                confirmed["b1"] = min(confirmed["b1"], value - 1)
            else:
                outbox.close()
                outbox = keeping(folder)
            for boot in made:
                held = outbox.held_seqs(boot)
                assert set(range(confirmed[boot] + 1, made[boot] + 1)) <= set(held)
                assert [seq for b, seq in seqs(outbox) if b == boot] == held
    finally:
        module.SEGMENT_RECORDS = before  # type: ignore[misc]  # as it was
