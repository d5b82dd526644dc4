"""What is wrong with a lead, from a second of its raw samples and its restlessness."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan
from typing import Final

import numpy as np

from monitorme_analysis.ecg.filters import Samples

_MISSING_PART: Final = 0.3
_RAIL_PART: Final = 0.15
_RAIL_RUN: Final = 3
"""Saturated samples come in runs; a peak that is the highest ever is alone."""
_NOISY: Final = 0.5
"""Restlessness, in usual heights of a beat, from which beats cannot be told."""


class LeadFault(StrEnum):
    """What makes a lead useless for now; the first that applies."""

    MISSING = "missing"
    FLAT = "flat"
    SATURATED = "saturated"
    NOISY = "noisy"


@dataclass(slots=True)
class Extremes:
    """The lowest and highest value that each lead has had."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


def faults(
    raw: Samples, restless: Sequence[float], extremes: Extremes
) -> tuple[LeadFault | None, ...]:
    """Return what is wrong with each lead in a second of raw samples.

    A heart that stands still leaves a line that drifts and trembles; a line that does
    neither, to the last bit, is a lead that is off.
    """
    restless = restless or [0.0] * len(raw)
    rows = [raw[place] for place in range(len(raw))]
    # To ask where it is costs a third of what it costs to ask what it is.
    lows = [row.item(row.argmin()) for row in rows]
    highs = [row.item(row.argmax()) for row in rows]
    if isnan(sum(lows)):
        return tuple(
            _fault(row, restless[i], extremes, i) for i, row in enumerate(rows)
        )
    if not extremes.low:
        extremes.low, extremes.high = list(lows), list(highs)
    found: list[LeadFault | None] = []
    for place, low in enumerate(lows):
        high = highs[place]
        fault = LeadFault.NOISY if restless[place] > _NOISY else None
        if low <= extremes.low[place] or high >= extremes.high[place]:
            extremes.low[place] = min(extremes.low[place], low)
            extremes.high[place] = max(extremes.high[place], high)
            if _is_railed(rows[place], extremes, place):
                fault = LeadFault.SATURATED
        found.append(LeadFault.FLAT if low == high else fault)
    return tuple(found)


def _fault(
    row: Samples, restless: float, extremes: Extremes, place: int
) -> LeadFault | None:
    present = row[~np.isnan(row)]
    if len(present) < (1 - _MISSING_PART) * len(row):
        return LeadFault.MISSING
    if present.min() == present.max():
        return LeadFault.FLAT
    if extremes.low and _is_railed(present, extremes, place):
        return LeadFault.SATURATED
    return LeadFault.NOISY if restless > _NOISY else None


def _is_railed(row: Samples, extremes: Extremes, place: int) -> bool:
    at_rail = (row <= extremes.low[place]) | (row >= extremes.high[place])
    if np.count_nonzero(at_rail) < _RAIL_PART * len(row):
        return False
    runs = np.convolve(at_rail, np.ones(_RAIL_RUN), "valid")
    return bool((runs == _RAIL_RUN).mean() >= _RAIL_PART / 2)
