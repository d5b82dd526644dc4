"""A ward to watch: who lies in its beds, and what happens to them when."""

from dataclasses import dataclass
from random import Random
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme_device_sim import scenarios
from monitorme_device_sim.physiology.patient import NOON_S, Patient
from monitorme_device_sim.physiology.profile import Profile
from monitorme_device_sim.scenarios import Scenario

EVENTFUL: Final = (
    "desaturation",
    "tachycardia",
    "fever",
    "lead_off",
    "bradycardia_to_asystole",
    "probe_off",
    "device_silent",
    "sepsis",
    "ventricular_tachycardia",
    "wrong_clock",
)
"""What happens in a demonstration, to every third bed in turn."""
EVERY: Final = 3
EARLIEST_S, LATEST_S = 4.0, 14.0
"""When it begins: soon, but not everywhere at once."""


@dataclass(frozen=True, slots=True)
class WardBed:
    """One bed of a simulated ward."""

    profile: Profile
    scenario_name: str
    scenario: Scenario
    delay_s: float
    seed: int
    phase: float

    def patient(
        self, start_time_of_day_s: float = NOON_S, catalogue: Catalogue | None = None
    ) -> Patient:
        """Return the source of the bed's values."""
        return Patient(
            self.profile,
            self.seed,
            start_time_of_day_s,
            catalogue,
            scenario=self.scenario,
            delay_s=self.delay_s,
            phase=self.phase,
        )


def demo_ward(seed: int = 1, beds: int = 20) -> list[WardBed]:
    """Return a ward in which something happens to about a third of the beds."""
    known = scenarios.load()
    rng = Random(f"{seed}:ward")
    return [_bed(number, beds, rng, known) for number in range(beds)]


def quiet_ward(seed: int = 1, beds: int = 20, *, skipped: int = 0) -> list[WardBed]:
    """Return a ward of stable patients, for load.

    `skipped` beds come before it: another process has them, and their patients.
    """
    known = {"stable": scenarios.STABLE}
    rng = Random(f"{seed}:ward")
    everybody = [_bed(number, beds, rng, known) for number in range(skipped + beds)]
    return everybody[skipped:]


def _bed(number: int, beds: int, rng: Random, known: dict[str, Scenario]) -> WardBed:
    seed, delay_s = rng.getrandbits(48), rng.uniform(EARLIEST_S, LATEST_S)
    turn, rest = divmod(number, EVERY)
    name = EVENTFUL[turn % len(EVENTFUL)] if rest == 1 else "stable"
    name = name if name in known else "stable"
    return WardBed(
        profile=Profile.drawn(seed),
        scenario_name=name,
        scenario=known[name],
        delay_s=delay_s,
        seed=seed,
        phase=number / beds,
    )
