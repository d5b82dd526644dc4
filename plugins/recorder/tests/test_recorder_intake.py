"""The short way keeps exactly what the long way keeps, and refuses what it refuses."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitorme.contract.vitals import Catalogue
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme_recorder.batches import Sorted
from monitorme_recorder.clocks import Clocks
from monitorme_recorder.intake import Intake
from monitorme_recorder.store import Store

TOPIC = "monitorme/v1/ward-a/bed-01/vital/heart_rate"
NOW_MS = 1_750_000_000_000
CATALOGUE = Catalogue.load()


def payload(**changes: Any) -> bytes:
    fields = {
        "device": "d-1",
        "boot": "b1",
        "seq": 1,
        "time_ms": NOW_MS,
        "value": 72,
        "quality": "good",
    }
    return json.dumps({**fields, **changes}).encode()


class Kept:
    """An intake with a store, and what it has refused."""

    def __init__(self, folder: Path) -> None:
        self.refused: list[str] = []
        self.store = Store(folder, CATALOGUE, NOW_MS)
        self.clocks = Clocks()
        self.intake = Intake(
            self.store, CATALOGUE, self.clocks, Counter[str](), self._refuse
        )

    def _refuse(self, message: Message, error: ContractError) -> None:
        self.refused.append(error.reason)

    def sort(self, data: bytes, topic: str = TOPIC) -> list[Sorted]:
        return self.intake.sort([Message(topic, data, NOW_MS)]).arrivals


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    return Kept(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    kept = Kept(tmp_path_factory.mktemp("learned"))
    kept.sort(payload())
    return kept


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.floats(),
    st.text(max_size=5),
    st.just({"systolic": 1}),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "device": st.sampled_from(["d-1", "D 1", "", "d-2"]),
        "boot": st.sampled_from(["b1", "b2", "b 3"]),
        "seq": st.one_of(st.integers(-1, 2**54), ODD),
        "time_ms": st.one_of(st.integers(NOW_MS - 10**6, NOW_MS + 10**4), ODD),
        "value": ODD,
        "quality": st.sampled_from(["good", "questionable", "invalid", "odd", None]),
        "reason": st.sampled_from(["lead_off", "", None, 5]),
        "other": ODD,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(CHANGES)
def test_both_ways_keep_and_refuse_the_same(
    fresh: Kept, learned: Kept, changes: dict[str, Any]
) -> None:
    data = payload(**changes)
    fresh.intake._routes.clear()
    short, long = learned.sort(data), fresh.sort(data)
    assert [(s[0].stream, *s[1:]) for s in short] == [
        (s[0].stream, *s[1:]) for s in long
    ]
    assert learned.refused[-1:] == fresh.refused[-1:] if not short else True
    assert len(learned.refused) == len(fresh.refused)


def test_a_known_stream_goes_the_short_way(
    learned: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned.intake, "_sort_with_care", None)
    ((track, kept, _, shift_ms),) = learned.sort(payload(seq=9, value=80))
    assert (track.stream.vital, kept.seq, shift_ms) == ("heart_rate", 9, 0)


def test_a_device_with_a_wrong_clock_is_charted_when_it_was(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    behind_ms = 3_600_000
    for second in range(20):
        at_ms = NOW_MS - 20_000 + second * 1_000
        kept.clocks.sample("d-1", at_ms - behind_ms, at_ms)
    ((_, reading, _, shift_ms),) = kept.sort(payload(time_ms=NOW_MS - behind_ms))
    assert (shift_ms, reading.at_ms, reading.time_ms) == (
        behind_ms,
        NOW_MS,
        NOW_MS - behind_ms,
    )


def test_a_backlog_is_not_taken_for_a_wrong_clock() -> None:
    clocks = Clocks()
    for second in range(60):
        # Ten times as fast as live, from an hour ago on.
        time_ms = NOW_MS - 3_600_000 + second * 10_000
        clocks.sample("d-1", time_ms, NOW_MS + second * 1_000)
    assert clocks.shift_ms("d-1") == 0
    for second in range(60, 100):
        clocks.sample("d-1", NOW_MS + second * 1_000, NOW_MS + second * 1_000)
    assert clocks.shift_ms("d-1") == 0
    assert clocks.offsets_ms() == {"d-1": 0}
