"""Two devices that claim one id: found by readings that one device cannot have taken.

A device that restarts, or is moved to another bed, begins anew there and takes nothing
more at the old place; what it held comes later but was taken before. So a reading of the
old place that was taken after the new one began is another device's.
"""

from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.readings import LATE_AFTER_MS

GRACE_MS: Final = 2_000
"""A reading may be taken so much later and still be of before: clocks are set."""
FEWEST: Final = 3
"""Fewer may have another reason."""
WITHIN_MS: Final = 60_000
"""They count while they come within this time."""
OVER_AFTER_MS: Final = 600_000
"""So long after the last one, the claim is over."""
MOST_PLACES: Final = 8

Place = tuple[str, str, str]
"""Boot, ward, bed."""


@dataclass(slots=True)
class _Device:
    place: Place
    since_ms: int
    seen: dict[Place, int] = field(default_factory=dict)
    strange: int = 0
    strange_ms: int = 0
    rival: Place | None = None


class Claims:
    """Watches where each device is."""

    def __init__(self) -> None:
        self._devices: dict[str, _Device] = {}

    def note(self, device: str, place: Place, time_ms: int, received_ms: int) -> bool:
        """Take a reading's place and times; says whether a second device shows now."""
        known = self._devices.get(device)
        if known is None:
            self._devices[device] = _Device(place, time_ms, {place: time_ms})
            return False
        if known.place == place:
            return False
        if place not in known.seen:
            if len(known.seen) >= MOST_PLACES:
                del known.seen[next(iter(known.seen))]
            known.seen[place] = time_ms
            known.place, known.since_ms = place, time_ms
            return False
        is_live = abs(received_ms - time_ms) < LATE_AFTER_MS
        if not is_live or time_ms <= known.since_ms + GRACE_MS:
            return False
        return _strange(known, place, received_ms)

    def claimed(self, now_ms: int) -> dict[str, str]:
        """Return what to say of each device whose id is claimed twice."""
        return {
            f"claimed_{device}": f"two devices claim the id {device}: "
            f"{_text(known.place)} and {_text(known.rival)}"
            for device, known in self._devices.items()
            if known.rival is not None and now_ms - known.strange_ms < OVER_AFTER_MS
        }


def _strange(known: _Device, place: Place, received_ms: int) -> bool:
    if received_ms - known.strange_ms > WITHIN_MS:
        known.strange = 0
    if received_ms - known.strange_ms > OVER_AFTER_MS:
        known.rival = None
    known.strange += 1
    known.strange_ms = received_ms
    if known.strange < FEWEST or known.rival is not None:
        return False
    known.rival = place
    return True


def _text(place: Place | None) -> str:
    boot, ward, bed = place or ("", "", "")
    return f"boot {boot} at {ward}/{bed}"
