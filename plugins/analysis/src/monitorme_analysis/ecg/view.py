"""What the judgements of rhythm look at: the newest beats, pulses and seconds."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from monitorme_analysis.ecg.extremes import ADULT, Extremes
from monitorme_analysis.ecg.lead_quality import LeadFault
from monitorme_analysis.ecg.stream import Noted, Second


class PulseView(NamedTuple):
    """A waveform of pulses."""

    pulses: Sequence[Noted]
    """Decided ones and likely ones, in order."""
    seconds: Sequence[Second]
    known_ms: int
    """Until when pulses would have been seen."""

    @property
    def is_live(self) -> bool:
        """Whether there is a signal that could show a pulse."""
        useless = (LeadFault.MISSING, LeadFault.FLAT)
        newest = self.seconds[-3:]
        return bool(newest) and all(one.faults[0] not in useless for one in newest)


class View(NamedTuple):
    """What is known of a heart at a moment."""

    now_ms: int
    known_ms: int
    """Until when beats would have been seen."""
    start_ms: int
    """When the waveform began."""
    beats: Sequence[Noted]
    """Decided ones and likely ones, in order."""
    maybe: Callable[[], Sequence[int]]
    """Returns the times of what may still turn out to be beats."""
    leads: tuple[str, ...]
    seconds: Sequence[Second]
    pulses: Mapping[str, PulseView]
    extremes: Extremes = ADULT
    """Which rates are extreme for this patient."""

    @property
    def last_ms(self) -> int:
        """When the last beat was, or what may be one; when it began, where none was."""
        last_ms = self.beats[-1].at_ms if self.beats else self.start_ms
        return max(self.start_ms, last_ms, *self.maybe())
