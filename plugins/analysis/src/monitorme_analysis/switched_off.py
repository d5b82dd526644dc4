"""Limits that never alarm, or always do, or at times: said in so many words."""

from collections.abc import Iterator, Mapping

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


def still_else(
    name: str,
    limits: VitalLimits,
    awake: Mapping[str, float | None],
    asleep: Mapping[str, float | None],
) -> Iterator[str]:
    """Say which limits that were set for one state of sleep are others in the other.

    Args:
        name: the vital, or `vital.component`.
        limits: as they are now.
        awake: what was set while awake.
        asleep: what was set while asleep.
    """
    if limits.asleep is None:
        return
    for other, band, sides in (
        ("asleep", limits.asleep, awake.keys() - asleep.keys()),
        ("awake", limits.awake, asleep.keys() - awake.keys()),
    ):
        for side in sorted(sides):
            if getattr(limits.awake, side) != getattr(limits.asleep, side):
                yield (
                    f"{name} {other}: {side.replace('_', ' ')} still is "
                    f"{_word(getattr(band, side))}; where nothing says which, "
                    f"{_word(getattr(limits.stricter, side))} counts"
                )


def _word(limit: float | None) -> str:
    return "off" if limit is None else f"{limit:g}"


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
