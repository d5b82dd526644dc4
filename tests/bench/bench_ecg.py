"""What an electrocardiogram costs: processor per bed-second, and a ward's share of a core.

A lead is made at 250 Hz with some noise and handed over in blocks of a second, as a
device sends it. `beats` is the detector alone, `heart` all that is judged of it, `rule`
what the service does with a block, its decoding aside.
"""

import time
from collections.abc import Callable

import numpy as np

from monitorme.contract.readings import Lead
from monitorme.contract.vitals import Catalogue
from monitorme_analysis.ecg.detector import BeatDetector
from monitorme_analysis.ecg.heart import Heart
from monitorme_analysis.ecg.rule import Ecg, EcgSettings
from monitorme_analysis.rule import Observed, RuleContext
from monitorme_analysis.validation.made import made_ecg, regular

RATE_HZ = 250
SECONDS = 600
BEDS = 500
BUDGET_US = 150
RUNS = 3


def main() -> None:
    """Print microseconds per bed-second, and the share of a core of 500 beds."""
    lead = made_ecg(regular(745, 0.8), SECONDS, RATE_HZ, noise_mv=0.03)
    blocks = [part[None] for part in np.split(lead, SECONDS)]
    scale = 0.005
    waves = [(part[0] / scale).round().astype(int).tolist() for part in blocks]
    values = [{"II": Lead(RATE_HZ, "mV", scale, wave)} for wave in waves]

    def beats() -> None:
        detector = BeatDetector(RATE_HZ, ("II",))
        for block in blocks:
            detector.feed(block)

    def heart() -> None:
        judged = Heart()
        judged.begin_ecg(RATE_HZ, ("II",), 0)
        for block in blocks:
            for _ in judged.take_ecg(block):
                pass

    def rule() -> None:
        ecg, context = Ecg(EcgSettings()), RuleContext(Catalogue.load())
        state = ecg.begin()
        for second, value in enumerate(values):
            at_ms = 1_700_000_000_000 + second * 1_000
            observed = Observed(
                "ecg", at_ms, at_ms, value, "good", None, "d", "b", second + 1, value
            )
            state, _ = ecg.step(state, observed, context)

    yardstick = _cost_us(_yardstick)
    print(f"yardstick (a dot product of 1,000 numbers, 100 times): {yardstick:.0f} us")
    for name, run in (("beats", beats), ("heart", heart), ("rule", rule)):
        cost_us = _cost_us(run)
        share = 100 * cost_us * BEDS / 1e6
        print(
            f"{name:5s} {cost_us:6.0f} us a bed-second, {cost_us / BUDGET_US:4.2f} of "
            f"{BUDGET_US} us; {BEDS} beds: {share:4.1f} % of a core"
        )


def _yardstick() -> None:
    """Do a fixed piece of work, that tells a slow machine from a slow program."""
    numbers = np.arange(1_000.0)
    for _ in range(100 * SECONDS):
        numbers.dot(numbers)


def _cost_us(run: Callable[[], None]) -> float:
    """Return the least processor time of some runs, for each second of the lead."""
    costs = []
    for _ in range(RUNS):
        began = time.process_time()
        run()
        costs.append(time.process_time() - began)
    return min(costs) / SECONDS * 1e6


if __name__ == "__main__":
    main()
