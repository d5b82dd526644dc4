"""The Bundle before an independent FHIR validator, where one is at hand."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from monitorme.contract.payloads import Admission
from monitorme.contract.readings import Lead
from monitorme.contract.vitals import Catalogue
from monitorme_record_forwarding.bundle import Newest, snapshot_bundle

JAR_VARIABLE = "MONITORME_FHIR_VALIDATOR"


def test_an_independent_validator_finds_no_error(tmp_path: Path) -> None:
    jar = os.environ.get(JAR_VARIABLE)
    if not jar:
        pytest.skip(f"no FHIR validator: {JAR_VARIABLE} names no jar")
    paths = []
    for name, values in (("full", _full()), ("empty", {})):
        bundle = snapshot_bundle(_someone(), values, Catalogue.load(), _AT)
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(bundle), encoding="utf-8")
        paths.append(str(path))
    answer = subprocess.run(
        ["java", "-jar", jar, *paths], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


_AT = 1_796_000_000_000


def _someone() -> Admission:
    fields = {
        "admission": "a-1",
        "patient": "p-1",
        "name": "Ada Abel",
        "mrn": "4711",
        "category": "adult",
        "admitted_ms": 1,
        "since_ms": 1,
    }
    return Admission.model_validate(fields, strict=False)


def _full() -> dict[str, Newest]:
    values = {
        "heart_rate": 72.0,
        "ecg": {"II": Lead(250.0, "mV", 0.005, [0, 1, 180, -3])},
        "respiratory_rate": 14.0,
        "oxygen_saturation": 97.0,
        "blood_glucose": 110.0,
        "sleep_state": "asleep",
        "body_temperature": 37.2,
        "blood_pressure": {"systolic": 120.0, "diastolic": 80.0},
    }
    return {
        name: Newest("d-1", _AT, value, None, is_stale=False)  # type: ignore[arg-type]  # of all kinds
        for name, value in values.items()
    }
