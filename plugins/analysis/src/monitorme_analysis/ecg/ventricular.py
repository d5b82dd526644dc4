"""Beats that come from a ventricle: tachycardia, fibrillation, how often they come.

A ventricular beat is wider than the patient's usual ones and of another shape. Five in a
row faster than 100 a minute are a tachycardia, and a rough wave without beats for 4 s is
a flutter or fibrillation (definitions of the PhysioNet/CinC Challenge 2015). Both are
suspicions: a lead that is moved makes the like. A pulse that goes on unchanged
contradicts them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from statistics import fmean, median
from typing import Final

from monitorme.contract.payloads import Priority
from monitorme_analysis.ecg.fibrillation import COARSE
from monitorme_analysis.ecg.pulse import is_good, unchanged
from monitorme_analysis.ecg.rhythm import rate_of, since
from monitorme_analysis.ecg.sign import Sign, technical
from monitorme_analysis.ecg.stream import Noted
from monitorme_analysis.ecg.view import View

RUN_BEATS: Final = 5
RUN_RATE: Final = 100.0
FIBRILLATION_S: Final = 4
ECTOPIC_A_MINUTE: Final = 10
_LEAST_COARSE: Final = 1.2 * COARSE
_OTHER: Final = 0.8
_WIDER_MS: Final = 10.0
_NOISE: Final = 0.45
_RECENT_MS: Final = 12_000
_AFTER_MS: Final = 5_000
_width_ms: Final = attrgetter("beat.width_ms")


def usual_width_ms(beats: Sequence[Noted]) -> float:
    """Return the width of the patient's narrow beats: the lower quartile."""
    widths = sorted(map(_width_ms, beats))
    return widths[len(widths) // 4] if widths else 0.0


def is_other(beat: Noted) -> bool:
    """Say whether a beat is of another shape than the usual ones."""
    return beat.beat.usual_match < _OTHER


def is_ventricular(beat: Noted, usual_ms: float) -> bool:
    """Say whether a beat is of another shape and wider than the usual ones."""
    return is_other(beat) and beat.beat.width_ms >= usual_ms + _WIDER_MS


def tachycardia(view: View) -> Iterator[Sign]:
    """Yield ventricular tachycardia, or what contradicts it."""
    run = _newest_run(view)
    if run is None:
        return
    rate = rate_of(run)
    first_ms, last_ms = run[0].at_ms, run[-1].at_ms
    train = unchanged(view, first_ms, last_ms)
    if train is not None:
        yield technical(
            "ecg_pulse_disagrees",
            first_ms,
            f"ECG like a run of wide beats, {train.source} goes on unchanged",
            holds_back=("ecg_ventricular_tachycardia",),
        )
        return
    yield Sign(
        "ecg_ventricular_tachycardia",
        first_ms,
        f"{len(run)} wide beats in a row at {rate:.0f}/min: suspected "
        "ventricular tachycardia",
        Priority.HIGH,
        value=round(rate, 1),
    )


def fibrillation(view: View) -> Iterator[Sign]:
    """Yield ventricular fibrillation or flutter, or what contradicts it."""
    if not view.seconds or view.seconds[-1].leakage > _LEAST_COARSE:
        return
    newest = view.seconds[-FIBRILLATION_S:]
    if len(newest) < FIBRILLATION_S:
        return
    if sum(one.leakage < COARSE for one in newest) < FIBRILLATION_S - 1:
        return
    first_ms = newest[0].until_ms - 4_000
    for pulse in view.pulses.values():
        good = [one for one in pulse.pulses if is_good(one) and one.at_ms > first_ms]
        if pulse.is_live and len(good) >= 3:
            yield technical(
                "ecg_pulse_disagrees",
                first_ms,
                "ECG like fibrillation, but there is a pulse",
                holds_back=("ecg_ventricular_fibrillation",),
            )
            return
    yield Sign(
        "ecg_ventricular_fibrillation",
        first_ms,
        "no beats but a rough wave: suspected ventricular fibrillation or flutter",
        Priority.HIGH,
    )


def ectopy(view: View) -> Iterator[Sign]:
    """Yield frequent ventricular beats: so many in the last minute."""
    minute = since(view.beats, view.now_ms - 60_000)
    if len([1 for _, beat in minute if beat.usual_match < _OTHER]) < ECTOPIC_A_MINUTE:
        return
    usual_ms = usual_width_ms(view.beats)
    wide = [one for one in minute if is_ventricular(one, usual_ms)]
    clear = [one for one in wide if one.beat.noise < _NOISE]
    if len(clear) >= ECTOPIC_A_MINUTE:
        yield Sign(
            "ecg_ventricular_ectopy",
            clear[0].at_ms,
            "many ventricular beats",
            Priority.LOW,
            value=float(len(clear)),
        )


def _newest_run(view: View) -> list[Noted] | None:
    """Return the newest run of ventricular beats that is fast and clear enough."""
    if not _are_others(view.beats, view.now_ms - _AFTER_MS):
        return None
    recent = since(view.beats, view.now_ms - _RECENT_MS)
    usual_ms = usual_width_ms(view.beats)
    run: list[Noted] = []
    newest: list[Noted] | None = None
    for one in recent:
        run = [*run, one] if is_ventricular(one, usual_ms) else []
        if len(run) >= RUN_BEATS and _is_fast(run):
            newest = run
    if newest is None or view.now_ms - newest[-1].at_ms > _AFTER_MS:
        return None
    return newest if fmean(one.beat.noise for one in newest) < _NOISE else None


def _are_others(beats: Sequence[Noted], from_ms: int) -> bool:
    """Say whether one of the newest beats is of another shape; it costs little."""
    for at_ms, beat in reversed(beats):
        if at_ms < from_ms:
            break
        if beat.usual_match < _OTHER:
            return True
    return False


def _is_fast(run: Sequence[Noted]) -> bool:
    gaps = [after.at_ms - before.at_ms for before, after in pairwise(run)]
    return 60_000 / max(1.0, median(gaps)) > RUN_RATE
