"""A tachycardia of broad beats, told by the beats themselves, with nothing usual known.

A regular tachycardia whose QRS complexes last 120 ms or longer is held to be ventricular
until somebody shows otherwise (ERC and AHA guidelines). Where the line does not come to
rest for half of each beat, they last so long. Above 200 a minute narrow ones do not let
it rest either: then it is a tachycardia, and no more is said of it.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from statistics import median
from typing import Final

from monitorme.contract.payloads import Priority
from monitorme_analysis.ecg.pulse import trains, unchanged
from monitorme_analysis.ecg.sign import Sign, technical
from monitorme_analysis.ecg.stream import Second
from monitorme_analysis.ecg.view import View

SECONDS: Final = 4
"""So many in a row, each with the two before it, have to repeat the same."""
BROAD_BELOW: Final = 200.0
WINDOW_MS: Final = 3_000
_STEADY: Final = 0.15
_APART: Final = 0.2
_PULSES_MS: Final = 8_000
_PULSE_LATE_MS: Final = 2_000
"""A pulse comes after its beat, and is known later still."""


def tachycardia(view: View) -> Iterator[Sign]:
    """Yield a tachycardia of broad beats, or what contradicts it."""
    seconds = repeating(view.seconds)
    if not seconds:
        return
    rate = median(one.repeats_per_min for one in seconds[-SECONDS:])
    first_ms = seconds[0].until_ms - WINDOW_MS
    # Of all of it, so that one of about 200 is not now this, now that.
    is_broad = median(one.repeats_per_min for one in seconds) <= BROAD_BELOW
    if not is_broad and rate <= view.extremes.fast:
        return
    name = "ventricular" if is_broad else "extreme"
    contradiction = _contradiction(view, first_ms, rate)
    if contradiction is not None:
        yield technical(
            "ecg_pulse_disagrees",
            first_ms,
            f"ECG like beats at {rate:.0f}/min without rest, {contradiction}",
            holds_back=(f"ecg_{name}_tachycardia",),
        )
        return
    said = (
        f"broad beats without rest at {rate:.0f}/min: suspected ventricular tachycardia"
        if is_broad
        else f"beats without rest at {rate:.0f}/min, too fast to tell broad from narrow"
    )
    yield Sign(
        f"ecg_{name}_tachycardia",
        first_ms,
        said,
        Priority.HIGH,
        value=round(rate, 1),
    )


def _contradiction(view: View, first_ms: int, rate: float) -> str | None:
    """Return what a pulse says against it: it goes on as before, or at another rate."""
    train = unchanged(view, first_ms, view.now_ms - _PULSE_LATE_MS)
    if train is not None:
        return f"{train.source} goes on unchanged"
    for train in trains(view, view.now_ms - _PULSES_MS, view.now_ms):
        if abs(train.rate - rate) > _APART * rate:
            return f"{train.source} {train.rate:.0f}/min"
    return None


def repeating(seconds: Sequence[Second]) -> list[Second]:
    """Return the newest seconds in a row that repeat; none where they are too few."""
    newest = list(takewhile(lambda one: one.repeats_per_min > 0, reversed(seconds)))
    rates = [one.repeats_per_min for one in newest[:SECONDS]]
    if len(rates) < SECONDS or max(rates) - min(rates) > _STEADY * max(rates):
        return []
    return newest[::-1]
