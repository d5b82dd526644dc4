"""The pace of a recording: what is stale in it is judged by how often it was written.

A bedside monitor's export by the minute would else be stale between any two rows.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from statistics import median

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.replay.rows import Row

STALE_AFTER_STEPS = 3
"""A vital is stale after so many of its usual steps, or what the catalogue says."""


def own_pace(catalogue: Catalogue, beds: Mapping[str, Iterable[Row]]) -> Catalogue:
    """Return the catalogue with stale ages that are not less than the pace of `beds`."""
    times: dict[str, dict[str, list[int]]] = {}
    for bed, rows in beds.items():
        for row in rows:
            times.setdefault(row.vital, {}).setdefault(bed, []).append(row.at_ms)
    paced = dict(catalogue)
    for vital, by_bed in times.items():
        entry, step_ms = catalogue[vital], _step_ms(by_bed.values())
        stale_ms = max(entry.stale_after_ms, STALE_AFTER_STEPS * step_ms)
        paced[vital] = entry.model_copy(update={"stale_after_ms": stale_ms})
    return Catalogue(paced)


def _step_ms(times: Iterable[list[int]]) -> int:
    """Return the usual time between two readings that were not taken together."""
    steps = [b - a for one in times for a, b in pairwise(sorted(one)) if b > a]
    return round(median(steps)) if steps else 0
