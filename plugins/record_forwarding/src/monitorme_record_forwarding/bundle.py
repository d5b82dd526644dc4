"""A snapshot of a patient as a FHIR R4 transaction Bundle: values in, document out.

Everything may be sent twice: the patient is created by record number and each observation
by its identifier only if the server has none, and a device replaces itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from monitorme.contract.payloads import Admission
from monitorme.contract.readings import Lead, ReadingValue
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme_record_forwarding.codes import (
    ABSENT,
    ALSO,
    ANY_LEAD,
    CATEGORY,
    LEADS,
    LOCAL,
    LOINC,
    MDC,
    PANEL,
    SNOMED,
    STATES,
    UCUM,
    UNIT_WORDS,
    VITAL_SIGNS,
)

Json = dict[str, Any]

MRN_SYSTEM: Final = "urn:stayhealthy:mrn"
DEVICE_SYSTEM: Final = "urn:stayhealthy:monitorme:device"
OBSERVATION_SYSTEM: Final = "urn:stayhealthy:monitorme:observation"


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest of one vital; `value` is None where it may not be told as a number."""

    device: str
    at_ms: int
    value: ReadingValue
    reason: str | None
    is_stale: bool


def snapshot_bundle(
    admission: Admission,
    newest: Mapping[str, Newest],
    catalogue: Catalogue,
    now_ms: int,
) -> Json:
    """Return the Bundle of a patient's newest values; what is missing is said so."""
    patient = _patient(admission)
    devices = {
        device: _device(device)
        for device in sorted({one.device for one in newest.values()})
    }
    links = {name: entry["fullUrl"] for name, entry in devices.items()}
    observations = {
        name: _observation(name, vital, newest.get(name), admission, links, now_ms)
        for name, vital in catalogue.items()
    }
    members = [
        entry["fullUrl"]
        for name, entry in observations.items()
        if catalogue[name].loinc in VITAL_SIGNS
    ]
    panel = _panel(admission, members, now_ms)
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": _time(now_ms),
        "entry": [patient, *devices.values(), *observations.values(), panel],
    }


def _patient(admission: Admission) -> Json:
    resource: Json = {
        "resourceType": "Patient",
        "identifier": [{"system": MRN_SYSTEM, "value": admission.mrn}],
        "name": [{"text": admission.name}],
        "gender": admission.sex,
    }
    if admission.birth_date is not None:
        resource["birthDate"] = admission.birth_date
    return _entry(
        _url("patient", admission.patient),
        resource,
        {
            "method": "POST",
            "url": "Patient",
            "ifNoneExist": f"identifier={MRN_SYSTEM}|{admission.mrn}",
        },
    )


def _device(device: str) -> Json:
    identifier = {"system": DEVICE_SYSTEM, "value": device}
    return _entry(
        _url("device", device),
        {"resourceType": "Device", "identifier": [identifier], "status": "active"},
        {"method": "PUT", "url": f"Device?identifier={DEVICE_SYSTEM}|{device}"},
    )


def _observation(
    name: str,
    vital: Vital,
    newest: Newest | None,
    admission: Admission,
    devices: Mapping[str, str],
    now_ms: int,
) -> Json:
    at_ms = newest.at_ms if newest else now_ms
    resource: Json = {
        "resourceType": "Observation",
        "status": "final",
        "category": [_category(vital)],
        "code": _code(name, vital),
        "subject": {"reference": _url("patient", admission.patient)},
        "effectiveDateTime": _time(at_ms),
    }
    if newest is not None:
        resource["device"] = {"reference": devices[newest.device]}
    resource |= _content(name, vital, newest)
    return _identified(resource, (admission.admission, name, str(at_ms)))


def _panel(admission: Admission, members: Iterable[str], now_ms: int) -> Json:
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [_coded(CATEGORY, "vital-signs")],
        "code": _coded(LOINC, PANEL),
        "subject": {"reference": _url("patient", admission.patient)},
        "effectiveDateTime": _time(now_ms),
        "hasMember": [{"reference": url} for url in members],
    }
    return _identified(resource, (admission.admission, "panel", str(now_ms)))


def _identified(resource: Json, parts: tuple[str, ...]) -> Json:
    value = "-".join(parts)
    resource["identifier"] = [{"system": OBSERVATION_SYSTEM, "value": value}]
    request = {
        "method": "POST",
        "url": "Observation",
        "ifNoneExist": f"identifier={OBSERVATION_SYSTEM}|{value}",
    }
    return _entry(_url("observation", value), resource, request)


def _content(name: str, vital: Vital, newest: Newest | None) -> Json:
    if newest is None:
        return _absent("unknown")
    if newest.is_stale:
        return _absent("temp-unknown")
    value = newest.value
    if value is None:
        return _absent("error" if newest.reason == "out_of_range" else "not-performed")
    if isinstance(value, float):
        return {"valueQuantity": _quantity(value, vital)}
    if isinstance(value, str):
        return {"valueCodeableConcept": _state(name, value)}
    if vital.kind is VitalKind.WAVEFORM:
        return {"component": [_lead(lead, part) for lead, part in _leads(value)]}
    return {"component": [_part(vital, part, value) for part in vital.components]}


def _part(vital: Vital, component: str, value: Mapping[str, float | Lead]) -> Json:
    entry = vital.components[component]
    code: Json = {"coding": [], "text": f"{vital.name}, {component}"}
    if entry.loinc:
        code["coding"].append({"system": LOINC, "code": entry.loinc})
    if entry.mdc:
        code["coding"].append({"system": MDC, "code": str(entry.mdc)})
    number = value.get(component)
    if isinstance(number, float):
        return {"code": code, "valueQuantity": _quantity(number, vital)}
    return {"code": code, **_absent("unknown")}


def _leads(value: Mapping[str, float | Lead]) -> list[tuple[str, Lead]]:
    return [(name, part) for name, part in value.items() if isinstance(part, Lead)]


def _lead(name: str, lead: Lead) -> Json:
    """Return a lead as SampledData: value = origin + sample * factor."""
    return {
        "code": {
            "coding": [{"system": MDC, "code": str(LEADS.get(name, ANY_LEAD))}],
            "text": f"lead {name}",
        },
        "valueSampledData": {
            "origin": {
                "value": lead.offset,
                "unit": lead.unit,
                "system": UCUM,
                "code": lead.unit,
            },
            "period": round(1000 / lead.rate_hz, 6),
            "factor": lead.scale,
            "dimensions": 1,
            "data": " ".join(str(sample) for sample in lead.samples),
        },
    }


def _category(vital: Vital) -> Json:
    if vital.loinc in VITAL_SIGNS:
        return _coded(CATEGORY, "vital-signs")
    is_blood = vital.loinc is not None and vital.unit == "mg/dL"
    if is_blood:
        return _coded(CATEGORY, "laboratory")
    return _coded(CATEGORY, "procedure" if vital.kind is VitalKind.WAVEFORM else "exam")


def _code(name: str, vital: Vital) -> Json:
    codings: list[Json] = []
    for loinc in (vital.loinc, *ALSO.get(vital.loinc or "", ())):
        if loinc is not None:
            codings.append({"system": LOINC, "code": loinc})
    if vital.mdc is not None:
        codings.append({"system": MDC, "code": str(vital.mdc)})
    return {
        "coding": codings or [{"system": LOCAL, "code": name}],
        "text": vital.name,
    }


def _state(name: str, value: str) -> Json:
    if value in STATES:
        code, display = STATES[value]
        coding = {"system": SNOMED, "code": code, "display": display}
        return {"coding": [coding], "text": value}
    return {"coding": [{"system": LOCAL, "code": f"{name}-{value}"}], "text": value}


def _quantity(value: float, vital: Vital) -> Json:
    unit = UNIT_WORDS.get(vital.unit, vital.unit)
    number = round(value, max(vital.decimals, 1))
    return {"value": number, "unit": unit, "system": UCUM, "code": vital.unit}


def _absent(code: str) -> Json:
    return {"dataAbsentReason": _coded(ABSENT, code)}


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _entry(url: str, resource: Json, request: Json) -> Json:
    return {"fullUrl": url, "resource": resource, "request": request}


def _url(kind: str, name: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'monitorme:{kind}:{name}')}"


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
