"""The history API keeps to its document, whatever it is asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from monitorme.contract.readings import Lead, Reading
from monitorme.contract.topics import AdmissionTopic, BedId, VitalTopic
from monitorme.plugin import wall_clock_ms
from monitorme.testing import PluginRun
from monitorme_recorder.api.document import history_document
from monitorme_recorder.config import RecorderConfig
from monitorme_recorder.plugin import Recorder

schemathesis = pytest.importorskip("schemathesis")
hypothesis = pytest.importorskip("hypothesis")

EXAMPLES: Final = 30
DOCUMENT = Path(__file__).parents[2] / "docs" / "history.openapi.json"
BED = BedId("ward-a", "bed-01")


@pytest.fixture(scope="module")
def history_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the history of a patient with some readings of every kind."""
    run = PluginRun(
        Recorder,
        tmp_path_factory.mktemp("recorder"),
        config=RecorderConfig(port=0),
        now_ms=wall_clock_ms(),
    )
    admission = {
        "admission": "stay-1",
        "patient": "anna",
        "name": "Anna",
        "mrn": "1",
        "category": "adult",
        "admitted_ms": run.now_ms,
        "since_ms": run.now_ms,
    }
    run.send(AdmissionTopic(BED), json.dumps(admission).encode())
    values = {
        "heart_rate": 72.0,
        "blood_pressure": {"systolic": 120.0},
        "sleep_state": "awake",
        "ecg": {"II": Lead(250.0, "mV", 0.1, [1, 2, 3])},
    }
    for seq, (vital, value) in enumerate(values.items(), 1):
        reading = Reading("d-1", "b1", seq, run.now_ms, value, "good")  # type: ignore[arg-type]  # of all kinds
        run.send(VitalTopic(BED, vital), reading.to_json())
    yield run.context.endpoints["history"]
    run.stop()


SCHEMA = schemathesis.openapi.from_dict(json.loads(history_document()))
OPERATIONS = [one.ok() for one in SCHEMA.get_all_operations()]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.path)
@pytest.mark.parametrize("sense", ["positive", "negative"])
def test_every_answer_is_as_documented(
    operation: Any,  # noqa: ANN401  # schemathesis's APIOperation
    sense: str,
    history_url: str,
) -> None:
    mode = schemathesis.GenerationMode(sense)

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        derandomize=True,
        database=None,
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:  # noqa: ANN401
        if sense == "positive":
            where = {"ward": "ward-a", "bed": "bed-01", "patient": "anna"}
            case.path_parameters = {
                name: where[name] for name in case.path_parameters or ()
            }
            if "vital" in (case.query or {}):
                case.query["vital"] = "heart_rate"
        # That one time is before another is not for a schema to say.
        excluded = [schemathesis.checks.positive_data_acceptance]
        case.call_and_validate(base_url=history_url, excluded_checks=excluded)

    if sense == "negative" and not any(operation.iter_parameters()):
        pytest.skip("it takes nothing that could be nonsense")
    ask()


def test_the_committed_document_is_current() -> None:
    wanted = "run `make docs`"
    assert DOCUMENT.read_text(encoding="utf-8") == history_document(), wanted
