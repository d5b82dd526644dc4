"""Who lay in a bed, and what was set and entered for them, as the recorder knows it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from monitorme.contract.payloads import Admission, Category, Event
from monitorme.contract.topics import BedId
from monitorme_analysis.bed_state import midnight_ms
from monitorme_analysis.limit import VitalLimits
from monitorme_analysis.rule import Entry
from monitorme_analysis.stay import StaySettings

ENTERED: Final = ("oxygen", "consciousness", "spo2_scale", "pregnant")

Tell = Callable[[str], None]
"""Takes a sentence about what is not known."""


@dataclass(frozen=True, slots=True)
class Lain:
    """A patient in a bed, from when to when."""

    bed: str
    """As its readings name it."""
    admission: str
    from_ms: int
    to_ms: int | None = None
    """None where they still lie there."""
    category: Category | None = None
    """None where nothing that is kept says so."""
    birth_ms: int | None = None
    place: BedId | None = None
    """Where that is, of recorded history: limits may go by ward."""
    settings: tuple[tuple[int, StaySettings], ...] = ()
    """What was set and entered for the stay, from when on, in order."""


def settings_of(
    admission: str, events: Iterable[Event], tell: Tell
) -> tuple[tuple[int, StaySettings], ...]:
    """Return what events say was set and entered for a stay, from when on."""
    found: list[tuple[int, StaySettings]] = []
    settings = StaySettings()
    for event in sorted(events, key=lambda one: one.time_ms):
        if event.admission != admission or event.service != "analysis":
            continue
        try:
            after = _after(settings, event)
        except (ValidationError, ValueError, KeyError) as error:
            tell(f"stay {admission}: {event.kind} cannot be read, left out: {error}")
            continue
        if after is not settings:
            settings = after
            found.append((event.time_ms, settings))
    return tuple(found)


def patient_of(
    admission: str, admissions: Sequence[Admission]
) -> tuple[Category | None, int | None]:
    """Return the kind of patient, and the midnight of their birth, as far as known."""
    for one in reversed(admissions):
        if one.admission == admission:
            return one.category, midnight_ms(one.birth_date)
    return None, None


def _after(settings: StaySettings, event: Event) -> StaySettings:
    """Return the settings after an event; the same where it is about none."""
    details: dict[str, Any] = dict(event.details)
    match event.kind:
        case "limits_set":
            vital = details["vital"]
            limits = VitalLimits.model_validate(json.loads(details["after"]))
            return _with(settings, limits={**settings.limits, vital: limits})
        case "limits_cleared":
            kept = {v: n for v, n in settings.limits.items() if v != details["vital"]}
            return _with(settings, limits=kept)
        case "observation_entered":
            entered = dict(settings.entered)
            for name in ENTERED:
                if f"{name}_after" in details:
                    entered[name] = Entry(
                        details[f"{name}_after"],
                        event.time_ms,
                        details[f"{name}_expires_ms"],
                        event.by or "",
                    )
            return _with(settings, entered=entered)
    return settings


def _with(settings: StaySettings, **changed: Any) -> StaySettings:
    return settings.model_copy(update=changed)
