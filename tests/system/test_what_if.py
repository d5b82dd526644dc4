"""What if, asked of a recorder's history over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from monitorme.contract.readings import Reading, ReadingValue
from monitorme.contract.topics import BedId, VitalTopic
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


def test_a_recorder_that_is_not_there_is_said_so() -> None:
    arguments = ["replay", "--history", "http://127.0.0.1:9", "--bed", "ward-a/bed-01"]
    result = CliRunner().invoke(analysis, arguments)
    assert result.exit_code == 1
    assert "no answer from the recorder at http://127.0.0.1:9" in str(result.exception)
