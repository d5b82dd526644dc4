"""Catch-up: what has come since a moment, as it came."""

import json

import urllib3

from monitorme.contract.readings import Reading, ReadingValue, decode_reading, judge
from monitorme.contract.topics import BedId, VitalTopic
from monitorme.contract.vitals import Catalogue
from monitorme.testing import START_MS, PluginRun

HTTP = urllib3.PoolManager(retries=False)
BED = BedId("ward-a", "bed-01")
HOUR_MS = 3_600_000


def send(
    run: PluginRun,
    seq: int,
    value: ReadingValue = 72.0,
    *,
    vital: str = "heart_rate",
    device: str = "d-1",
    time_ms: int | None = None,
    bed: BedId = BED,
) -> None:
    reading = Reading(device, "b1", seq, time_ms or run.now_ms, value, "good")
    run.send(VitalTopic(bed, vital), reading.to_json())


def since(run: PluginRun, received_ms: int, more: str = "") -> list[dict]:  # type: ignore[type-arg]  # JSON
    url = run.context.endpoints["history"]
    path = f"/v1/beds/ward-a/bed-01/since?received_ms={received_ms}{more}"
    answer = HTTP.request("GET", url + path)
    assert answer.status == 200, answer.data
    return [json.loads(line) for line in answer.data.splitlines()]


def fold(run: PluginRun) -> None:
    run.tick(after_ms=61_000)


def test_what_came_since_is_told_in_order_of_arrival(run: PluginRun) -> None:
    send(run, 1)
    run.now_ms += 1_000
    begin_ms = run.now_ms
    send(run, 2)
    send(run, 3, 97.0, vital="oxygen_saturation")
    run.now_ms += 1_000
    send(run, 1, 80.0, device="d-0", time_ms=START_MS - 500_000)
    told = [(one["device"], one["seq"], one["vital"]) for one in since(run, begin_ms)]
    assert told == [
        ("d-1", 2, "heart_rate"),
        ("d-1", 3, "oxygen_saturation"),
        ("d-0", 1, "heart_rate"),
    ]


def test_what_was_folded_is_told_with_what_is_in_memory(run: PluginRun) -> None:
    for seq in range(1, 6):
        send(run, seq)
        fold(run)
    send(run, 6)
    received = [one["received_ms"] for one in since(run, 0)]
    assert received == sorted(received)
    assert [one["seq"] for one in since(run, 0)] == [1, 2, 3, 4, 5, 6]
    assert [one["seq"] for one in since(run, received[3])] == [4, 5, 6]


def test_since_reaches_over_the_hours(run: PluginRun) -> None:
    for seq in range(1, 9):
        send(run, seq)
        run.now_ms += HOUR_MS // 2
    assert [one["seq"] for one in since(run, 0)] == list(range(1, 9))
    begin_ms = START_MS + 3 * HOUR_MS // 2
    assert [one["seq"] for one in since(run, begin_ms)] == [4, 5, 6, 7, 8]


def test_since_tells_one_bed_and_the_vitals_that_are_asked_for(run: PluginRun) -> None:
    send(run, 1)
    send(run, 2, 97.0, vital="oxygen_saturation")
    send(run, 3, 36.6, vital="body_temperature")
    send(run, 1, device="d-2", bed=BedId("ward-a", "bed-02"))
    more = "&vital=heart_rate&vital=body_temperature"
    assert [one["seq"] for one in since(run, 0, more)] == [1, 3]


def test_a_consumer_comes_to_the_same_judgement(run: PluginRun) -> None:
    catalogue = Catalogue.load()
    ahead_ms = run.now_ms + 60_000
    send(run, 1, 999.0)
    send(run, 2, 70.0, time_ms=ahead_ms)
    invalid = Reading("d-1", "b1", 3, run.now_ms, None, "invalid", "lead_off")
    run.send(VitalTopic(BED, "heart_rate"), invalid.to_json())
    told = since(run, 0)
    assert [one["value"] for one in told] == [999.0, 70.0, None]
    judged = [
        judge(
            decode_reading(json.dumps(one).encode()),
            catalogue["heart_rate"],
            one["received_ms"],
        )
        for one in told
    ]
    assert [one.reason for one in judged] == ["out_of_range", "clock_ahead", "lead_off"]


def test_since_of_a_bed_that_sends_nothing_is_empty(run: PluginRun) -> None:
    assert since(run, 0) == []
