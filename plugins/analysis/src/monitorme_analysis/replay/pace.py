"""The pace of a recording: what is stale in it is judged by how often it was written.

A bedside monitor's export by the minute would else be stale between any two rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
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
        newest_ms: dict[str, int] = {}
        for at_ms, _, vital, *_ in rows:
            step_ms = at_ms - newest_ms.get(vital, at_ms)
            newest_ms[vital] = at_ms
            if step_ms > 0:  # what is taken together is one step
                steps_ms[vital].append(step_ms)
    paced = dict(catalogue)
    for vital, steps in steps_ms.items():
        entry, step_ms = catalogue[vital], round(median(steps))
        stale_ms = max(entry.stale_after_ms, STALE_AFTER_STEPS * step_ms)
        paced[vital] = entry.model_copy(update={"stale_after_ms": stale_ms})
    return Catalogue(paced)
