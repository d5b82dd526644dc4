"""The heart as a rule of analysis: blocks of waveforms in, findings out."""

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme.contract.readings import Lead
from monitorme.contract.vitals import Vital, VitalKind
from monitorme_analysis.ecg.block import Block, ecg_block, pulse_block
from monitorme_analysis.ecg.extremes import extremes_of
from monitorme_analysis.ecg.filters import Samples
from monitorme_analysis.ecg.heart import Heart, HeartState
from monitorme_analysis.ecg.sign import Sign
from monitorme_analysis.ecg.tuning import PULSE, QRS, Tuning
from monitorme_analysis.rule import (
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)

JITTER_MS: Final = 300
"""Blocks follow each other where their times do within this."""
LONGEST_GAP_MS: Final = 10_000
"""A longer gap begins the waveform anew."""
_MOST_LEADS: Final = 12
_JUMPED: Final = 3
"""So many blocks in a row that come too early are a clock that was set back."""
_SHOWN_MS: Final = 15_000
"""How long something that happened to a waveform is told."""


class EcgSettings(RuleSettings):
    """Settings of the rule `ecg`."""

    silent: tuple[str, ...] = ()
    """Findings that are not told: those that a ward finds to ring too often."""


@dataclass(slots=True)
class Course:
    """Where a waveform has come to in time."""

    next_ms: int = 0
    rate_hz: float = 0.0
    early: int = 0
    """Blocks in a row that came for a time that had been."""


@dataclass(slots=True)
class EcgState:
    """What is known of a heart, of the course of its waveforms, and of their troubles."""

    heart: HeartState = field(default_factory=HeartState)
    courses: dict[str, Course] = field(default_factory=dict)
    troubles: dict[str, Finding] = field(default_factory=dict)
    """What happened to waveforms lately."""
    slow: dict[str, Finding] = field(default_factory=dict)
    """By vital: waveforms of too few samples to be judged, as long as they are."""
    signs: tuple[Finding, ...] = ()
    """What the newest second said."""


class Ecg(Rule[EcgState, EcgSettings]):
    """Finds what the heart does by its electrocardiogram, with the pulse as a witness."""

    name: ClassVar = "ecg"
    vitals: ClassVar = ("ecg",)
    source = (
        "asystole, extreme rates, ventricular tachycardia and fibrillation: the alarms of "
        "the PhysioNet/CinC Challenge 2015; leakage: Kuo and Dillman 1978; irregularity: "
        "Dash et al. 2009, Lake and Moorman 2011; pause: ACC/AHA/HRS 2018"
    )
    Settings: ClassVar = EcgSettings
    State: ClassVar = EcgState

    def wants(self, name: str, vital: Vital) -> bool:
        """Want the ECG, and every waveform of a pulse that the catalogue has."""
        return vital.kind is VitalKind.WAVEFORM and (
            name == "ecg" or is_pulse(name, vital)
        )

    def begin(self) -> EcgState:
        """Return the state of a bed of which nothing is known."""
        return EcgState()

    def step(
        self, state: EcgState, observed: Observed, context: RuleContext
    ) -> tuple[EcgState, Findings]:
        """Take in a block of a waveform."""
        value = observed.value
        leads = value if isinstance(value, dict) else {}
        waves = {n: lead for n, lead in leads.items() if isinstance(lead, Lead)}
        if observed.vital == "ecg":
            self._take_ecg(state, observed, waves, context)
        elif waves:
            self._take_pulse(state, observed, waves)
        now_ms = observed.at_ms
        for code in [c for c, f in state.troubles.items() if _is_over(f, now_ms)]:
            del state.troubles[code]
        return state, (*state.troubles.values(), *state.slow.values(), *state.signs)

    def _take_ecg(
        self,
        state: EcgState,
        observed: Observed,
        waves: dict[str, Lead],
        context: RuleContext,
    ) -> None:
        if not waves:
            # That the reading is invalid is told elsewhere; nothing else is known.
            state.signs = ()
            state.slow.pop("ecg", None)
            return
        block = ecg_block(waves)
        at_ms = observed.at_ms
        if block.left_out:
            _note(state, "ecg_leads_differ", at_ms, f"unusable: {_names(block)}")
        if not block.samples:
            state.signs = ()
            return
        if _is_slow(state, "ecg", block, at_ms, QRS):
            state.signs = ()
            return
        if block.missing:
            _note(
                state, "ecg_no_value", at_ms, f"{block.missing} samples have no value"
            )
        course = state.courses.setdefault("ecg", Course())
        heart = Heart(state.heart, extremes_of(context.category, context.limits))
        if not _fits(state, "ecg", course, block, at_ms):
            return
        ecg = state.heart.ecg
        gap = _gap(course, block, at_ms) if ecg is not None else None
        if ecg is None or gap is None or _has_new_lead(ecg.leads, block):
            known = ecg.leads if ecg is not None and gap is not None else ()
            # Leads that take turns must not make it begin anew each time.
            leads = tuple(dict.fromkeys((*block.samples, *known)))[:_MOST_LEADS]
            heart.begin_ecg(block.rate_hz, leads, at_ms)
        else:
            leads = ecg.leads
            if gap:
                hole = np.full((len(leads), gap), np.nan)
                for _ in heart.take_ecg(hole):
                    pass
        _advance(course, block, at_ms)
        for _, signs in heart.take_ecg(_rows(block, leads)):
            state.signs = tuple(
                _finding(sign, at_ms)
                for sign in signs
                if sign.code not in self.settings.silent
            )

    def _take_pulse(
        self, state: EcgState, observed: Observed, waves: dict[str, Lead]
    ) -> None:
        block = pulse_block(dict([next(iter(waves.items()))]))
        name, at_ms = observed.vital, observed.at_ms
        if _is_slow(state, name, block, at_ms, PULSE):
            return
        course = state.courses.setdefault(name, Course())
        if not _fits(state, name, course, block, at_ms):
            return
        heart = Heart(state.heart)
        gap = _gap(course, block, at_ms)
        samples = next(iter(block.samples.values()))
        if name not in state.heart.pulses or gap is None:
            heart.begin_pulse(name, block.rate_hz, at_ms)
        elif gap:
            samples = np.concatenate([np.full(gap, np.nan), samples])
        _advance(course, block, at_ms)
        heart.take_pulse(name, samples)


def is_pulse(name: str, vital: Vital) -> bool:
    """Say whether a waveform is that of a pulse: a pleth, or a pressure."""
    return "pleth" in name or vital.unit == "mm[Hg]"


def _is_slow(
    state: EcgState, vital: str, block: Block, at_ms: int, tuning: Tuning
) -> bool:
    """Say whether a waveform has too few samples to be judged; tell it as long as so."""
    lowest_hz = tuning.lowest_rate_hz
    if block.rate_hz >= lowest_hz:
        state.slow.pop(vital, None)
        return False
    before = state.slow.get(vital)
    text = (
        f"{vital}: {block.rate_hz:.4g} samples a second are too few, nothing is judged; "
        f"have the device send {lowest_hz:g} or more"
    )
    code = f"{vital}_rate_too_low"
    since_ms = at_ms if before is None else before.since_ms
    state.slow[vital] = _trouble(code, vital, since_ms, text, at_ms)
    return True


def _rows(block: Block, leads: tuple[str, ...]) -> Samples:
    """Return the samples of leads in their order, NaN where the block has none."""
    if leads == tuple(block.samples):
        if len(leads) == 1:
            return block.samples[leads[0]][None]
        return np.array(list(block.samples.values()))
    rows = np.full((len(leads), block.count), np.nan)
    for row, lead in zip(rows, leads, strict=True):
        if lead in block.samples:
            row[:] = block.samples[lead]
    return rows


def _fits(
    state: EcgState, vital: str, course: Course, block: Block, at_ms: int
) -> bool:
    """Say whether a block goes on where the last ended, or later; tell if not."""
    if course.rate_hz and course.rate_hz != block.rate_hz:
        text = f"{vital}: {course.rate_hz:g} to {block.rate_hz:g} samples a second"
        _note(state, f"{vital}_rate_changed", at_ms, text)
        course.next_ms = 0
    ahead_ms = at_ms - course.next_ms
    if not course.next_ms:
        return True
    if ahead_ms < -JITTER_MS:
        course.early += 1
        if course.early < _JUMPED:
            text = f"{vital}: a block for a time that had been is left out"
            _note(state, f"{vital}_overlap", at_ms, text)
            return False
        _note(state, f"{vital}_clock_jump", at_ms, f"{vital}: clock set back")
        course.next_ms = 0
    elif ahead_ms > JITTER_MS:
        text = f"{vital}: {ahead_ms / 1000:.1f} s are missing"
        _note(state, f"{vital}_gap", at_ms, text)
    course.early = 0
    return True


def _gap(course: Course, block: Block, at_ms: int) -> int | None:
    """Return how many samples are missing before a block; None to begin anew."""
    if not course.next_ms or course.rate_hz != block.rate_hz:
        return None
    ahead_ms = at_ms - course.next_ms
    if ahead_ms > LONGEST_GAP_MS:
        return None
    return round(ahead_ms / 1000 * block.rate_hz) if ahead_ms > JITTER_MS else 0


def _advance(course: Course, block: Block, at_ms: int) -> None:
    course.rate_hz = block.rate_hz
    course.next_ms = at_ms + round(1000 * block.count / block.rate_hz)


def _has_new_lead(known: tuple[str, ...], block: Block) -> bool:
    return not block.samples.keys() <= set(known)


def _names(block: Block) -> str:
    return ", ".join(block.left_out)


def _note(state: EcgState, code: str, at_ms: int, text: str) -> None:
    vital = code.rsplit("_", 2)[0] if not code.startswith("ecg") else "ecg"
    state.troubles[code] = _trouble(code, vital, at_ms, text, at_ms)


def _trouble(code: str, vital: str, since_ms: int, text: str, at_ms: int) -> Finding:
    return Finding(
        code=code[:64],
        kind=ConditionKind.TECHNICAL,
        priority=Priority.LOW,
        text=text,
        since_ms=since_ms,
        vital=vital,
        caused_by_ms=at_ms,
    )


def _is_over(trouble: Finding, now_ms: int) -> bool:
    # A block that comes out of order is a little earlier; a clock set back, much.
    return not -LONGEST_GAP_MS <= now_ms - trouble.since_ms < _SHOWN_MS


def _finding(sign: Sign, at_ms: int) -> Finding:
    return Finding(
        code=sign.code[:64],
        kind=sign.kind,
        priority=sign.priority,
        text=sign.text,
        since_ms=sign.since_ms,
        vital="ecg",
        value=sign.value,
        caused_by_ms=at_ms,
        holds_back=sign.holds_back,
    )
