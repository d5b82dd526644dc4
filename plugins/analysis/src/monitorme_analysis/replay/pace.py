"""The pace of a recording: what is stale in it is judged by how often it was written.

A bedside monitor's export by the minute would else be stale between any two rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from operator import sub
from statistics import median

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.replay.rows import Row

STALE_AFTER_STEPS = 3
"""A vital is stale after so many of its usual steps, or what the catalogue says."""


def own_pace(catalogue: Catalogue, beds: Mapping[str, Iterable[Row]]) -> Catalogue:
    """Return the catalogue with stale ages that are not less than the pace of `beds`.

    Each bed's rows are in order of time.
    """
    steps_ms: dict[str, list[int]] = defaultdict(list)
    for rows in beds.values():
        times_ms: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            times_ms[row.vital].append(row.at_ms)
        for vital, times in times_ms.items():
            steps = map(sub, islice(times, 1, None), times)
            steps_ms[vital] += filter(None, steps)  # what is taken together is one step
    paced = dict(catalogue)
    for vital, found in steps_ms.items():
        if not found:
            continue
        entry, step_ms = catalogue[vital], round(median(found))
        stale_ms = max(entry.stale_after_ms, STALE_AFTER_STEPS * step_ms)
        paced[vital] = entry.model_copy(update={"stale_after_ms": stale_ms})
    return Catalogue(paced)
