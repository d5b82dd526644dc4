"""What if, asked of a recorder's history over HTTP."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitorme.contract.payloads import Admission, Event
from monitorme.contract.readings import Reading, ReadingValue
from monitorme.contract.topics import AdmissionTopic, BedId, EventTopic, VitalTopic
from monitorme.testing import START_MS, PluginRun
from monitorme_analysis.commands import analysis
from monitorme_analysis.replay import history
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.plugin import Recorder

BED = BedId("ward-a", "bed-01")
MINUTE_MS = 60_000


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[PluginRun]:
    run = PluginRun(
        Recorder, tmp_path / "recorder", config=RecorderConfig(port=0), now_ms=START_MS
    )
    yield run
    run.stop()


def record(run: PluginRun) -> None:
    """Have ten minutes recorded: a minute of low saturation, and one high pressure."""
    values: list[tuple[int, str, ReadingValue]] = []
    for second in range(0, 600, 5):
        low = 180 <= second < 240
        values.append((second, "oxygen_saturation", 84.0 if low else 97.0))
    values.append((300, "blood_pressure", {"systolic": 210.0, "diastolic": 80.0}))
    values.append((301, "sleep_state", "awake"))
    values.sort(key=lambda one: one[0])
    for seq, (second, vital, value) in enumerate(values, start=1):
        run.now_ms = START_MS + second * 1_000
        reading = Reading("d-1", "b1", seq, run.now_ms, value, "good")
        run.send(VitalTopic(BED, vital), reading.to_json())
    run.now_ms += MINUTE_MS


def asked(run: PluginRun, *options: str) -> list[dict[str, Any]]:
    url = run.context.endpoints["history"]
    until = f"{START_MS + 600_000}"
    arguments = ["replay", "--history", url, "--bed", str(BED), "--to", until, *options]
    result = CliRunner().invoke(analysis, arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("page", [7, 20_000])
def test_history_is_judged_as_the_live_service_would(
    recorder: PluginRun, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE", page)
    record(recorder)
    found = {one["code"]: one for one in asked(recorder)}
    low = found["oxygen_saturation_low"]
    assert (low["bed"], low["from_ms"], low["worst"]) == (
        "ward-a/bed-01",
        START_MS + 180_000,
        84.0,
    )
    assert START_MS + 240_000 <= low["to_ms"] <= START_MS + 250_000
    assert found["blood_pressure_systolic_high"]["worst"] == 210.0


def test_only_the_range_that_is_asked_for_is_judged(recorder: PluginRun) -> None:
    record(recorder)
    codes = {one["code"] for one in asked(recorder, "--from", f"{START_MS + 260_000}")}
    assert "blood_pressure_systolic_high" in codes
    assert "oxygen_saturation_low" not in codes


def someone(number: int, second: int, **known: str) -> Admission:
    at_ms = START_MS + second * 1_000
    fields = {
        "admission": f"a-{number}",
        "patient": f"p-{number}",
        "name": "Ada",
        "mrn": str(number),
        "category": "adult",
        "admitted_ms": at_ms,
        "since_ms": at_ms,
        **known,
    }
    return Admission.model_validate(fields, strict=False)


def limits_set(admission: str, second: int, **band: float) -> Event:
    after = json.dumps({"awake": band})
    return Event(
        id=f"e-{second}",
        time_ms=START_MS + second * 1_000,
        service="analysis",
        kind="limits_set",
        by="nurse",
        admission=admission,
        details={"vital": "heart_rate", "before": None, "after": after},
    )


Said = tuple[int, Admission | Event | None]
"""When it is said, and who lies there from then on (None: nobody), or an event."""


def beats(run: PluginRun, said: Sequence[Said], rates: Sequence[float]) -> None:
    """Record a heart rate a second, and what is said meanwhile."""
    for second, rate in enumerate(rates):
        run.now_ms = START_MS + second * 1_000
        for _, what in [one for one in said if one[0] == second]:
            if isinstance(what, Event):
                run.send(EventTopic(BED), what)
            else:
                run.send(AdmissionTopic(BED), what or b"", retain=True)
        reading = Reading("d-1", "b1", second + 1, run.now_ms, rate, "good")
        run.send(VitalTopic(BED, "heart_rate"), reading.to_json())
    run.now_ms += MINUTE_MS


def spans(found: list[dict[str, Any]], code: str) -> list[tuple[float, float | None]]:
    """Return from when to when a condition held, in seconds of the recording."""
    return [
        tuple(
            None if one[name] is None else (one[name] - START_MS) / 1_000
            for name in ("from_ms", "to_ms")
        )
        for one in found
        if one["code"] == code
    ]


def test_a_successor_begins_anew_and_nobody_is_judged_in_between(
    recorder: PluginRun,
) -> None:
    said: list[Said] = [(10, someone(1, 10)), (200, None), (300, someone(2, 300))]
    beats(recorder, said, [140.0] * 500)
    assert spans(asked(recorder), "heart_rate_high") == [(10, 200), (300, None)]


def test_limits_of_a_patient_count_from_when_they_were_set_and_for_nobody_else(
    recorder: PluginRun,
) -> None:
    said: list[Said] = [
        (0, someone(1, 0)),
        (100, limits_set("a-1", 100, high=145.0)),
        (300, someone(2, 300)),
    ]
    beats(recorder, said, [140.0] * 500)
    assert spans(asked(recorder), "heart_rate_high") == [(0, 100), (300, None)]


def test_what_was_set_before_the_range_counts_in_it(recorder: PluginRun) -> None:
    said: list[Said] = [(0, someone(1, 0)), (20, limits_set("a-1", 20, high=145.0))]
    beats(recorder, said, [140.0] * 300)
    found = asked(recorder, "--from", f"{START_MS + 100_000}")
    assert spans(found, "heart_rate_high") == []


@pytest.mark.parametrize("is_someone_else", [True, False])
def test_a_predecessors_rate_is_no_baseline(
    recorder: PluginRun, is_someone_else: bool
) -> None:
    rates = [60.0] * 1_500 + [60.0 + second / 30 for second in range(1_500)]
    said: list[Said] = [(0, someone(1, 0))]
    if is_someone_else:
        said.append((2_700, someone(2, 2_700)))
    beats(recorder, said, rates)
    found = asked(recorder, "--to", f"{START_MS + 3_000_000}")
    after_ms = START_MS + 2_700_000
    rings = [
        one["code"] for one in found if one["to_ms"] is None or one["to_ms"] > after_ms
    ]
    assert ("heart_rate_rising" not in rings) is is_someone_else, rings


def test_a_newborn_is_judged_as_one_unless_the_question_says_otherwise(
    recorder: PluginRun,
) -> None:
    beats(recorder, [(0, someone(1, 0, category="neonate"))], [140.0] * 60)
    assert spans(asked(recorder), "heart_rate_high") == []
    as_adult = asked(recorder, "--category", "adult")
    assert spans(as_adult, "heart_rate_high") == [(0, None)]


def test_who_was_admitted_before_the_events_begin_is_judged_as_what_they_are(
    recorder: PluginRun,
) -> None:
    recorder.send(AdmissionTopic(BED), someone(1, 0, category="neonate"), retain=True)
    days_ms = 3 * 86_400_000
    recorder.tick(after_ms=1_000)
    recorder.now_ms += days_ms
    for second in range(60):
        reading = Reading("d-1", "b1", second + 1, recorder.now_ms, 140.0, "good")
        recorder.send(VitalTopic(BED, "heart_rate"), reading.to_json())
        recorder.tick(after_ms=1_000)
    url = recorder.context.endpoints["history"]
    with urllib.request.urlopen(f"{url}/v1/patients/p-1/events") as answer:
        assert json.load(answer) == [], "the admission has left the journal"
    arguments = ["replay", "--history", url, "--bed", str(BED)]
    arguments += ["--from", str(START_MS + days_ms), "--to", str(recorder.now_ms + 1)]
    result = CliRunner().invoke(analysis, arguments)
    assert result.exit_code == 0, result.output
    assert "no longer knows" not in result.output
    assert "heart_rate_high" not in result.output
    as_adult = CliRunner().invoke(analysis, [*arguments, "--category", "adult"])
    assert "heart_rate_high" in as_adult.output


def test_a_recorder_that_is_not_there_is_said_so() -> None:
    arguments = ["replay", "--history", "http://127.0.0.1:9", "--bed", "ward-a/bed-01"]
    result = CliRunner().invoke(analysis, arguments)
    assert result.exit_code == 1
    assert "no answer from the recorder at http://127.0.0.1:9" in str(result.exception)
