"""What a question may hold, and what is made of it; nonsense is refused with 400."""

from typing import Annotated, Final, NamedTuple

from fastapi import HTTPException, Path, Query

from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme_recorder.history_store import Period

DAY_MS: Final = 86_400_000
EVER_MS: Final = 2**53
"""The span of what is asked without a beginning, where there is never much of it."""

Id = Annotated[str, Path(pattern="^[a-z0-9-]{1,64}$")]
Ms = Annotated[int | None, Query(ge=0, le=2**53)]
VitalName = Annotated[
    str,
    Query(
        description="A vital of the catalogue; a component is `blood_pressure.mean`.",
        max_length=200,
        examples=["heart_rate"],
    ),
]


class Wanted(NamedTuple):
    """A vital as it was asked for: its catalogue entry, and perhaps a component."""

    name: str
    entry: Vital
    component: str | None


def wanted_vital(catalogue: Catalogue, vital: str) -> Wanted:
    """Return the vital, or the component, that was asked for."""
    name, _, component = vital.partition(".")
    entry = catalogue.get(name)
    if entry is None:
        known = ", ".join(catalogue)
        raise HTTPException(400, f"no vital {vital!r}; there are {known}")
    if component and component not in entry.components:
        parts = ", ".join(f"{name}.{part}" for part in entry.components) or "none"
        raise HTTPException(400, f"no component {vital!r}; there are {parts}")
    return Wanted(name, entry, component or None)


def require_numbers(wanted: Wanted) -> None:
    """Refuse to average what has no numbers, or several."""
    if wanted.entry.kind in (VitalKind.STATE, VitalKind.WAVEFORM):
        raise HTTPException(400, f"{wanted.name} has no numbers to average")
    if wanted.entry.kind is VitalKind.COMPOSITE and wanted.component is None:
        named = ", ".join(f"{wanted.name}.{part}" for part in wanted.entry.components)
        raise HTTPException(400, f"name a component: {named}")


def wanted_period(
    from_ms: int | None, to_ms: int | None, now_ms: int, span_ms: int = DAY_MS
) -> Period:
    """Return the period: without an end until now, without a beginning `span_ms`."""
    until_ms = now_ms + 1 if to_ms is None else to_ms
    since_ms = max(0, until_ms - span_ms) if from_ms is None else from_ms
    if since_ms >= until_ms:
        raise HTTPException(400, "from_ms must be before to_ms")
    return Period(since_ms, until_ms)
