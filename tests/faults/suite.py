"""Doing a fault to a hospital at random moments, and judging what came of it."""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from time import sleep

from monitorme_recorder.verify import Comparison
from tests.faults.catalogue import Fault
from tests.faults.hospital import Hospital, running_hospital


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a fault that was done a number of times.

    `named` are the readings that the recorder itself names as lost. None may be but
    where a disk is broken (`may_lose`), and there every lost one has to be.
    """

    fault: str
    times: int
    verdict: Comparison
    named: int
    slowest_s: float
    seed: int
    beds: int
    may_lose: bool = False
    wrong_alarms: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether the promise held."""
        verdict = self.verdict
        is_told = self.named >= verdict.lost and (self.may_lose or not self.named)
        is_exact = not (verdict.doubled or verdict.altered or self.wrong_alarms)
        return is_told and is_exact


def play(
    hospital: Hospital,
    faults: Iterable[Fault],
    *,
    times: int,
    chance: Random,
    longest_wait_s: float = 2.5,
) -> float:
    """Do faults at random moments; returns the seconds of the slowest recovery.

    Each comes within `longest_wait_s` after all was well again.
    """
    slowest_s = 0.0
    for fault in faults:
        for _ in range(1 if fault.is_once else times):
            sleep(chance.uniform(0.3, longest_wait_s))
            fault.inject(hospital, chance)
            slowest_s = max(slowest_s, hospital.wait_recovered())
    return slowest_s


def run(fault: Fault, *, times: int, seed: int, beds: int, folder: Path) -> Row:
    """Run a fault in a hospital of its own."""
    chance = Random(f"{seed} {fault.name}")
    plan = replace(fault.plan, beds=min(beds, fault.plan.beds))
    with running_hospital(folder, plan) as hospital:
        slowest_s = play(hospital, [fault], times=times, chance=chance)
        wrong_alarms = hospital.wrong_alarms()
        hospital.end_load()
        verdict = hospital.verify()
        if plan.has_influxdb and (verdict.is_exact or fault.names_losses):
            verdict = hospital.verify_influxdb()
        named = hospital.named_losses()
    times = 1 if fault.is_once else times
    return Row(
        *(fault.name, times, verdict, named, slowest_s, seed, plan.beds),
        may_lose=fault.names_losses,
        wrong_alarms=tuple(wrong_alarms),
    )


def run_and_clean(fault: Fault, *, times: int, seed: int, beds: int) -> Row:
    """Run a fault in a folder that stays only where the promise was broken."""
    folder = Path(tempfile.mkdtemp(prefix=f"monitorme-{fault.name}-"))
    row = run(fault, times=times, seed=seed, beds=beds, folder=folder)
    if row.is_kept:
        shutil.rmtree(folder, ignore_errors=True)
    return row
