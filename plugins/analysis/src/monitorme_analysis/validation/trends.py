"""Trends: how often each is told, and what came of the limits that were said to be near."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.limits import default_limits
from monitorme_analysis.replay.episode import Episode
from monitorme_analysis.replay.recordings import read_recording
from monitorme_analysis.replay.run import Recording, Setting, Stay, replay
from monitorme_analysis.trends.rules import RULES
from monitorme_analysis.validation.markdown import paragraph, table

SETS: Final = {
    "a night, by beat": ("cms50", "celiponcio*.csv"),
    "MIMIC-II, by the minute": ("mimic2_numerics", "*.csv"),
    "BIDMC, by the second": ("bidmc", "*_Numerics.csv"),
    "Challenge 2012, charted": ("challenge2012/set-a", "*.txt"),
}
CODES: Final = (
    "oxygen_saturation_falling",
    "heart_rate_rising",
    "body_temperature_climbing",
    "blood_pressure_systolic_drop",
    "blood_pressure_systolic_jump",
    "heart_rate_not_dipping",
    "blood_pressure_not_dipping",
    "oxygen_saturation_nearing_low",
    "heart_rate_nearing_low",
    "heart_rate_nearing_high",
    "respiratory_rate_nearing_low",
    "respiratory_rate_nearing_high",
    "body_temperature_nearing_low",
    "body_temperature_nearing_high",
)
WAITED_MS: Final = 3_600_000
"""A limit said to be near counts as reached if it is within an hour."""


@dataclass(frozen=True, slots=True)
class Told:
    """What trends told on one set of recordings."""

    name: str
    days: float
    counts: Counter[str]
    lead_s: tuple[float | None, ...]
    """Of each limit said to be near: how long after it was reached, if it was."""


def find(data: Path, name: str) -> Told:
    """Replay one set of SETS."""
    folder, pattern = SETS[name]
    catalogue = Catalogue.load()
    rows = [
        row
        for path in sorted((data / folder).glob(pattern))
        for row in read_recording(path, catalogue, _must_not_refuse)
    ]
    recording = Recording.of(catalogue, rows)
    stays = replay(recording, Setting("default limits", default_limits()))
    leads = [
        lead_s(recording, stay, episode)
        for stay in stays
        for episode in stay.episodes
        if "_nearing_" in episode.code
    ]
    return Told(
        name=name,
        days=sum(stay.hours for stay in stays) / 24,
        counts=Counter(one.code for stay in stays for one in stay.episodes),
        lead_s=tuple(leads),
    )


def lead_s(recording: Recording, stay: Stay, episode: Episode) -> float | None:
    """Return how long after it was told the limit was reached; None if it was not."""
    is_low, limit = episode.code.endswith("_low"), episode.limit
    for row in recording.beds[stay.bed]:
        after_ms = row.at_ms - episode.rang_ms
        if row.vital != episode.vital or not 0 <= after_ms <= WAITED_MS:
            continue
        if not isinstance(row.value, float) or limit is None:
            continue
        beyond = limit - row.value if is_low else row.value - limit
        if beyond >= 0:
            return after_ms / 1_000
    return None


def report(data: Path) -> str:
    """Return the section."""
    told = [find(data, name) for name in SETS]
    counts = [
        [f"`{code}`", *(f"{one.counts[code] / one.days:.2f}" for one in told)]
        for code in CODES
        if any(one.counts[code] for one in told)
    ]
    never = [code for code in CODES if not any(one.counts[code] for one in told)]
    reached = [_reached(one) for one in told if one.lead_s]
    names = ", ".join(rule.name for rule in RULES)
    return f"""## Trends

{paragraph(f"The rules {names}. How often each is told, a day and bed:")}

{table(["condition", *(one.name for one in told)], counts)}

{paragraph("Never told here: " + ", ".join(f"`{code}`" for code in never) + ".")}

Limits that were said to be near, and what came of them within an hour. A patient who is
treated in time does not reach the limit, and counts here as one who would not have:

{table(["recordings", "told", "reached", "minutes before, median"], reached)}
"""


def _reached(told: Told) -> list[object]:
    leads = [lead for lead in told.lead_s if lead is not None]
    minutes = f"{median(leads) / 60:.1f}" if leads else "-"
    return [told.name, len(told.lead_s), len(leads), minutes]


def _must_not_refuse(sentence: str) -> None:
    raise ValueError(sentence)
