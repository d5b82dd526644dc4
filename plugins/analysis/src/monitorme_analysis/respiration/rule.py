"""The rate of respiration that a device sends, checked against the ECG."""

from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np
from pydantic import Field

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme.contract.readings import Lead
from monitorme_analysis.ecg.block import Block, ecg_block
from monitorme_analysis.ecg.tuning import QRS
from monitorme_analysis.respiration.beat_marks import BeatMarks, mark, modulations
from monitorme_analysis.respiration.spectrum import (
    MEMORY,
    Common,
    add,
    agreeing,
    peak,
    spectra,
)
from monitorme_analysis.rule import (
    Finding,
    Findings,
    Observed,
    Rule,
    RuleContext,
    RuleSettings,
)

SENT: Final = "respiratory_rate"
CODE: Final = "respiratory_rate_disagrees"
JITTER_MS: Final = 500
LOOK_EVERY_MS: Final = 10_000
WINDOW_S: Final = 32.0
_EDGE_S: Final = 0.5
_FEWEST_BEATS: Final = 12
_WITNESSES: Final = 2
"""Of height, line and interval: one alone may follow the slow waves of blood pressure."""
_CLOCK_SAMPLES: Final = 1.6
_SENT_KEPT: Final = 4
_MEMORY: Final = MEMORY ** (LOOK_EVERY_MS / 1_000)


class RespirationCheckSettings(RuleSettings):
    """Settings of the check of the respiratory rate."""

    apart_per_min: float = Field(default=5.0, gt=0)
    """Rates nearer than this agree."""
    apart_share: float = Field(default=0.25, gt=0, lt=1)
    """And those that differ by less than this share of the one that was sent."""
    quality: float = Field(default=0.45, gt=0, lt=1)
    """What the ECG says counts from this quality on."""
    looks: int = Field(default=6, ge=1, le=60)
    """They disagree when so many looks in a row, one each 10 s, say so."""


@dataclass(slots=True)
class Checked:
    """What the ECG of a bed says of its breath."""

    lead: str = ""
    rate_hz: float = 0.0
    next_ms: int = 0
    """When the next block begins."""
    look_ms: int = 0
    """When to look next."""
    marks: BeatMarks = field(default_factory=BeatMarks)
    common: Common = field(default_factory=Common)
    sent: list[float] = field(default_factory=list)
    """The rates sent at the newest looks."""
    apart: int = 0
    """Looks in a row that disagreed."""
    unsure: int = 0
    """Looks in a row that could not say."""
    since_ms: int = 0
    """Since when they disagree."""


class RespirationCheck(Rule[Checked, RespirationCheckSettings]):
    """The sent respiratory rate disagrees with what the ECG shows of the breath."""

    name = "respiration_check"
    vitals = ("ecg",)
    source = (
        "height, line and interval of beats: Charlton et al. 2016 (Physiol. Meas. 37:610); "
        "how far apart and how long: ours"
    )
    Settings = RespirationCheckSettings
    State = Checked

    def begin(self) -> Checked:
        """Return a bed of whose breath nothing is known."""
        return Checked()

    def step(
        self, state: Checked, observed: Observed, context: RuleContext
    ) -> tuple[Checked, Findings]:
        """Take in a second of ECG."""
        value = observed.value
        leads = value if isinstance(value, dict) else {}
        waves = {name: one for name, one in leads.items() if isinstance(one, Lead)}
        block = ecg_block(waves)
        if block.samples and block.rate_hz < QRS.lowest_rate_hz:
            # Too few samples to show beats: the rule of the ECG tells it.
            state.apart = 0
            return state, ()
        if not block.samples or not _follows(state, block, observed.at_ms):
            return state, None
        mark(state.marks, block.samples[state.lead], block.rate_hz)
        if observed.at_ms < state.look_ms:
            return state, None
        state.look_ms = observed.at_ms + LOOK_EVERY_MS
        return state, self._look(state, observed.at_ms, context)

    def _look(self, state: Checked, now_ms: int, context: RuleContext) -> Findings:
        seen_per_min, quality = _breath(state)
        newest = context.latest_valid.get(SENT)
        fresh_ms = context.catalogue[SENT].stale_after_ms if newest else 0
        value = newest.value if newest else None
        if (
            newest is None
            or not isinstance(value, float)
            or now_ms - newest.at_ms > fresh_ms + LOOK_EVERY_MS
            or quality < self.settings.quality
        ):
            return self._unsure(state)
        state.unsure = 0
        state.sent = [*state.sent, value][-_SENT_KEPT:]
        sent_per_min = median(state.sent)
        away = abs(seen_per_min - sent_per_min)
        allowed = max(
            self.settings.apart_per_min, self.settings.apart_share * sent_per_min
        )
        if away <= allowed:
            state.apart = 0
            return ()
        state.apart += 1
        state.since_ms = now_ms if state.apart == 1 else state.since_ms
        if state.apart < self.settings.looks:
            return ()
        return (_finding(state.since_ms, sent_per_min, seen_per_min, now_ms),)

    def _unsure(self, state: Checked) -> Findings:
        """Keep what was found for as long as it took to find it, then let it go."""
        state.unsure += 1
        if state.unsure < self.settings.looks:
            return None
        state.apart = 0
        state.sent = []
        return ()


def _follows(state: Checked, block: Block, at_ms: int) -> bool:
    """Say whether a block is to be taken in; begin anew where it does not go on."""
    ahead_ms = at_ms - state.next_ms
    is_same = state.lead in block.samples and state.rate_hz == block.rate_hz
    if is_same and -10 * LOOK_EVERY_MS < ahead_ms < -JITTER_MS:
        return False
    if not is_same or abs(ahead_ms) > JITTER_MS:
        state.lead, state.rate_hz = next(iter(block.samples)), block.rate_hz
        state.marks, state.common = BeatMarks(), Common()
    state.next_ms = at_ms + round(1_000 * block.count / block.rate_hz)
    return True


def _breath(state: Checked) -> tuple[float, float]:
    """Return the breaths a minute that the ECG shows, and how plainly."""
    marks = state.marks
    end_s = marks.end_s - _EDGE_S
    if end_s < WINDOW_S or len(marks.at_s) < _FEWEST_BEATS:
        return 0.0, 0.0
    found = (one.curve(end_s - WINDOW_S, end_s) for one in modulations(marks))
    curves = [curve for curve in found if curve is not None]
    if _is_clock(marks, state.rate_hz):
        return 0.0, 0.0
    seconds = marks.at_s[-1] - marks.at_s[0]
    fastest = 30 * (len(marks.at_s) - 1) / seconds if seconds > 0 else 0.0
    of_curves = spectra(curves, fastest)
    add(state.common, of_curves, _MEMORY)
    per_min, quality = peak(state.common)
    return per_min, quality if agreeing(of_curves, per_min) >= _WITNESSES else 0.0


def _is_clock(marks: BeatMarks, rate_hz: float) -> bool:
    """Say whether the heart is as even as a clock (paced, or simulated).

    Beats of a fixed interval fall between samples in a pattern that repeats, which looks
    like breath.
    """
    low, high = np.quantile(np.diff(marks.at_s), (0.1, 0.9)).tolist()
    return bool((high - low) * rate_hz < _CLOCK_SAMPLES)


def _finding(since_ms: int, sent: float, seen: float, now_ms: int) -> Finding:
    return Finding(
        code=CODE,
        kind=ConditionKind.TECHNICAL,
        priority=Priority.LOW,
        text=f"respiration: {sent:.0f} sent, the ECG shows {seen:.0f}",
        since_ms=since_ms,
        vital=SENT,
        value=sent,
        limit=round(seen, 1),
        unit="/min",
        caused_by_ms=now_ms,
    )
