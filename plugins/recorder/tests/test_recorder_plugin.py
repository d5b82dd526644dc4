"""The recorder: every reading once, on disk before it is confirmed, and found again."""

import json
import sqlite3
from pathlib import Path

import pytest
import urllib3

from monitorme.contract.payloads import DeviceStatus, Durable
from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import BedId, DeviceTopic, VitalTopic, device_filter
from monitorme.errors import StorageError
from monitorme.quarantine import FILE_NAME
from monitorme.testing import START_MS, PluginRun
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.hours import journal_files
from monitorme_recorder.plugin import Recorder
from monitorme_recorder.verify import compare

BED = BedId("ward-a", "bed-01")
HTTP = urllib3.PoolManager(retries=False)


def send(
    run: PluginRun,
    seq: int,
    value: ReadingValue = 72.0,
    *,
    vital: str = "heart_rate",
    at_ms: int | None = None,
    boot: str = "b1",
) -> None:
    time_ms = at_ms if at_ms is not None else run.now_ms + seq
    quality = "invalid" if value is None else "good"
    reason = "lead_off" if value is None else None
    reading = Reading("d-1", boot, seq, time_ms, value, quality, reason)
    run.send(VitalTopic(BED, vital), reading.to_json())


def ask(run: PluginRun, path: str, status: int = 200) -> object:
    answer = HTTP.request("GET", run.context.endpoints["history"] + path)
    assert answer.status == status, answer.data
    return json.loads(answer.data)


def history(run: PluginRun, vital: str = "heart_rate", more: str = "") -> dict:  # type: ignore[type-arg]  # JSON
    path = f"/v1/beds/ward-a/bed-01/history?vital={vital}&from_ms=0&to_ms={2**52}{more}"
    found = ask(run, path)
    assert isinstance(found, dict)
    return found


def stored(run: PluginRun) -> list[tuple[str, int]]:
    url = run.context.endpoints["history"] + "/v1/readings"
    lines = HTTP.request("GET", url).data.splitlines()
    return sorted((one["boot"], one["seq"]) for one in map(json.loads, lines))


def durables(run: PluginRun) -> list[int]:
    topic = str(DeviceTopic(BED, "d-1", "durable"))
    payloads = [m.payload for m in run.broker.published if m.topic == topic]
    return [Durable.model_validate_json(payload).seq for payload in payloads]


def test_a_reading_is_stored_once_however_often_it_comes(run: PluginRun) -> None:
    for seq in (1, 2, 2, 3, 1):
        send(run, seq)
    assert stored(run) == [("b1", 1), ("b1", 2), ("b1", 3)]
    assert run.context.counts["duplicates"] == 2
    run.restart()
    send(run, 2)
    send(run, 4)
    assert stored(run) == [("b1", seq) for seq in (1, 2, 3, 4)]


def test_what_was_stored_survives_a_crash_without_folding(
    run: PluginRun, tmp_path: Path
) -> None:
    for seq in range(1, 50):
        send(run, seq)
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "recorder").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    again = PluginRun(Recorder, copy, config=RecorderConfig(port=0), now_ms=run.now_ms)
    assert stored(again) == [("b1", seq) for seq in range(1, 50)]
    send(again, 49)
    assert again.context.counts["duplicates"] == 1
    again.stop()


def test_a_device_is_told_only_what_is_on_disk(run: PluginRun) -> None:
    send(run, 1)
    send(run, 2)
    run.tick(after_ms=3_000)
    assert durables(run)[-1] == 2
    send(run, 5)
    run.tick(after_ms=3_000)
    assert durables(run)[-1] == 2, "3 and 4 are missing"


def test_a_gap_is_asked_for_again(run: PluginRun) -> None:
    send(run, 1)
    send(run, 4)
    run.tick(after_ms=4_000)
    asked = [json.loads(m.payload) for m in run.published(device_filter("command"))]
    assert [(one["verb"], one["from_seq"]) for one in asked] == [("resend", 2)]
    send(run, 2)
    send(run, 3)
    run.tick(after_ms=15_000)
    assert durables(run)[-1] == 4
    assert len(run.published(device_filter("command"))) == 1


def test_a_gap_that_nobody_can_fill_is_written_down(run: PluginRun) -> None:
    send(run, 5)
    birth = DeviceStatus(
        device="d-1", boot="b1", state="online", time_ms=1, held_from_seq=4
    )
    run.send(DeviceTopic(BED, "d-1", "status"), birth)
    (gap,) = ask(run, "/v1/beds/ward-a/bed-01/gaps")  # type: ignore[misc]  # JSON
    assert (gap["first_seq"], gap["last_seq"], gap["reason"]) == (
        1,
        3,
        "gone_at_device",
    )
    send(run, 4)
    run.tick(after_ms=3_000)
    assert durables(run)[-1] == 5


def test_an_invalid_value_is_kept_but_never_a_number(run: PluginRun) -> None:
    send(run, 1, None)
    send(run, 2, 384.5, vital="body_temperature")
    assert history(run)["readings"][0]["value"] is None
    hot = history(run, "body_temperature")["readings"][0]
    assert (hot["value"], hot["reason"]) == (None, "out_of_range")
    assert history(run, "body_temperature", "&buckets=5")["buckets"] == []
    url = run.context.endpoints["history"] + "/v1/readings"
    assert b"384.5" in HTTP.request("GET", url).data, "what was sent is kept"


def test_buckets_are_the_same_from_memory_and_from_chunks(run: PluginRun) -> None:
    values = [60.0 + seq % 17 for seq in range(1, 400)]
    for seq, value in enumerate(values, 1):
        send(run, seq, value, at_ms=START_MS - 60_000 + seq * 100)
    path = (
        "/v1/beds/ward-a/bed-01/history?vital=heart_rate"
        f"&from_ms={START_MS - 60_000}&to_ms={START_MS}&buckets=7"
    )
    before = ask(run, path)
    run.tick(after_ms=61_000)
    assert ask(run, path) == before
    width = -(-60_000 // 7)
    expected: dict[int, list[float]] = {}
    for seq, value in enumerate(values, 1):
        expected.setdefault(seq * 100 // width, []).append(value)
    assert isinstance(before, dict)
    got = [
        (b["count"], b["min"], b["max"], round(b["mean"], 9)) for b in before["buckets"]
    ]
    assert got == [
        (len(v), min(v), max(v), round(sum(v) / len(v), 9)) for v in expected.values()
    ]


def test_waveforms_and_pressures_come_back_as_sent(run: PluginRun) -> None:
    block = {"II": Lead(250.0, "mV", 0.005, [1, -2, 3])}
    send(run, 1, dict(block), vital="ecg")
    send(run, 2, {"systolic": 120.0, "diastolic": 80.0}, vital="blood_pressure")
    run.tick(after_ms=61_000)
    assert history(run, "ecg")["readings"][0]["value"]["II"]["samples"] == [1, -2, 3]
    found = history(run, "blood_pressure.systolic", "&buckets=1")["buckets"]
    assert [(one["count"], one["mean"]) for one in found] == [(1, 120.0)]


def test_history_goes_on_over_the_hour(run: PluginRun, tmp_path: Path) -> None:
    send(run, 1, 61.0, at_ms=START_MS)
    # Arrival is stamped by the clock of this machine: turn the file's hour by hand.
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    assert plugin._store is not None
    (current,) = journal_files(tmp_path / "recorder")
    from monitorme_recorder.store import BedEvent

    later = BedEvent(run.now_ms + 2**40, "ward-a", "bed-01", "event", b"{}")
    plugin._store.store([], [later])
    assert len(journal_files(tmp_path / "recorder")) == 2
    send(run, 1)
    send(run, 2, 62.0, at_ms=START_MS + 1)
    assert [one["value"] for one in history(run)["readings"]] == [61.0, 62.0]
    assert run.context.counts["duplicates"] == 1
    plugin._store.drop_older_than(run.now_ms + 2**41)
    assert not current.exists()


def test_a_damaged_file_is_set_aside_and_the_rest_serves(
    run: PluginRun, tmp_path: Path
) -> None:
    send(run, 1)
    run.stop()
    (path,) = journal_files(tmp_path / "recorder")
    path.write_bytes(b"not a database" * 1000)
    run.start()
    assert any("damaged" in text for text in run.context.trouble.values())
    send(run, 2)
    assert stored(run) == [("b1", 2)]


def test_a_full_disk_changes_nothing_and_is_got_over(
    run: PluginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(run, 1)
    plugin = run.plugin
    assert isinstance(plugin, Recorder)
    assert plugin._store is not None
    database = plugin._store._file._db
    (pages,) = database.execute("pragma page_count").fetchone()
    database.execute(f"pragma max_page_count={pages}")
    with pytest.raises(StorageError, match="full"):
        plugin.handle(_big_batch())
    assert run.context.counts["recorded"] == 1
    database.execute(f"pragma max_page_count={2**30}")
    plugin.handle(_big_batch())
    assert len(stored(run)) == 401


def _big_batch() -> list:  # type: ignore[type-arg]  # of messages
    from monitorme.messaging import Message

    samples = Lead(250.0, "mV", 0.005, list(range(250)))
    topic = str(VitalTopic(BED, "ecg"))
    return [
        Message(
            topic,
            Reading("d-1", "b1", seq, START_MS, {"II": samples}, "good").to_json(),
            START_MS,
        )
        for seq in range(2, 402)
    ]


@pytest.mark.parametrize(
    ("vital", "payload", "reason"),
    [
        ("heart_rate", b"\xff", "unparsable"),
        ("heart_rate", b"[]", "wrong_type"),
        ("heart_rate", b" " * 300_000, "oversized"),
        ("heart_rate", b'{"device":"d","boot":"b","seq":1,"time_ms":1,"value":"x",'
         b'"quality":"good"}', "wrong_kind"),
        ("phlogiston", b'{"device":"d","boot":"b","seq":1,"time_ms":1,"value":1,'
         b'"quality":"good"}', "unknown_vital"),
    ],
)  # fmt: skip
def test_what_is_refused_is_counted_and_kept(
    run: PluginRun, tmp_path: Path, vital: str, payload: bytes, reason: str
) -> None:
    run.send(VitalTopic(BED, vital), payload)
    assert run.context.counts[f"refused_{reason}"] == 1
    lines = (tmp_path / "recorder" / FILE_NAME).read_text().splitlines()
    assert json.loads(lines[0])["reason"].startswith(reason)
    send(run, 1)
    assert stored(run) == [("b1", 1)]


@pytest.mark.parametrize(
    "query",
    [
        "vital=phlogiston",
        "vital=heart_rate&from_ms=5&to_ms=5",
        "vital=heart_rate&from_ms=x",
        "vital=heart_rate&buckets=0",
        "vital=sleep_state&buckets=5",
        "vital=blood_pressure&buckets=5",
        "",
    ],
)
def test_nonsense_is_answered_with_400(run: PluginRun, query: str) -> None:
    answer = ask(run, f"/v1/beds/ward-a/bed-01/history?{query}", 400)
    assert isinstance(answer, dict)
    assert answer["detail"]


def test_events_are_found_by_time(run: PluginRun) -> None:
    run.send("monitorme/v1/ward-a/bed-01/event", b'{"kind": "alarm_raised"}')
    (found,) = ask(run, f"/v1/beds/ward-a/bed-01/events?to_ms={2**52}")  # type: ignore[misc]  # JSON
    assert found["payload"]["kind"] == "alarm_raised"


def test_a_comparison_finds_what_is_lost_doubled_and_altered() -> None:
    def line(seq: int, value: float) -> bytes:
        fields = {"device": "d", "boot": "b", "seq": seq, "bed": "w/b"}
        return json.dumps(
            {**fields, "vital": "v", "time_ms": 1, "value": value}
        ).encode()

    made = {("d", "b", seq): ("w/b", "v", 1, 7.0) for seq in (1, 2, 3)}
    outcome = compare(made, [line(1, 7.0), line(1, 7.0), line(2, 8.0), line(9, 7.0)])
    assert (outcome.lost, outcome.doubled, outcome.altered) == (1, 1, 1)
    assert not outcome.is_exact


def test_the_log_holds_a_batch_as_one_row(run: PluginRun, tmp_path: Path) -> None:
    plugin = run.plugin
    plugin.handle(_big_batch())
    (path,) = journal_files(tmp_path / "recorder")
    with sqlite3.connect(path) as db:
        assert db.execute("select count(*) from log").fetchone() == (1,)
    db.close()
