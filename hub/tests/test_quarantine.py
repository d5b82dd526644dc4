"""A quarantine keeps what was refused, bounded, and lends it out to be tried again."""

from pathlib import Path

import pytest

from monitorme.contract.payloads import MAX_PAYLOAD_BYTES
from monitorme.messaging import Message
from monitorme.quarantine import FILE_NAME, Quarantine, Taken, refused_in


def refuse(quarantine: Quarantine, *payloads: bytes) -> None:
    for number, payload in enumerate(payloads, 1):
        quarantine.keep(Message("a/b", payload, number), "unparsable: no JSON")


def payloads(folder: Path) -> list[bytes]:
    return [one.payload for one in refused_in(folder)]


def test_everything_of_a_message_is_kept(tmp_path: Path) -> None:
    refuse(Quarantine(tmp_path), bytes(range(256)))
    (one,) = refused_in(tmp_path)
    assert (one.received_ms, one.topic, one.reason) == (1, "a/b", "unparsable: no JSON")
    assert one.payload == bytes(range(256))
    assert one.is_whole


def test_of_an_oversized_message_the_beginning_is_kept(tmp_path: Path) -> None:
    refuse(Quarantine(tmp_path), b"x" * (MAX_PAYLOAD_BYTES + 1))
    (one,) = refused_in(tmp_path)
    assert one.size_bytes == MAX_PAYLOAD_BYTES + 1
    assert not one.is_whole


def test_the_oldest_goes_when_it_is_full_and_is_counted(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path, max_file_bytes=1_000)
    refuse(quarantine, *[b"%d" % number for number in range(40)])
    kept = payloads(tmp_path)
    assert kept[-1] == b"39"
    assert quarantine.dropped > 0
    assert len(kept) + quarantine.dropped == 40
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3_000


def test_a_line_cut_short_hides_no_other(tmp_path: Path) -> None:
    refuse(Quarantine(tmp_path), b"1")
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write('{"received_ms": 2, "top\n')
    refuse(Quarantine(tmp_path), b"3")
    assert payloads(tmp_path) == [b"1", b"3"]


def test_what_was_taken_is_gone_but_for_what_is_to_stay(tmp_path: Path) -> None:
    refuse(Quarantine(tmp_path), b"1", b"2", b"3")
    with Taken(tmp_path) as taken:
        assert [one.payload for one in taken.refused] == [b"1", b"2", b"3"]
        taken.keep(taken.refused[1])
        refuse(Quarantine(tmp_path), b"4")
    assert sorted(payloads(tmp_path)) == [b"2", b"4"]


def test_what_was_taken_when_it_failed_is_still_there(tmp_path: Path) -> None:
    refuse(Quarantine(tmp_path), b"1", b"2")
    with pytest.raises(OSError, match="no broker"), Taken(tmp_path):
        raise OSError("no broker")
    assert payloads(tmp_path) == [b"1", b"2"]
    refuse(Quarantine(tmp_path), b"3")
    with Taken(tmp_path) as taken:
        assert [one.payload for one in taken.refused] == [b"1", b"2", b"3"]
    assert payloads(tmp_path) == []
