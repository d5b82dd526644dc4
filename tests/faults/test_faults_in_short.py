"""A short version of the fault suite: a small hospital, and every fault once."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.faults import suite
from tests.faults.catalogue import FAULTS, Fault, named
from tests.faults.hospital import Hospital, running_hospital
from tests.faults.plan import Plan

pytestmark = [pytest.mark.broker, pytest.mark.slow]

SEED = 20_261_126
TOGETHER = (
    (
        "recorder-killed",
        "broker-killed",
        "devices-killed",
        "device-process-killed",
        "recorder-and-broker-killed",
        "stale-acknowledgement",
    ),
    (
        "bridge-killed",
        "network-cut",
        "network-swallows",
        "network-halves",
        "network-slow",
        "device-clock-back",
        "hub-clock-back",
    ),
    (
        "everything-killed",
        "bridge-and-broker-killed",
        "recorder-stopped",
        "broker-stopped",
        "devices-stopped",
        "device-process-stopped",
        "bridge-stopped",
    ),
)
"""Faults that share a hospital; what dies often is started again ever later."""
ALONE = (
    "services-killed",
    "embedded-broker-killed",
    "disk-full",
    "torn-page-of-a-closed-hour",
)
SHIPPING = (
    "influxdb-stalled-and-broker-killed",
    "influxdb-killed",
    "influxdb-stopped",
    "recorder-killed-while-shipping",
)
TORN = (
    "torn-page-of-the-current-hour",
    "killed-while-an-hour-is-written-anew",
    "torn-write-ahead-log",
)
SHARED = Plan(beds=30, is_relayed=True, device_processes=3, lines=3)


def play(hospital: Hospital, faults: Sequence[Fault]) -> None:
    """Do each once, soon after the one before."""
    suite.play(hospital, faults, times=1, chance=Random(SEED), longest_wait_s=1.0)


def test_every_fault_of_the_suite_is_done_here() -> None:
    here = [name for names in (*TOGETHER, ALONE, SHIPPING, TORN) for name in names]
    assert sorted(here) == sorted(one.name for one in FAULTS)


@pytest.mark.parametrize("names", TOGETHER, ids=lambda names: names[0])
def test_faults_one_after_the_other_lose_nothing(
    tmp_path: Path, names: Sequence[str]
) -> None:
    faults = [named(name) for name in names]
    for fault in faults:
        fault.needs()
    with running_hospital(tmp_path, SHARED) as hospital:
        play(hospital, faults)
        hospital.end_load()
        verdict, named_lost = hospital.verify(), hospital.named_losses()
    assert verdict.made > 500
    assert named_lost == 0, "nothing is told to be lost that is not"
    assert verdict.is_exact, verdict


@pytest.mark.parametrize("name", ALONE)
def test_a_fault_of_a_hospital_of_its_own_loses_nothing(
    tmp_path: Path, name: str
) -> None:
    fault = named(name)
    fault.needs()
    row = suite.run(fault, times=1, seed=SEED, beds=20, folder=tmp_path)
    assert row.verdict.made > 100
    assert row.verdict.is_exact, row
    assert not row.wrong_alarms
    assert row.is_kept, row


def test_influxdb_and_recorder_are_killed_and_influxdb_has_everything(
    tmp_path: Path,
) -> None:
    faults = [named(name) for name in SHIPPING]
    for fault in faults:
        fault.needs()
    with running_hospital(tmp_path, Plan(beds=20, has_influxdb=True)) as hospital:
        play(hospital, faults)
        hospital.end_load()
        verdict, shipped = hospital.verify(), hospital.verify_influxdb()
    assert verdict.is_exact, verdict
    assert shipped == verdict


def test_torn_pages_of_the_hour_that_is_written_lose_nothing(
    tmp_path: Path,
) -> None:
    faults = [named(name) for name in TORN]
    for fault in faults:
        fault.needs()
    with running_hospital(tmp_path, Plan(beds=20)) as hospital:
        play(hospital, faults)
        hospital.end_load()
        verdict, named_lost = hospital.verify(), hospital.named_losses()
    assert verdict.stored > 0
    assert verdict.is_exact, verdict
    assert named_lost == 0, "nothing is told to be lost that is not"
