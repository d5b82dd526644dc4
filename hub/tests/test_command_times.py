"""Times and spans on the command line mean the same in every command."""

import time
from collections.abc import Iterator

import click
import pytest

from monitorme.commands.times import SpanType, TimeType
from monitorme.plugin import wall_clock_ms


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> int:
    return TimeType().convert(text, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-26T09:30",
        "2026-11-26T14:30+00:00",
        "2026-11-26T14:30Z",
        "1795703400000",
    ],
)
def test_a_time_is_of_this_machine_unless_it_says_a_zone(text: str) -> None:
    assert at(text) == 1_795_703_400_000


def test_a_clock_is_the_last_one_and_a_span_so_long_ago() -> None:
    assert 0 <= wall_clock_ms() - at("00:00") < 90_000_000
    assert abs(wall_clock_ms() - at("6h") - 6 * 3_600_000) < 5_000


@pytest.mark.parametrize("text", ["", "24:00", "soon", "7", "6 h", "0h"])
def test_what_is_no_time_says_what_to_write(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"14:30, 6h \(ago\)"):
        at(text)


def test_spans() -> None:
    assert SpanType().convert("90min", None, None) == 5_400_000
    assert SpanType().convert("2d", None, None) == 172_800_000
    with pytest.raises(click.BadParameter, match="90min, 6h or 2d"):
        SpanType().convert("0h", None, None)
