"""Limits that never alarm, or always do: said in so many words, never refused."""

from collections.abc import Iterator

from monitorme.contract.vitals import Catalogue
from monitorme_analysis.limit import Band, Limits, VitalLimits


def switched_off(name: str, limits: VitalLimits, catalogue: Catalogue) -> Iterator[str]:
    """Say which limits of a vital, or `vital.component`, are none, a sentence each."""
    entry = catalogue.get(name.partition(".")[0])
    if entry is None:
        yield f"{name}: no such vital, so these limits are never used"
        return
    bands = [("", limits.awake)]
    if limits.asleep is not None:
        bands = [(" awake", limits.awake), (" asleep", limits.asleep)]
    for when, band in bands:
        yield from _of_band(name, when, band, entry.plausible)


def all_switched_off(limits: Limits, catalogue: Catalogue) -> Iterator[str]:
    """Say which of all limits are none, with where they stand."""
    for where, name, one in limits.each():
        for sentence in switched_off(name, one, catalogue):
            yield f"{where}: {sentence}"


def _of_band(
    name: str, when: str, band: Band, plausible: tuple[float, float] | None
) -> Iterator[str]:
    if band == Band():
        yield f"{name}{when}: without limits, it never alarms"
    least, most = plausible or (float("-inf"), float("inf"))
    for low in (band.low, band.critical_low):
        if low is not None and low < least:
            yield f"{name}{when}: a low limit of {low:g} is off: no value is so low"
    for high in (band.high, band.critical_high):
        if high is not None and high > most:
            yield f"{name}{when}: a high limit of {high:g} is off: no value is so high"
        elif high is not None and high == most:
            yield (
                f"{name}{when}: a high limit of {high:g} alarms at every {high:g}; to "
                "switch it off, set none"
            )
