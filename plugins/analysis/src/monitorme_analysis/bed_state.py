"""What is known of a bed, as it is written down and read back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from monitorme.contract.payloads import Admission, Category, ConditionKind, Priority
from monitorme_analysis.device import DeviceState
from monitorme_analysis.rule import Finding, Observed
from monitorme_analysis.slot import Slot

REFUSED_TOLD_MS: Final = 60_000
REFUSED_VITALS: Final = 10


@dataclass(slots=True)
class Refused:
    """Readings of one topic that could not be read."""

    reason: str
    since_ms: int
    newest_ms: int


@dataclass(slots=True)
class Known:
    """What analysis knows of a bed, but for what its rules know."""

    admission: str | None = None
    category: Category = Category.ADULT
    birth_ms: int | None = None
    since_ms: int = 0
    """Since when the patient lies here."""
    elapsed_ms: int = 0
    """Until when time has passed, as far as the rules know."""
    received_ms: int = 0
    """When the newest reading that was taken in came."""
    latest: dict[str, Observed] = field(default_factory=dict)
    latest_valid: dict[str, Observed] = field(default_factory=dict)
    sleep_states: tuple[str, ...] = ()
    devices: dict[str, DeviceState] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)

    def admit(self, admission: Admission | None) -> bool:
        """Take in who lies here; says whether it is somebody else than before."""
        name = admission.admission if admission else None
        since_ms = admission.since_ms if admission else 0
        if (name, since_ms) == (self.admission, self.since_ms):
            return False
        self.latest.clear()
        self.latest_valid.clear()
        self.sleep_states = ()
        self.admission, self.since_ms = name, since_ms
        self.category = admission.category if admission else Category.ADULT
        self.birth_ms = midnight_ms(admission.birth_date if admission else None)
        return True

    def refuse(self, vital: str, reason: str, received_ms: int) -> bool:
        """Note a reading that could not be read; says whether that is news."""
        known = self.refused.get(vital)
        if known is not None and received_ms - known.newest_ms <= REFUSED_TOLD_MS:
            known.newest_ms = received_ms
            return False
        if len(self.refused) >= REFUSED_VITALS:
            del self.refused[next(iter(self.refused))]
        self.refused[vital] = Refused(reason, received_ms, received_ms)
        return True

    def device(self, name: str) -> DeviceState:
        """Return a device of the bed, a new one where it was not known."""
        found = self.devices.get(name)
        if found is None:
            found = self.devices[name] = DeviceState()
        return found

    def findings(self, now_ms: int) -> Iterator[Finding]:
        """Return what is wrong with devices and their messages."""
        for name, device in self.devices.items():
            yield from device.findings(name, now_ms)
        for vital, refused in self.refused.items():
            if now_ms - refused.newest_ms <= REFUSED_TOLD_MS:
                yield _unreadable(vital, refused)

    @property
    def is_timed(self) -> bool:
        """Whether those findings change by time alone."""
        return bool(self.refused) or any(
            one.missing or one.bursts_ms for one in self.devices.values()
        )


@dataclass(slots=True)
class BedState:
    """Everything that analysis knows of a bed; it can be written down and read back."""

    known: Known = field(default_factory=Known)
    slots: dict[str, Slot] = field(default_factory=dict)
    """By name of the rule."""


def _unreadable(vital: str, refused: Refused) -> Finding:
    return Finding(
        code=f"{vital}_unreadable"[:64],
        kind=ConditionKind.TECHNICAL,
        priority=Priority.LOW,
        text=f"readings of {vital} cannot be read: {refused.reason}",
        since_ms=refused.since_ms,
    )


def midnight_ms(date: str | None) -> int | None:
    """Return the midnight, UTC, of a date; None where there is none, or no such."""
    if date is None:
        return None
    try:
        midnight = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(midnight.timestamp() * 1000)
