"""A short version of the fault suite: a small hospital, and most faults once."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.faults import suite
from tests.faults.catalogue import named
from tests.faults.hospital import Plan, running_hospital

pytestmark = [pytest.mark.broker, pytest.mark.slow]

SEED = 20_261_126
TOGETHER = (
    (
        "recorder-killed",
        "broker-killed",
        "devices-killed",
        "recorder-and-broker-killed",
        "stale-acknowledgement",
    ),
    ("network-cut", "network-halves", "device-clock-back", "hub-clock-back"),
    ("recorder-stopped", "broker-stopped"),
)
"""Faults that share a hospital; the others have one of their own."""


@pytest.mark.parametrize("names", TOGETHER, ids=lambda names: names[0])
def test_faults_one_after_the_other_lose_nothing(
    tmp_path: Path, names: Sequence[str]
) -> None:
    faults = [named(name) for name in names]
    for fault in faults:
        fault.needs()
    with running_hospital(tmp_path, Plan(beds=30, is_relayed=True)) as hospital:
        suite.play(hospital, faults, times=1, chance=Random(SEED))
        hospital.end_load()
        verdict, named_lost = hospital.verify(), hospital.named_losses()
    assert verdict.made > 500
    assert named_lost == 0, "nothing is told to be lost that is not"
    assert verdict.is_exact, verdict


@pytest.mark.parametrize("name", ["embedded-broker-killed", "disk-full"])
def test_a_fault_of_a_hospital_of_its_own_loses_nothing(
    tmp_path: Path, name: str
) -> None:
    fault = named(name)
    fault.needs()
    row = suite.run(fault, times=1, seed=SEED, beds=20, folder=tmp_path)
    assert row.verdict.made > 100
    assert row.verdict.is_exact, row
    assert row.is_kept, row


def test_influxdb_and_recorder_are_killed_and_influxdb_has_everything(
    tmp_path: Path,
) -> None:
    faults = [named("influxdb-stalled-and-broker-killed"), named("influxdb-killed")]
    faults.append(named("recorder-killed-while-shipping"))
    for fault in faults:
        fault.needs()
    with running_hospital(tmp_path, Plan(beds=20, has_influxdb=True)) as hospital:
        suite.play(hospital, faults, times=1, chance=Random(SEED))
        hospital.end_load()
        verdict, shipped = hospital.verify(), hospital.verify_influxdb()
    assert verdict.is_exact, verdict
    assert shipped == verdict


def test_a_torn_page_is_set_aside_and_every_lost_reading_is_named(
    tmp_path: Path,
) -> None:
    fault = named("torn-page-of-the-current-hour")
    fault.needs()
    row = suite.run(fault, times=1, seed=SEED, beds=20, folder=tmp_path)
    assert row.verdict.stored > 0
    assert (row.verdict.doubled, row.verdict.altered) == (0, 0)
    assert row.named >= row.verdict.lost
