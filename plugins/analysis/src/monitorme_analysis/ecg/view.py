"""What the judgements of rhythm look at: the newest beats, pulses and seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitorme_analysis.ecg.lead_quality import LeadFault
from monitorme_analysis.ecg.stream import Noted, Second


@dataclass(frozen=True, slots=True)
class PulseView:
    """A waveform of pulses."""

    pulses: tuple[Noted, ...]
    """Decided ones and likely ones, in order."""
    seconds: tuple[Second, ...]
    known_ms: int
    """Until when pulses would have been seen."""

    @property
    def is_live(self) -> bool:
        """Whether there is a signal that could show a pulse."""
        useless = (LeadFault.MISSING, LeadFault.FLAT)
        newest = self.seconds[-3:]
        return bool(newest) and all(one.faults[0] not in useless for one in newest)


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a heart at a moment."""

    now_ms: int
    known_ms: int
    """Until when beats would have been seen."""
    start_ms: int
    """When the waveform began."""
    beats: tuple[Noted, ...]
    """Decided ones and likely ones, in order."""
    maybe_ms: tuple[int, ...]
    """The times of what may still turn out to be beats."""
    leads: tuple[str, ...]
    seconds: tuple[Second, ...]
    pulses: Mapping[str, PulseView] = field(default_factory=dict)

    @property
    def last_ms(self) -> int:
        """When the last beat was, or what may be one; when it began, where none was."""
        last = [self.beats[-1].at_ms] if self.beats else []
        return max([self.start_ms, *last, *self.maybe_ms])
