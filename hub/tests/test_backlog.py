"""A backlog: paced, in order, each reading once, begun anew where it is stuck."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitorme.backlog import Backlog
from monitorme.outbox import Entry, Outbox


def outbox(folder: Path, **boots: int) -> Outbox:
    made = Outbox(folder)
    for boot, count in boots.items():
        for seq in range(1, count + 1):
            take(made, boot, seq)
    return made


def take(made: Outbox, boot: str, seq: int) -> None:
    made.append(Entry(boot, seq, "topic", b"%d" % seq))


def sent(backlog: Backlog, now_s: float, room: int = 1000) -> list[tuple[str, int]]:
    return [(entry.boot, entry.seq) for entry in backlog.due(now_s, room)]


def test_what_is_held_goes_out_oldest_first_at_the_pace(tmp_path: Path) -> None:
    made = outbox(tmp_path, a=3, b=40)
    backlog = Backlog(made, resend_after_s=15, per_s=10)
    backlog.begin()
    assert sent(backlog, 100.0) == [("a", 1), ("a", 2), ("a", 3)] + [
        ("b", seq) for seq in range(1, 8)
    ]
    assert sent(backlog, 100.0) == []
    assert sent(backlog, 100.5) == [("b", seq) for seq in range(8, 13)]
    assert backlog.sent == 15


def test_where_the_connection_has_no_room_nothing_goes_out(tmp_path: Path) -> None:
    backlog = Backlog(outbox(tmp_path, a=5), resend_after_s=15)
    backlog.begin()
    assert sent(backlog, 1.0, room=0) == []
    assert sent(backlog, 1.0, room=2) == [("a", 1), ("a", 2)]


def test_what_is_taken_meanwhile_is_live_and_no_part_of_it(tmp_path: Path) -> None:
    made = outbox(tmp_path, a=2)
    backlog = Backlog(made, resend_after_s=15)
    backlog.begin()
    take(made, "a", 3)
    assert sent(backlog, 1.0) == [("a", 1), ("a", 2)]


def test_what_is_confirmed_meanwhile_is_left_out(tmp_path: Path) -> None:
    made = outbox(tmp_path, a=9)
    backlog = Backlog(made, resend_after_s=15)
    backlog.begin()
    assert sent(backlog, 1.0, room=2) == [("a", 1), ("a", 2)]
    made.confirm("a", 6)
    assert sent(backlog, 1.0) == [("a", 7), ("a", 8), ("a", 9)]


def test_what_the_caller_could_not_send_comes_again(tmp_path: Path) -> None:
    backlog = Backlog(outbox(tmp_path, a=3), resend_after_s=15)
    backlog.begin()
    for entry in backlog.due(1.0, 10):
        assert entry.seq == 1
        break
    assert sent(backlog, 1.0) == [("a", 1), ("a", 2), ("a", 3)]


def test_what_is_asked_for_goes_first_and_the_rest_is_not_forgotten(
    tmp_path: Path,
) -> None:
    backlog = Backlog(outbox(tmp_path, a=4, b=6), resend_after_s=15)
    backlog.begin()
    assert sent(backlog, 1.0, room=1) == [("a", 1)]
    backlog.begin_from("b", 5)
    assert sent(backlog, 1.0) == [("b", 5), ("b", 6), ("a", 2), ("a", 3), ("a", 4)]


def test_everything_is_sent_again_where_the_oldest_stays_unconfirmed(
    tmp_path: Path,
) -> None:
    made = outbox(tmp_path, a=2)
    backlog = Backlog(made, resend_after_s=15)
    backlog.begin()
    assert len(sent(backlog, 1.0)) == 2
    assert sent(backlog, 15.0) == []
    assert sent(backlog, 17.0) == [("a", 1), ("a", 2)]
    assert sent(backlog, 40.0) == []  # the wait has doubled
    assert sent(backlog, 48.0) == [("a", 1), ("a", 2)]


def test_a_confirmation_of_others_does_not_put_the_oldest_off(tmp_path: Path) -> None:
    made = outbox(tmp_path, a=1, b=20)
    backlog = Backlog(made, resend_after_s=15)
    backlog.begin()
    assert len(sent(backlog, 1.0)) == 21
    for second in range(2, 17):
        made.confirm("b", second)
        assert sent(backlog, second) == []
    assert sent(backlog, 17.0)[0] == ("a", 1)


def test_while_it_is_being_sent_it_is_not_begun_anew(tmp_path: Path) -> None:
    backlog = Backlog(outbox(tmp_path, a=100), resend_after_s=2, per_s=1)
    backlog.begin()
    once = [sent(backlog, float(second)) for second in range(1, 101)]
    assert [seq for part in once for _, seq in part] == list(range(1, 101))


@pytest.mark.parametrize("pace", [0.5, 40.0])
@given(steps=st.lists(st.tuples(st.floats(0, 3), st.integers(0, 30)), max_size=30))
def test_the_pace_is_never_exceeded(
    tmp_path_factory: pytest.TempPathFactory,
    pace: float,
    steps: list[tuple[float, int]],
) -> None:
    folder = tmp_path_factory.mktemp("outbox")
    backlog = Backlog(outbox(folder, a=50), resend_after_s=1e9, per_s=pace)
    backlog.begin()
    now_s = 1000.0
    for wait_s, room in steps:
        now_s += wait_s
        assert len(sent(backlog, now_s, room)) <= room
    assert backlog.sent <= (now_s - 1000.0 + 1) * pace
