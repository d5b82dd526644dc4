"""The past over HTTP: page by page, by patient, with its gaps, and to take away."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import urllib3

from monitorme.contract.payloads import DeviceStatus
from monitorme.contract.readings import Lead, Reading, ReadingValue
from monitorme.contract.topics import AdmissionTopic, BedId, DeviceTopic, VitalTopic
from monitorme.testing import START_MS, PluginRun
from monitorme_recorder.hours import journal_files

HTTP = urllib3.PoolManager(retries=False)
ONE, TWO = BedId("ward-a", "bed-01"), BedId("ward-a", "bed-02")
HOUR_MS = 3_600_000


def send(
    run: PluginRun,
    seq: int,
    value: ReadingValue = 72.0,
    *,
    bed: BedId = ONE,
    vital: str = "heart_rate",
    device: str = "d-1",
    boot: str = "b1",
    at_ms: int | None = None,
    reason: str = "lead_off",
) -> None:
    quality = "invalid" if value is None else "good"
    why = reason if value is None else None
    time_ms = run.now_ms if at_ms is None else at_ms
    reading = Reading(device, boot, seq, time_ms, value, quality, why)  # type: ignore[arg-type]  # a literal
    run.send(VitalTopic(bed, vital), reading.to_json())


def admit(run: PluginRun, bed: BedId, patient: str) -> None:
    fields = {
        "admission": f"stay-of-{patient}",
        "patient": patient,
        "name": "Somebody",
        "mrn": f"MRN/{patient}",
        "category": "adult",
        "admitted_ms": run.now_ms,
        "since_ms": run.now_ms,
    }
    run.send(AdmissionTopic(bed), json.dumps(fields).encode())


def get(run: PluginRun, path: str, status: int = 200) -> urllib3.BaseHTTPResponse:
    answer = HTTP.request("GET", run.context.endpoints["history"] + path)
    assert answer.status == status, answer.data
    return answer


def ask(run: PluginRun, path: str, status: int = 200) -> Any:  # noqa: ANN401  # JSON
    return json.loads(get(run, path, status).data)


def seqs(found: dict[str, Any]) -> list[int]:
    return [one["seq"] for one in found["readings"]]


def test_pages_miss_nothing_and_repeat_nothing(run: PluginRun) -> None:
    for seq in range(1, 24):
        send(run, seq, at_ms=START_MS + seq // 4, device=f"d-{seq % 3}")
        if seq % 5 == 0:
            run.tick(after_ms=61_000)
    path = "/v1/beds/ward-a/bed-01/history?vital=heart_rate&limit=5"
    found: list[tuple[int, str, int]] = []
    after = ""
    while True:
        page = ask(run, path + after)
        found += [(one["at_ms"], one["device"], one["seq"]) for one in page["readings"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
        send(run, 100 + len(found), at_ms=START_MS + 10_000_000)
    assert sorted({seq for *_, seq in found if seq < 100}) == list(range(1, 24))
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    "query",
    [
        "vital=heart_rate&after=nonsense",
        "vital=heart_rate&after=1.d-1.b1.%D9%A1",
        "vital=heart_rate.mean",
        "vital=heart_rate&from_ms=5&to_ms=5",
        "vital=heart_rate&buckets=0",
        "vital=ecg&buckets=5",
        "vital=heart_rate%00",
        "vital=heart_rate&to_ms=99999999999999999999999",
        "vital=heart_rate&limit=100000000",
        "",
    ],
)
def test_nonsense_is_answered_with_400_and_a_reason(run: PluginRun, query: str) -> None:
    answer = ask(run, f"/v1/beds/ward-a/bed-01/history?{query}", 400)
    assert answer["detail"]


def test_a_patient_is_followed_and_a_predecessor_never_seen(run: PluginRun) -> None:
    admit(run, ONE, "anna")
    admit(run, TWO, "bert")
    for seq in range(1, 4):
        run.now_ms += 1_000
        send(run, seq, bed=ONE, device="d-1")
        send(run, seq, 90.0, bed=TWO, device="d-2")
    run.now_ms += 1_000
    run.send(AdmissionTopic(TWO), b"", retain=True)
    admit(run, TWO, "anna")
    run.send(AdmissionTopic(ONE), b"", retain=True)
    for seq in range(4, 7):
        run.now_ms += 1_000
        send(run, seq, bed=ONE, device="d-1")
        send(run, seq, 90.0, bed=TWO, device="d-2")
    anna = ask(run, "/v1/patients/anna/history?vital=heart_rate")
    assert [(one["device"], one["seq"]) for one in anna["readings"]] == [
        *[("d-1", seq) for seq in (1, 2, 3)],
        *[("d-2", seq) for seq in (4, 5, 6)],
    ]
    bert = ask(run, "/v1/patients/bert/history?vital=heart_rate")
    assert seqs(bert) == [1, 2, 3]
    (bucket,) = ask(run, "/v1/patients/anna/history?vital=heart_rate&buckets=1")[
        "buckets"
    ]
    assert (bucket["count"], bucket["min"], bucket["max"]) == (6, 72.0, 90.0)
    beds = [one["bed"] for one in ask(run, "/v1/patients/anna/stays")]
    assert beds == ["bed-01", "bed-02"]
    assert ask(run, "/v1/patients?mrn=MRN/anna") == ["anna"]
    assert ask(run, "/v1/patients?mrn=nobody") == []
    assert (
        "no patient" in ask(run, "/v1/patients/carl/history?vital=ecg", 404)["detail"]
    )


def test_a_stay_is_known_when_its_admission_has_left_the_journal(
    run: PluginRun, tmp_path: Path
) -> None:
    admit(run, ONE, "anna")
    send(run, 1)
    for _ in range(52):
        run.now_ms += HOUR_MS
        run.tick()
        send(run, run.now_ms // 1_000 - START_MS // 1_000 + 10)
    oldest = journal_files(tmp_path / "recorder")[0]
    assert oldest.name > "20"
    run.restart()
    assert ask(run, "/v1/beds/ward-a/bed-01/events?limit=10") == []
    (stay,) = ask(run, "/v1/patients/anna/stays")
    assert stay["to_ms"] is None
    assert len(seqs(ask(run, "/v1/patients/anna/history?vital=heart_rate"))) == 24


def test_a_gap_says_its_span_and_its_reason(run: PluginRun) -> None:
    for seq in range(1, 11):
        send(run, seq)
        run.now_ms += 500
    begin_ms = run.now_ms - 500
    for seq in range(11, 31):
        send(run, seq, None)
        run.now_ms += 500
    for seq in range(31, 41):
        send(run, seq)
        run.now_ms += 500
    quiet_ms = run.now_ms - 500
    run.now_ms += 60_000
    send(run, 41, boot="b2")
    path = f"/v1/beds/ward-a/bed-01/gaps?vital=heart_rate&from_ms={START_MS}"
    found = ask(run, path)
    spans = [(one["from_ms"], one["to_ms"], one["reason"]) for one in found]
    assert spans == [
        (begin_ms, begin_ms + 10_500, "lead_off"),
        (quiet_ms, quiet_ms + 60_500, "device_restarted"),
    ]


def test_a_gap_of_lost_readings_says_why_they_are_lost(run: PluginRun) -> None:
    send(run, 1)
    begin_ms = run.now_ms
    run.now_ms += 30_000
    status = DeviceStatus(
        state="online", device="d-1", boot="b1", vitals=("heart_rate",),
        time_ms=run.now_ms, held_from_seq=60,
    )  # fmt: skip
    run.send(DeviceTopic(ONE, "d-1", "status"), status.to_json())
    send(run, 60)
    path = f"/v1/beds/ward-a/bed-01/gaps?vital=heart_rate&from_ms={begin_ms}"
    (gap,) = ask(run, path)
    assert (gap["from_ms"], gap["to_ms"]) == (begin_ms, begin_ms + 30_000)
    assert gap["reason"] == "gone_at_device"
    (lost,) = ask(run, "/v1/beds/ward-a/bed-01/gaps")
    assert (lost["first_seq"], lost["last_seq"]) == (2, 59)

    # What was thought to be gone has come after all: of it nothing is missing.
    send(run, 40)
    found = ask(run, "/v1/beds/ward-a/bed-01/gaps")
    spans = [(one["first_seq"], one["last_seq"]) for one in found]
    assert spans == [(2, 39), (41, 59)]
    for seq in (*range(2, 40), *range(41, 60)):
        send(run, seq)
    assert ask(run, "/v1/beds/ward-a/bed-01/gaps") == []
    run.restart()
    assert ask(run, "/v1/beds/ward-a/bed-01/gaps") == []


def test_an_hour_that_is_damaged_is_a_gap_and_the_rest_is_there(
    run: PluginRun, tmp_path: Path
) -> None:
    for hour in range(3):
        send(run, hour + 1)
        run.now_ms += HOUR_MS
    send(run, 4)
    path = journal_files(tmp_path / "recorder")[1]
    with path.open("r+b") as file:
        file.seek(0)
        file.write(b"\x00" * 4_096)
    run.restart()
    found = ask(run, "/v1/beds/ward-a/bed-01/history?vital=heart_rate")
    assert seqs(found) == [1, 3, 4]
    gaps = ask(run, f"/v1/beds/ward-a/bed-01/gaps?vital=heart_rate&from_ms={START_MS}")
    assert gaps[0]["reason"] == "journal_damaged"
    run.tick()
    assert any("is damaged" in said for said in run.context.trouble.values())
    alarm = run.context.alarms["journal_damaged"]
    assert "is damaged in the hours from" in alarm.text
    run.tick(after_ms=60 * HOUR_MS)
    run.tick()
    assert not run.context.alarms, "it is over when the hour has been dropped"
    assert not run.context.trouble


def test_the_latest_of_a_ward_are_asked_for_together(run: PluginRun) -> None:
    send(run, 1, 61.0)
    send(run, 2, 62.0)
    send(run, 1, 91.0, bed=TWO, device="d-2")
    found = ask(run, "/v1/wards/ward-a/latest")
    assert found["bed-01"]["heart_rate"]["value"] == 62.0
    assert found["bed-02"]["heart_rate"]["value"] == 91.0
    assert found["bed-03"] == {}
    run.tick(after_ms=61_000)
    run.restart()
    assert ask(run, "/v1/wards/ward-a/latest") == found


def send_all_kinds(run: PluginRun) -> None:
    send(run, 1, 71.5)
    send(run, 2, None)
    pressure = {"systolic": 120.0, "diastolic": 80.0}
    send(run, 3, pressure, vital="blood_pressure")  # type: ignore[arg-type]  # numbers
    send(run, 4, "asleep", vital="sleep_state")
    block = {"II": Lead(250.0, "mV", 0.5, [1, -2, 3], offset=1.0)}
    send(run, 5, block, vital="ecg")  # type: ignore[arg-type]  # leads


def test_csv_has_a_row_for_every_number_word_and_block(run: PluginRun) -> None:
    send_all_kinds(run)
    answer = get(run, "/v1/beds/ward-a/bed-01/export")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode())))
    numbers = [row["number"] for row in rows if row["vital"] == "heart_rate"]
    assert numbers == ["71.5", ""]
    assert {(r["component"], r["number"]) for r in rows if r["unit"] == "mm[Hg]"} == {
        ("systolic", "120.0"),
        ("diastolic", "80.0"),
    }
    (ecg,) = (row for row in rows if row["vital"] == "ecg")
    assert (ecg["component"], ecg["samples"]) == ("II", "1.5 0 2.5")
    (sleep,) = (row for row in rows if row["vital"] == "sleep_state")
    assert sleep["word"] == "asleep"


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_says_what_csv_says(run: PluginRun, form: str) -> None:
    send_all_kinds(run)
    data = get(run, f"/v1/beds/ward-a/bed-01/export?format={form}").data
    rows = json.loads(data) if form == "json" else [*map(json.loads, data.splitlines())]
    assert [row.get("number") for row in rows[:2]] in ([71.5, None], [None, 71.5])
    assert len(rows) == 6


def test_parquet_is_read_by_others(run: PluginRun) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    send_all_kinds(run)
    path = "/v1/beds/ward-a/bed-01/export?format=parquet&vital=heart_rate&vital=ecg"
    table = parquet.read_table(io.BytesIO(get(run, path).data))
    assert table.column("number").to_pylist() == [71.5, None, None]
    assert table.column("samples").to_pylist()[2] == [1.5, 0.0, 2.5]
    assert table.column("vital").to_pylist() == ["heart_rate", "heart_rate", "ecg"]


def test_an_empty_export_is_a_table_without_rows(run: PluginRun) -> None:
    assert get(run, "/v1/beds/ward-a/bed-01/export").data.count(b"\n") == 1
    assert ask(run, "/v1/beds/ward-a/bed-01/export?format=json") == []


def test_without_pyarrow_it_says_what_to_install(
    run: PluginRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "monitorme_recorder.export.parquet", None)
    answer = ask(run, "/v1/beds/ward-a/bed-01/export?format=parquet", 501)
    assert "monitorme-recorder[parquet]" in answer["detail"]


def test_a_finished_hour_leaves_no_log_behind_though_history_has_it_open(
    run: PluginRun, tmp_path: Path
) -> None:
    for seq in range(1, 50):
        send(run, seq)
    path = "/v1/beds/ward-a/bed-01/history?vital=heart_rate"
    assert len(seqs(ask(run, path))) == 49
    run.now_ms += HOUR_MS
    send(run, 50)
    finished = journal_files(tmp_path / "recorder")[0]
    log = finished.with_name(finished.name + "-wal")
    assert not log.exists() or log.stat().st_size == 0
    assert len(seqs(ask(run, path))) == 50
