"""What is wrong with the waveforms themselves, told apart from the heart's troubles."""

from collections.abc import Iterator
from typing import Final

from monitorme_analysis.ecg.lead_quality import LeadFault
from monitorme_analysis.ecg.pulse import trains
from monitorme_analysis.ecg.rhythm import rate_of
from monitorme_analysis.ecg.sign import Sign, technical
from monitorme_analysis.ecg.view import View

_HOLD_S: Final = 3
_LOW_PERFUSION: Final = 0.25
_SPAN_MS: Final = 12_000
_APART: Final = 15.0
_WORDS: Final = {
    LeadFault.MISSING: ("lead_off", "no signal"),
    LeadFault.FLAT: ("lead_off", "flat line"),
    LeadFault.SATURATED: ("saturated", "saturated"),
    LeadFault.NOISY: ("noise", "noise"),
}


def faults(view: View) -> Iterator[Sign]:
    """Yield what makes leads useless: by lead while others are left, else of all."""
    if not view.seconds or not any(view.seconds[-1].faults):
        return
    newest = view.seconds[-_HOLD_S:]
    if len(newest) < _HOLD_S:
        return
    since_ms = newest[0].until_ms - 1_000
    bad = {
        lead: newest[-1].faults[place]
        for place, lead in enumerate(view.leads)
        if all(second.faults[place] is not None for second in newest)
    }
    for lead, fault in bad.items():
        if fault is not None:
            code, words = _WORDS[fault]
            yield technical(f"ecg_{code}_{_id(lead)}", since_ms, f"{lead}: {words}")
    if len(bad) == len(view.leads):
        kinds = {_WORDS[fault][0] for fault in bad.values() if fault is not None}
        code = "lead_off" if kinds == {"lead_off"} else "unreadable"
        yield technical(
            f"ecg_{code}",
            since_ms,
            "ECG: no lead can be read",
            holds_back=(
                "ecg_ventricular_tachycardia",
                "ecg_ventricular_fibrillation",
                "ecg_ventricular_ectopy",
                "ecg_irregular",
            ),
        )


def pulses(view: View) -> Iterator[Sign]:
    """Yield what is wrong with sources of pulses."""
    for source, pulse in view.pulses.items():
        newest = pulse.seconds[-_HOLD_S:]
        if len(newest) < _HOLD_S:
            continue
        since_ms = newest[0].until_ms - 1_000
        if not pulse.is_live:
            yield technical(f"{_id(source)}_off", since_ms, f"{source}: no signal")
            continue
        late = [p for p in pulse.pulses if p.at_ms > view.now_ms - _SPAN_MS]
        if len(late) >= 5 and all(p.beat.strength < _LOW_PERFUSION for p in late):
            text = f"{source}: pulses hardly to be seen"
            yield technical(f"{_id(source)}_low_perfusion", since_ms, text)


def disagreement(view: View) -> Iterator[Sign]:
    """Yield that beats and pulses differ in rate, both being clear."""
    if not view.pulses:
        return
    to_ms = view.known_ms - 2_000
    from_ms = to_ms - _SPAN_MS
    beats = [b for b in view.beats if from_ms <= b.at_ms <= to_ms]
    clear = [b for b in beats if b.beat.noise < 0.3 and b.beat.match > 0.8]
    if len(beats) < 5 or len(clear) < 0.8 * len(beats):
        return
    rate = rate_of(beats)
    for train in trains(view, from_ms, to_ms):
        if abs(train.rate - rate) > max(_APART, 0.2 * rate):
            yield technical(
                "ecg_pulse_disagrees",
                from_ms,
                f"ECG {rate:.0f}/min, {train.source} {train.rate:.0f}/min",
            )
            return


def _id(name: str) -> str:
    """Return a name as a part of a code."""
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in name.lower())
