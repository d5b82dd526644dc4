"""Rate and pauses: asystole, extreme bradycardia and tachycardia, pauses.

The definitions are those of the alarms of the PhysioNet/CinC Challenge 2015: no beat for
4 s; below 40 a minute for 5 beats; above 140 a minute for 17 beats. Which rates are
extreme for children is their own (`extremes`).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import nan
from statistics import fmean, median
from typing import Final

from monitorme.contract.payloads import Priority
from monitorme_analysis.ecg.broad import repeating
from monitorme_analysis.ecg.lead_quality import LeadFault
from monitorme_analysis.ecg.pulse import goes_on, trains
from monitorme_analysis.ecg.sign import Sign, technical
from monitorme_analysis.ecg.stream import Noted
from monitorme_analysis.ecg.view import View

ASYSTOLE_MS: Final = 4_000
SLOW_BEATS: Final = 5
FAST_BEATS: Final = 17
PAUSE_MS: Final = 3_000
"""A pause of sinus node or conduction that is worth telling: 3 s (2018 ACC/AHA/HRS)."""
_PULSE_GONE_MS: Final = 6_000
_TELL_PAUSE_MS: Final = 10_000
_PAUSES_MS: Final = 16_000
"""How far back pauses are looked for: what is told, and a pause itself."""
_PULSE_APART: Final = 5.0
"""A pulse so far on the safe side of a slow rate, or twice of a fast one, contradicts."""
_USELESS: Final = (LeadFault.MISSING, LeadFault.FLAT)


def intervals_ms(beats: Sequence[Noted]) -> list[int]:
    """Return the times between beats."""
    return [after.at_ms - before.at_ms for before, after in pairwise(beats)]


def rate_of(beats: Sequence[Noted]) -> float:
    """Return beats a minute over all of some beats."""
    return 60_000 * (len(beats) - 1) / max(1, beats[-1].at_ms - beats[0].at_ms)


def rate_of_newest(beats: Sequence[Noted], count: int) -> float:
    """Return beats a minute over so many of the newest; NaN where there are fewer."""
    if len(beats) < count:
        return nan
    return 60_000 * (count - 1) / max(1, beats[-1].at_ms - beats[-count].at_ms)


def since(beats: Sequence[Noted], from_ms: int) -> Sequence[Noted]:
    """Return the newest of some beats in order: those after a moment."""
    # Beats are tuples that begin with their time; a shorter tuple comes before them.
    return beats[bisect_left(beats, (from_ms + 1,)) :]


def asystole(view: View) -> Iterator[Sign]:
    """Yield asystole, or what holds it back."""
    if view.beats and view.known_ms - view.beats[-1].at_ms < ASYSTOLE_MS:
        return
    if repeating(view.seconds):
        return  # beats that do not let the line rest are told as what they are
    last_ms = view.last_ms
    silent_ms = view.known_ms - last_ms
    if silent_ms < ASYSTOLE_MS:
        return
    # What is not remembered any more was long ago.
    seen_ms = min(silent_ms, 1_000 * len(view.seconds))
    if seen_ms - blind_ms(view, last_ms) < ASYSTOLE_MS and not _pulse_stopped(
        view, last_ms
    ):
        return  # `lead_off` or a gap says why nothing is known
    train = goes_on(view, last_ms, view.now_ms)
    if train is not None:
        yield technical(
            "ecg_pulse_disagrees",
            last_ms,
            f"ECG shows no beat, {train.source} a pulse of {train.rate:.0f}/min",
            holds_back=("ecg_asystole",),
        )
        return
    yield Sign(
        "ecg_asystole",
        last_ms,
        f"no heartbeat for {silent_ms / 1000:.0f} s",
        Priority.HIGH,
        value=round(silent_ms / 1000, 1),
    )


def bradycardia(view: View) -> Iterator[Sign]:
    """Yield extreme bradycardia."""
    if not rate_of_newest(view.beats, SLOW_BEATS) < view.extremes.slow:
        return
    newest = view.beats[-SLOW_BEATS:]
    if view.now_ms - newest[-1].at_ms > 6_000 or blind_ms(view, newest[0].at_ms):
        return
    rate = rate_of(newest)
    first_ms, last_ms = newest[0].at_ms, newest[-1].at_ms
    for train in trains(view, first_ms + 300, last_ms + 300):
        if train.rate > max(view.extremes.slow + _PULSE_APART, 1.15 * rate) and _covers(
            train.count, train.rate, last_ms - first_ms
        ):
            yield technical(
                "ecg_pulse_disagrees",
                first_ms,
                f"ECG {rate:.0f}/min, {train.source} {train.rate:.0f}/min",
                holds_back=("ecg_extreme_bradycardia",),
            )
            return
    yield Sign(
        "ecg_extreme_bradycardia",
        first_ms,
        f"heart rate {rate:.0f}/min over {SLOW_BEATS} beats",
        Priority.HIGH,
        value=round(rate, 1),
    )


def tachycardia(view: View) -> Iterator[Sign]:
    """Yield extreme tachycardia."""
    if not rate_of_newest(view.beats, FAST_BEATS) > 0.93 * view.extremes.fast:
        return
    newest = view.beats[-FAST_BEATS:]
    if view.now_ms - newest[-1].at_ms > 4_000:
        return
    # One beat that was missed, or one that was none, does not change the median.
    rate = 60_000 / max(1.0, median(intervals_ms(newest)))
    if rate <= view.extremes.fast:
        return
    if fmean(one.beat.noise for one in newest) > 0.35:
        first_ms, last_ms = newest[0].at_ms, newest[-1].at_ms
        for train in trains(view, first_ms + 300, last_ms + 300):
            if train.rate < view.extremes.fast - 2 * _PULSE_APART:
                yield technical(
                    "ecg_pulse_disagrees",
                    first_ms,
                    f"ECG {rate:.0f}/min, {train.source} {train.rate:.0f}/min",
                    holds_back=("ecg_extreme_tachycardia",),
                )
                return
    yield Sign(
        "ecg_extreme_tachycardia",
        newest[0].at_ms,
        f"heart rate {rate:.0f}/min over {FAST_BEATS} beats",
        Priority.HIGH,
        value=round(rate, 1),
    )


def pause(view: View) -> Iterator[Sign]:
    """Yield a pause that has ended; one that has not becomes an asystole."""
    if not _has_pause(view.beats, view.now_ms - _TELL_PAUSE_MS):
        return
    times = [one.at_ms for one in since(view.beats, view.now_ms - _PAUSES_MS)]
    for before_ms, after_ms in pairwise(times):
        length_ms = after_ms - before_ms
        if length_ms < PAUSE_MS or view.now_ms - after_ms > _TELL_PAUSE_MS:
            continue
        if blind_ms(view, before_ms, after_ms) or goes_on(view, before_ms, after_ms):
            continue
        yield Sign(
            "ecg_pause",
            before_ms,
            f"pause of {length_ms / 1000:.1f} s",
            Priority.MEDIUM,
            value=length_ms / 1000,
        )
        return


def _has_pause(beats: Sequence[Noted], from_ms: int) -> bool:
    """Say whether one of the newest beats came after a pause; it costs little."""
    after_ms = 0
    for at_ms, _ in reversed(beats):
        if after_ms - at_ms >= PAUSE_MS:
            return True
        if at_ms < from_ms:
            break
        after_ms = at_ms
    return False


def blind_ms(view: View, since_ms: int, until_ms: int | None = None) -> int:
    """Return for how long no lead could have shown a beat, in whole seconds."""
    end_ms = view.now_ms if until_ms is None else until_ms + 1_000
    seen = [s.faults for s in view.seconds if since_ms < s.until_ms <= end_ms]
    return 1_000 * sum(all(one in _USELESS for one in leads) for leads in seen)


def _pulse_stopped(view: View, last_ms: int) -> bool:
    """Say whether a pulse that was there is seen to be there no more."""
    if view.known_ms - last_ms < _PULSE_GONE_MS:
        return False
    before = {one.source for one in trains(view, last_ms - 6_000, last_ms)}
    since = [
        any(one.at_ms > last_ms + 1_500 for one in view.pulses[source].pulses)
        for source in before
    ]
    return bool(since) and not any(since)


def _covers(count: int, rate: float, span_ms: int) -> bool:
    """Say whether a train has about all the pulses that its rate would make in a time."""
    return count >= 0.7 * rate * span_ms / 60_000
