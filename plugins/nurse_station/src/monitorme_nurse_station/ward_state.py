"""What a station shows of a ward: the newest of everything, and what has changed."""

from dataclasses import dataclass, field
from typing import Any

from monitorme.contract.payloads import Admission, Alarm, DeviceStatus, LimitsInForce
from monitorme.contract.readings import Judgement, Lead, Reading
from monitorme.contract.vitals import Catalogue

Json = dict[str, Any]


@dataclass(slots=True)
class _Newest:
    device: str
    boot: str
    seq: int
    at_ms: int
    taken_ms: int
    fields: Json

    def is_of(self, admission: Admission | None) -> bool:
        """Say whether it was taken of the patient who lies in the bed now."""
        return admission is not None and self.taken_ms >= admission.since_ms


@dataclass(slots=True)
class BedState:
    """The newest of one bed, of whomever it is; only the patient's own is shown."""

    admission: Admission | None = None
    values: dict[str, _Newest] = field(default_factory=dict)
    alarms: dict[str, Json] = field(default_factory=dict)
    devices: dict[str, Json] = field(default_factory=dict)
    limits: Json | None = None
    """By which limits whomever it is about is judged."""

    @property
    def own_limits(self) -> Json | None:
        """Return them where they are of the patient who lies in the bed now."""
        if self.admission is None or self.limits is None:
            return None
        is_own = self.limits["admission"] == self.admission.admission
        return self.limits if is_own else None


class WardState:
    """The beds of a ward; not thread-safe, its owner locks.

    `take_…` changes it, `delta` returns what changed since the last delta.
    """

    def __init__(self, beds: tuple[str, ...], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._beds = {bed: BedState() for bed in beds}
        self._changes: dict[str, Json] = {}

    def take_admission(self, bed: str, admission: Admission | None) -> None:
        """Show another patient, or none; nothing of the one before stays."""
        state = self._bed(bed)
        if state.admission == admission:
            return
        state.admission = admission
        self._changes[bed] = {"reset": self._whole(state)}

    def take_reading(
        self, bed: str, vital: str, reading: Reading, judged: Judgement, now_ms: int
    ) -> bool:
        """Show a reading; says whether it is shown.

        It is not where nobody lies in the bed, where it was taken before the patient
        came, or where a newer one is known. It is kept for an admission that is still
        on its way, and shown with it.
        """
        state = self._bed(bed)
        known = state.values.get(vital)
        if known is not None and _is_older(known, reading, judged):
            return False
        fields, waves = _fields(judged, now_ms)
        # A device's clock may be ahead: what has come was taken before it came.
        taken_ms = min(judged.at_ms, now_ms)
        newest = _Newest(
            *(reading.device, reading.boot, reading.seq),
            *(judged.at_ms, taken_ms, fields),
        )
        state.values[vital] = newest
        if not newest.is_of(state.admission):
            return False
        change = self._change(bed)
        change.setdefault("values", {})[vital] = fields
        if waves:
            change.setdefault("waves", {}).setdefault(vital, []).append(waves)
        return True

    def take_past(self, bed: str, vital: str, judged: Judgement) -> None:
        """Fill in what the recorder knows, where nothing newer has come."""
        state = self._bed(bed)
        known = state.values.get(vital)
        if known is not None and known.at_ms >= judged.at_ms:
            return
        fields, waves = _fields(judged, judged.at_ms)
        if waves:
            return
        newest = _Newest("", "", 0, judged.at_ms, judged.at_ms, fields)
        state.values[vital] = newest
        if newest.is_of(state.admission):
            self._change(bed).setdefault("values", {})[vital] = fields

    def take_alarm(self, bed: str, code: str, alarm: Alarm | None) -> None:
        """Show an alarm, or take it away."""
        state = self._bed(bed)
        shown = None
        if alarm is None:
            state.alarms.pop(code, None)
        else:
            known = alarm.model_dump(mode="json", exclude_none=True)
            state.alarms[code] = known
            shown = known if _concerns(known, state.admission) else None
        self._change(bed).setdefault("alarms", {})[code] = shown

    def take_limits(self, bed: str, limits: LimitsInForce | None) -> None:
        """Show by which limits the patient is judged; None where nobody says."""
        state = self._bed(bed)
        before = state.own_limits
        state.limits = (
            limits.model_dump(mode="json", exclude_none=True) if limits else None
        )
        if state.own_limits != before:
            self._change(bed)["limits"] = state.own_limits

    def take_device(self, bed: str, status: DeviceStatus) -> None:
        """Show whether a device is there; an old boot's death is ignored."""
        state = self._bed(bed)
        known = state.devices.get(status.device)
        if known and status.state == "offline" and known["boot"] != status.boot:
            return
        shown = {"state": status.state, "boot": status.boot, "model": status.model}
        state.devices[status.device] = shown
        self._change(bed).setdefault("devices", {})[status.device] = shown

    def since_ms(self, bed: str) -> int | None:
        """Return since when the patient lies in a bed; None where nobody does."""
        state = self._beds.get(bed)
        admission = state.admission if state is not None else None
        return admission.since_ms if admission is not None else None

    def snapshot(self) -> list[Json]:
        """Return all beds whole, in the ward's order."""
        return [{"bed": bed, **self._whole(state)} for bed, state in self._beds.items()]

    def delta(self) -> dict[str, Json]:
        """Return what has changed by bed, and begin to collect anew."""
        changes, self._changes = self._changes, {}
        return changes

    def _bed(self, bed: str) -> BedState:
        state = self._beds.get(bed)
        if state is None:
            state = self._beds[bed] = BedState()
            self._changes[bed] = {"reset": self._whole(state)}
        return state

    def _change(self, bed: str) -> Json:
        return self._changes.setdefault(bed, {})

    def _whole(self, state: BedState) -> Json:
        admission = state.admission
        patient = None
        if admission is not None:
            patient = {
                "name": admission.name,
                "mrn": admission.mrn,
                "category": admission.category.value,
                "since_ms": admission.since_ms,
            }
        return {
            "patient": patient,
            "values": {
                vital: one.fields
                for vital, one in state.values.items()
                if one.is_of(admission)
            },
            "alarms": {
                code: alarm
                for code, alarm in state.alarms.items()
                if _concerns(alarm, admission)
            },
            "devices": dict(state.devices),
            "limits": state.own_limits,
        }


def described(catalogue: Catalogue) -> dict[str, Json]:
    """Return what a page has to know of the vitals."""
    return {
        name: {
            "label": vital.label,
            "name": vital.name,
            "unit": vital.unit,
            "kind": vital.kind.value,
            "decimals": vital.decimals,
            "episodic": vital.episodic,
            "stale_after_ms": vital.stale_after_ms,
            "states": vital.states,
            "components": {
                component: entry.label for component, entry in vital.components.items()
            },
        }
        for name, vital in catalogue.items()
    }


def _concerns(alarm: Json, admission: Admission | None) -> bool:
    """Say whether an alarm is of the patient in the bed, or of no patient at all."""
    found_during = alarm.get("admission")
    return found_during is None or (
        admission is not None and found_during == admission.admission
    )


def _is_older(known: _Newest, reading: Reading, judged: Judgement) -> bool:
    if (known.device, known.boot) == (reading.device, reading.boot):
        return reading.seq <= known.seq
    return judged.at_ms < known.at_ms


def _fields(judged: Judgement, now_ms: int) -> tuple[Json, Json]:
    """Return a reading as pages get it: its fields, and its samples where it has any."""
    # A page tells the age of a reading by its arrival, that of a late one by its time.
    seen_ms = judged.at_ms if judged.late else now_ms
    fields: Json = {"q": judged.quality, "at": judged.at_ms, "rx": seen_ms}
    if judged.reason is not None:
        fields["r"] = judged.reason
    value = judged.value
    if not isinstance(value, dict):
        return {**fields, "v": value}, {}
    leads = {name: part for name, part in value.items() if isinstance(part, Lead)}
    if not leads:
        return {**fields, "v": value}, {}
    name, lead = next(iter(leads.items()))
    if judged.late:
        return {**fields, "v": name}, {}
    waves = {
        "lead": name,
        "rate": lead.rate_hz,
        "scale": lead.scale,
        "offset": lead.offset,
        "at": judged.at_ms,
        "samples": lead.samples,
    }
    return {**fields, "v": name}, waves
