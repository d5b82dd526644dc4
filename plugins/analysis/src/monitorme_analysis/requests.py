"""The requests that analysis takes: limits of a patient, and what staff enter."""

import json
from collections.abc import Mapping
from typing import Any, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from monitorme.commanding import Answer, Handler, Refused, arguments
from monitorme.contract.payloads import Command, Event
from monitorme.contract.topics import BedId
from monitorme.errors import ContractError
from monitorme.plugin import Context
from monitorme.site import first_mistake
from monitorme_analysis.bed import BedAnalysis
from monitorme_analysis.beds import Beds
from monitorme_analysis.limit import Band, VitalLimits
from monitorme_analysis.rule import Entry
from monitorme_analysis.switched_off import still_else, switched_off

HOUR_MS = 3_600_000
FOR_THE_STAY_H = 24 * 30.0
"""What does not change by the hour is known for so long."""
BY_THE_HOUR = ("oxygen", "consciousness")
"""What has to be looked at again and again."""
TEXT_AT_MOST = 500


class _OfBed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ward: str
    bed: str
    admission: str | None = None
    """Where it is given, the request is for this stay and refused for any other."""


class _Show(_OfBed):
    pass


class _Set(_OfBed):
    vital: str
    both: dict[str, float | None] = {}
    """Limits to change awake, and asleep where those are others; null switches off."""
    awake: dict[str, float | None] = {}
    asleep: dict[str, float | None] | None = {}
    """Limits to change of that set alone; null for all: asleep the same as awake."""
    on_delay_s: float | None = None
    critical_on_delay_s: float | None = None
    off_delay_s: float | None = None
    deadband: float | None = None


class _Clear(_OfBed):
    vital: str | None = None


class _Enter(_OfBed):
    oxygen: bool | None = None
    consciousness: Literal["A", "C", "V", "P", "U"] | None = None
    spo2_scale: Literal[1, 2] | None = None
    pregnant: bool | None = None
    valid_h: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.given():
            raise ValueError(
                "enter oxygen, consciousness (A, C, V, P or U), spo2_scale or pregnant"
            )
        if self.valid_h is not None and not 0 < self.valid_h <= FOR_THE_STAY_H:
            raise ValueError(f"valid_h must be above 0 and at most {FOR_THE_STAY_H:g}")
        return self

    def given(self) -> dict[str, bool | float | str]:
        """Return what was entered, by name."""
        names = ("oxygen", "consciousness", "spo2_scale", "pregnant")
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}


class Requests:
    """Carries out requests; each change is on disk before it is answered, and told."""

    def __init__(self, context: Context, beds: Beds, *, valid_h: float) -> None:
        self._context, self._beds, self._valid_h = context, beds, valid_h
        self.verbs: Mapping[str, Handler] = {
            "limits": self._show,
            "set_limits": self._set,
            "clear_limits": self._clear,
            "enter": self._enter,
        }

    def _show(self, command: Command) -> Answer:
        bed, analysis, _ = self._occupied(arguments(_Show, command))
        context = analysis.context
        now_ms = self._context.now_ms()
        return {
            "bed": str(bed),
            "admission": context.admission,
            "category": context.category,
            "sleep": context.sleep(now_ms),
            "limits": _dumped(context.limits),
            "of_patient": sorted(analysis.stay.limits),
            "entered": {
                name: {
                    "value": entry.value,
                    "entered_ms": entry.entered_ms,
                    "expires_ms": entry.expires_ms,
                    "by": entry.by,
                    "is_valid": now_ms < entry.expires_ms,
                }
                for name, entry in analysis.stay.entered.items()
            },
        }

    def _set(self, command: Command) -> Answer:
        wanted = arguments(_Set, command)
        bed, analysis, admission = self._occupied(wanted)
        self._check_vital(wanted.vital)
        before = analysis.context.limits.get(wanted.vital)
        after = _changed(before, wanted, command.by)
        stay = analysis.stay
        settings = stay.model_copy(
            update={"limits": {**stay.limits, wanted.vital: after}}
        )
        details = _audit(wanted, before, after)
        event = self._event("limits_set", admission, command, details)
        self._beds.settle(bed, admission, settings, [event])
        catalogue = self._context.catalogue
        return {
            "bed": str(bed),
            "admission": admission,
            "limits": _dumped({wanted.vital: after}),
            "warnings": [
                *switched_off(wanted.vital, after, catalogue),
                *still_else(wanted.vital, after, wanted.awake, wanted.asleep or {}),
            ],
        }

    def _clear(self, command: Command) -> Answer:
        wanted = arguments(_Clear, command)
        bed, analysis, admission = self._occupied(wanted)
        stay = analysis.stay
        gone = [wanted.vital] if wanted.vital else sorted(stay.limits)
        if wanted.vital and wanted.vital not in stay.limits:
            raise Refused(
                f"no limits of {wanted.vital} are set for the patient of {bed}"
            )
        before = {vital: stay.limits[vital] for vital in gone}
        kept = {v: one for v, one in stay.limits.items() if v not in gone}
        settings = stay.model_copy(update={"limits": kept})
        in_force = analysis.limits_with(settings)
        events = [
            self._event(
                "limits_cleared",
                admission,
                command,
                {
                    "vital": vital,
                    "before": _text(one),
                    "after": _text(in_force.get(vital)),
                },
            )
            for vital, one in before.items()
        ]
        self._beds.settle(bed, admission, settings, events)
        return {"bed": str(bed), "admission": admission, "cleared": gone}

    def _enter(self, command: Command) -> Answer:
        wanted = arguments(_Enter, command)
        bed, analysis, admission = self._occupied(wanted)
        now_ms, stay = self._context.now_ms(), analysis.stay
        entered, details = dict(stay.entered), {}
        for name, value in wanted.given().items():
            default_h = self._valid_h if name in BY_THE_HOUR else FOR_THE_STAY_H
            valid_h = wanted.valid_h or default_h
            before = stay.entered.get(name)
            expires_ms = now_ms + round(valid_h * HOUR_MS)
            entered[name] = Entry(value, now_ms, expires_ms, command.by)
            details[f"{name}_before"] = before.value if before else None
            details[f"{name}_after"] = value
            details[f"{name}_expires_ms"] = expires_ms
        settings = stay.model_copy(update={"entered": entered})
        event = self._event("observation_entered", admission, command, details)
        self._beds.settle(bed, admission, settings, [event])
        return {
            "bed": str(bed),
            "admission": admission,
            "entered": {
                name: {"value": one.value, "expires_ms": one.expires_ms}
                for name, one in entered.items()
                if name in wanted.given()
            },
        }

    def _occupied(self, wanted: _OfBed) -> tuple[BedId, BedAnalysis, str]:
        """Return the bed and who lies there; raises Refused where nobody does."""
        try:
            bed = BedId(wanted.ward, wanted.bed)
        except ContractError as error:
            raise Refused(str(error)) from error
        analysis = self._beds.get(bed)
        admission = analysis.context.admission if analysis else None
        if analysis is None or admission is None:
            raise Refused(f"nobody lies in {bed}: limits belong to a patient")
        if wanted.admission not in (None, admission):
            raise Refused(f"somebody else lies in {bed} by now; look again")
        return bed, analysis, admission

    def _check_vital(self, name: str) -> None:
        vital, _, component = name.partition(".")
        entry = self._context.catalogue.get(vital)
        if entry is None:
            known = ", ".join(self._context.catalogue)
            raise Refused(f"there is no vital {vital!r}; there are {known}")
        if entry.components and component not in entry.components:
            known = ", ".join(f"{vital}.{one}" for one in entry.components)
            raise Refused(f"{vital} has parts: set limits of {known}")
        if entry.kind not in ("numeric", "composite") or (
            component and not entry.components
        ):
            raise Refused(f"{name} has no numbers that limits could be set for")

    def _event(
        self,
        kind: str,
        admission: str,
        command: Command,
        details: Mapping[str, Any],
    ) -> Event:
        return Event(
            id=str(uuid4()),
            time_ms=self._context.now_ms(),
            service="analysis",
            kind=kind,
            by=command.by,
            admission=admission,
            details=dict(details),
        )


def _changed(before: VitalLimits | None, wanted: _Set, by: str) -> VitalLimits:
    """Return the limits with what is wanted changed; raises Refused where they clash."""
    limits = before or VitalLimits(awake=Band())
    numbers = {
        name: value
        for name in ("on_delay_s", "critical_on_delay_s", "off_delay_s", "deadband")
        if (value := getattr(wanted, name)) is not None
    }
    asleep = None
    if wanted.asleep is not None and (wanted.asleep or limits.asleep is not None):
        before_asleep = (limits.asleep or limits.awake).model_dump()
        asleep = {**before_asleep, **wanted.both, **wanted.asleep}
    try:
        return VitalLimits.model_validate(
            {
                **limits.model_dump(),
                "awake": {**limits.awake.model_dump(), **wanted.both, **wanted.awake},
                "asleep": asleep,
                **numbers,
                "source": f"set by {by}",
            }
        )
    except ValidationError as error:
        raise Refused(first_mistake(error)) from error


def _audit(
    wanted: _Set, before: VitalLimits | None, after: VitalLimits
) -> dict[str, Any]:
    return {"vital": wanted.vital, "before": _text(before), "after": _text(after)}


def _text(limits: VitalLimits | None) -> str | None:
    if limits is None:
        return None
    shown = limits.model_dump(exclude_none=True, exclude={"source"})
    return json.dumps(shown)[:TEXT_AT_MOST]


def _dumped(limits: Mapping[str, VitalLimits]) -> dict[str, Any]:
    return {name: one.model_dump(exclude_none=True) for name, one in limits.items()}
