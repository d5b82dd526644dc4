"""What is wrong with a FHIR R4 transaction Bundle, as far as MyMedicalData would say.

Rules: FHIR R4, Bundle and http (transaction); the vital signs profile (category, LOINC
code, subject, effective time, value or dataAbsentReason, UCUM unit).
"""

from collections.abc import Iterator
from typing import Any, Final

Json = dict[str, Any]

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
UNITS: Final = {
    "8867-4": "/min",
    "9279-1": "/min",
    "8310-5": "Cel",
    "2708-6": "%",
    "59408-5": "%",
    "8480-6": "mm[Hg]",
    "8462-4": "mm[Hg]",
    "8478-0": "mm[Hg]",
    "2339-0": "mg/dL",
}
"""The fixed UCUM code of a LOINC code."""


def defects(bundle: object) -> list[str]:
    """Return what is wrong, a sentence each; nothing for a good Bundle."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return ["not a Bundle"]
    if bundle.get("type") != "transaction":
        return ["Bundle.type is not transaction"]
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        return ["Bundle.entry is empty"]
    return list(_in_entries(entries))


def _in_entries(entries: list[Json]) -> Iterator[str]:
    urls = [entry.get("fullUrl") for entry in entries]
    if len(set(urls)) != len(urls):
        yield "fullUrls are not unique"
    known = set(urls)
    kinds = [entry.get("resource", {}).get("resourceType") for entry in entries]
    if kinds.count("Patient") != 1:
        yield "there must be one Patient"
    for number, entry in enumerate(entries):
        where = f"entry[{number}]"
        request = entry.get("request", {})
        if request.get("method") not in ("POST", "PUT") or not request.get("url"):
            yield f"{where}.request lacks method or url"
        if not str(entry.get("fullUrl", "")).startswith("urn:uuid:"):
            yield f"{where}.fullUrl is no urn:uuid"
        resource = entry.get("resource", {})
        for reference in _references(resource):
            if reference not in known:
                yield f"{where} refers to {reference}, which is not in the Bundle"
        if resource.get("resourceType") == "Patient" and not request.get("ifNoneExist"):
            yield f"{where}: a Patient without ifNoneExist would be made again"
        if resource.get("resourceType") == "Observation":
            yield from (f"{where}: {text}" for text in _in_observation(resource))


def _in_observation(observation: Json) -> Iterator[str]:
    if observation.get("status") not in ("final", "preliminary"):
        yield "status is missing"
    for name in ("category", "code", "subject"):
        if not observation.get(name):
            yield f"{name} is missing"
    if not (observation.get("effectiveDateTime") or observation.get("effectivePeriod")):
        yield "effective time is missing"
    has_value = any(key.startswith("value") for key in observation)
    has_parts = bool(observation.get("component") or observation.get("hasMember"))
    is_absent = "dataAbsentReason" in observation
    if has_value and is_absent:
        yield "both a value and dataAbsentReason"
    if not (has_value or has_parts or is_absent):
        yield "neither a value nor dataAbsentReason"
    for part in (observation, *observation.get("component", ())):
        yield from _in_quantity(part)


def _in_quantity(part: Json) -> Iterator[str]:
    quantity = part.get("valueQuantity")
    if quantity is None:
        return
    if quantity.get("system") != UCUM or not quantity.get("code"):
        yield "a quantity without its UCUM code"
    for coding in part.get("code", {}).get("coding", ()):
        unit = UNITS.get(coding.get("code", ""))
        if coding.get("system") == LOINC and unit and quantity.get("code") != unit:
            yield f"LOINC {coding['code']} must be in {unit}"


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "reference" and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
