"""Where irregularity is told: on recordings, and on hearts made to fibrillate."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitorme_analysis.ecg.heart import Heart
from monitorme_analysis.recording.kinds import ecg_leads
from monitorme_analysis.recording.wfdb_record import Record, read_record
from monitorme_analysis.validation.annotations import read_annotations
from monitorme_analysis.validation.made import fibrillating_atria, made_ecg, premature
from monitorme_analysis.validation.markdown import paragraph, table

CODE: Final = "ecg_irregular"
RATES: Final = (50, 60, 80, 100, 120, 150)
SHARES: Final = (0.0, 0.05, 0.1, 0.2, 0.3)
HEARTS: Final = 20
_SECONDS: Final = 300
_RATE_HZ: Final = 250
_WORDS: Final = {
    "N": "sinus",
    "SBR": "sinus bradycardia",
    "B": "ventricular bigeminy",
    "T": "ventricular trigeminy",
    "VT": "ventricular tachycardia",
}


def report(data: Path) -> Iterator[str]:
    """Yield what is said of `ecg_irregular`."""
    yield paragraph(
        """Irregularity suggestive of atrial fibrillation (`ecg_irregular`): for how many
        of the seconds it is told. The MIT-BIH records here have none marked, but what is
        taken for it: premature beats of atria and ventricles, bigeminy, pauses."""
    )
    rows: list[list[object]] = []
    for header in sorted((data / "mitdb").glob("*.hea")):
        record = read_record(header.with_suffix(""))
        marked = read_annotations(header.with_suffix(".atr")).rhythms
        words = ", ".join(_WORDS.get(one, one) for one in marked)
        rows.append([record.name, words, *_told(record)])
    yield table(["record", "marked rhythms", "seconds", "told"], rows)
    yield paragraph(
        """The records of intensive care have no rhythm marked. In b124s and t116s, the
        median of their beats, laid over each other, has no P wave; in b184s, which is
        slow too, it has one. What is told of the first two is therefore held to be true,
        by us and not by a cardiologist."""
    )
    rows = []
    for header in sorted((data / "challenge2015").glob("*.hea")):
        record = read_record(header.with_suffix(""))
        rows.append([record.name, *_told(record)])
    yield table(["record", "seconds", "told"], rows)
    yield paragraph(
        f"""Hearts made to fibrillate (Corino et al. 2011), {HEARTS} of each rate, five
        minutes each: in how many it is told, and how soon, as a median. It takes two
        minutes, or nearly."""
    )
    yield table(
        ["a minute", "told", "after, s"],
        [[rate, *_made(fibrillating_atria, rate)] for rate in RATES],
    )
    yield paragraph(
        f"""What it cannot tell apart: hearts in sinus rhythm made to have premature beats
        of the atria in no order, {HEARTS} of each share of beats, five minutes each."""
    )
    yield table(
        ["premature, %", "told", "after, s"],
        [[round(100 * one), *_made(premature, one)] for one in SHARES],
    )


def _told(record: Record) -> tuple[int, int]:
    """Return how many seconds a record has, and in how many it is told."""
    leads = ecg_leads(record)
    seconds = told_s(np.stack([lead.samples for lead in leads]), record.rate_hz)
    return round(len(leads[0].samples) / record.rate_hz), len(seconds)


def _made(beats: Callable[..., list[float]], what: float) -> list[object]:
    firsts = []
    for seed in range(HEARTS):
        times = beats(_SECONDS, what, seed=seed)
        lead = made_ecg(times, _SECONDS, _RATE_HZ, noise_mv=0.03, seed=seed)
        firsts += told_s(lead[None], _RATE_HZ)[:1]
    after = f"{median(firsts):.0f}" if firsts else "-"
    return [f"{len(firsts)} of {HEARTS}", after]


def told_s(leads: NDArray[np.float64], rate_hz: float, code: str = CODE) -> list[int]:
    """Return the seconds at which a sign is told."""
    heart = Heart()
    heart.begin_ecg(rate_hz, tuple(str(place) for place in range(len(leads))), 0)
    return [
        round(now_ms / 1000)
        for now_ms, signs in heart.take_ecg(leads)
        if any(sign.code == code for sign in signs)
    ]
