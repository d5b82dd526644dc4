"""Times without a usable reading, and why."""

import random
from pathlib import Path

import pytest

from monitorme.contract.readings import Reading, judge
from monitorme.contract.vitals import Catalogue
from monitorme_recorder.history import past as past_module
from monitorme_recorder.history.legs import Leg
from monitorme_recorder.history.past import Past
from monitorme_recorder.history.silences import Silence
from monitorme_recorder.history_store import Period
from monitorme_recorder.records import Stream
from monitorme_recorder.store import Arrival, Store

CATALOGUE = Catalogue.load()
BEGIN_MS = 1_795_651_200_000
HEART_RATE = CATALOGUE["heart_rate"]


def arrival(
    seq: int, at_ms: int, *, is_usable: bool = True, boot: str = "b1"
) -> Arrival:
    value, quality = (70.0, "good") if is_usable else (None, "invalid")
    reason = None if is_usable else "lead_off"
    reading = Reading("d-1", boot, seq, at_ms, value, quality, reason)  # type: ignore[arg-type]  # a literal
    stream = Stream("ward-a", "bed-01", "heart_rate", "d-1", boot)
    judged = judge(reading, HEART_RATE, at_ms)
    return Arrival(stream, reading, judged, at_ms, reading.to_json())


def found(past: Past, end_ms: int) -> list[Silence]:
    leg = Leg("ward-a", "bed-01", Period(BEGIN_MS, end_ms))
    return list(past.silences(leg, "heart_rate", HEART_RATE))


@pytest.mark.parametrize("seed", range(5))
def test_the_curve_leads_to_the_same_silences_as_all_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    store, at_ms = Store(tmp_path, CATALOGUE, BEGIN_MS), BEGIN_MS
    for seq in range(1, 600):
        at_ms += dice.choice([500] * 20 + [1_999, 2_000, 2_001, 30_000])
        store.store([arrival(seq, at_ms, is_usable=dice.random() < 0.8)], [])
        if seq % 100 == 0:
            store.fold()
    end_ms = at_ms + dice.choice([1_000, 60_000])
    with Past(store, lambda: end_ms) as past:
        monkeypatch.setattr(past_module, "MOST_SUSPECTS", 10_000)
        by_curve = found(past, end_ms)
        monkeypatch.setattr(past_module, "MOST_SUSPECTS", 0)
        assert by_curve == found(past, end_ms)
    assert len(by_curve) > 10
    store.close()


def test_a_silence_is_longer_than_a_reading_may_be_stale(tmp_path: Path) -> None:
    store = Store(tmp_path, CATALOGUE, BEGIN_MS)
    times = [BEGIN_MS, BEGIN_MS + 2_000, BEGIN_MS + 4_001]
    store.store([arrival(seq, at_ms) for seq, at_ms in enumerate(times, 1)], [])
    with Past(store, lambda: times[-1]) as past:
        silence = Silence(times[1], times[2], "not_sent")
        assert found(past, times[-1] + 1) == [silence]
    store.close()


def test_nothing_at_all_is_one_silence(tmp_path: Path) -> None:
    store = Store(tmp_path, CATALOGUE, BEGIN_MS)
    with Past(store, lambda: BEGIN_MS + 60_000) as past:
        silence = Silence(BEGIN_MS, BEGIN_MS + 60_000, "not_sent")
        assert found(past, BEGIN_MS + 60_000) == [silence]
    store.close()
