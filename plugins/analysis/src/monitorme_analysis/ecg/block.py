"""A block of a waveform as a device sends it, made ready for a stream.

A device that has no value sends a number all the same: the ends of its integers. Those,
and what is not plausible for the vital, become NaN: missing.
"""

import struct
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from monitorme.contract.readings import Lead
from monitorme_analysis.ecg.filters import Samples

_NO_VALUE: Final = (32767, -32768, 0x7FFFFF, -0x800000, 2**31 - 1, -(2**31))
_TO_MILLIVOLT: Final = {"mV": 1.0, "uV": 1e-3, "nV": 1e-6, "V": 1e3}
PLAUSIBLE_MV: Final = 10.0


class Block(msgspec.Struct, frozen=True, gc=False):
    """Samples of some leads of one rate, a row for each."""

    rate_hz: float
    samples: Mapping[str, Samples]
    left_out: tuple[str, ...]
    """Leads that do not fit the first: another rate, another length, another unit."""
    missing: int
    """Samples that carry no value."""

    count: int
    """How many samples each lead has."""


def ecg_block(leads: Mapping[str, Lead]) -> Block:
    """Return a block of an ECG in mV."""
    return _block(leads, _TO_MILLIVOLT, PLAUSIBLE_MV)


def pulse_block(leads: Mapping[str, Lead]) -> Block:
    """Return a block of a pulse, in whatever unit it is."""
    first = next(iter(leads.values()))
    return _block(leads, {first.unit: 1.0}, float("inf"))


def _block(
    leads: Mapping[str, Lead], units: Mapping[str, float], plausible: float
) -> Block:
    samples: dict[str, Samples] = {}
    left_out: list[str] = []
    rate_hz, count, missing = 0.0, 0, 0
    for name, lead in leads.items():
        factor = units.get(lead.unit)
        if factor is not None and not samples:
            rate_hz, count = lead.rate_hz, len(lead.samples)
        elif lead.rate_hz != rate_hz or len(lead.samples) != count:
            factor = None
        if factor is None:
            left_out.append(name)
            continue
        samples[name], without_value = _values(lead, factor, plausible)
        missing += without_value
    return Block(rate_hz, samples, tuple(left_out), missing, count)


def _values(lead: Lead, factor: float, plausible: float) -> tuple[Samples, int]:
    """Return samples in the unit wanted, and how many of them carry no value."""
    # Half of the time that `np.array` takes to look at each number.
    packed = struct.pack(f"{len(lead.samples)}q", *lead.samples)
    raw = np.frombuffer(packed, np.int64)
    values = raw.astype(np.float64)
    values *= lead.scale
    if lead.offset:
        values += lead.offset
    if factor != 1:
        values *= factor
    low, high = int(raw.argmin()), int(raw.argmax())
    if (
        raw.item(low) > _NO_VALUE[1]
        and raw.item(high) < _NO_VALUE[0]
        and abs(values.item(low)) <= plausible
        and abs(values.item(high)) <= plausible
    ):
        return values, 0
    bad = ~(np.abs(values) <= plausible) | np.isin(raw, _NO_VALUE)
    values[bad] = np.nan
    return values, int(np.count_nonzero(bad))
