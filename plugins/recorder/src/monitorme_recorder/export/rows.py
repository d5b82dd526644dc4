"""Readings as rows of a table: one a number, a word, or a lead's block of samples."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from monitorme.contract.readings import Lead
from monitorme_recorder.history_store import StoredReading


class Row(NamedTuple):
    """A row; what does not apply is None.

    A composite reading is a row a component, a block of a waveform a row a lead. Where
    a reading is not usable there is one row, with neither number, word nor samples.
    """

    at_ms: int
    vital: str
    component: str | None
    number: float | None
    word: str | None
    unit: str
    quality: str
    reason: str | None
    rate_hz: float | None
    samples: list[float] | None
    ward: str
    bed: str
    device: str
    boot: str
    seq: int
    time_ms: int
    received_ms: int


def rows_of(
    readings: Iterable[StoredReading], unit: str, component: str | None = None
) -> Iterator[Row]:
    """Return the rows of a vital's readings; of a composite, perhaps one component."""
    for one in readings:
        value = one.kept.value if one.kept.is_usable else None
        if not isinstance(value, dict):
            yield _row(one, unit, value=value)
            continue
        for name, part in value.items():
            if component is None or component == name:
                yield _row(one, unit, component=name, value=part)


def _row(
    one: StoredReading,
    unit: str,
    *,
    component: str | None = None,
    value: float | str | Lead | None,
) -> Row:
    stream, kept = one
    lead = value if isinstance(value, Lead) else None
    return Row(
        at_ms=kept.at_ms,
        vital=stream.vital,
        component=component,
        number=value if isinstance(value, float) else None,
        word=value if isinstance(value, str) else None,
        unit=unit if lead is None else lead.unit,
        quality=kept.quality,
        reason=kept.reason,
        rate_hz=lead.rate_hz if lead is not None else None,
        samples=_scaled(lead) if lead is not None else None,
        ward=stream.ward,
        bed=stream.bed,
        device=stream.device,
        boot=stream.boot,
        seq=kept.seq,
        time_ms=kept.time_ms,
        received_ms=kept.received_ms,
    )


def _scaled(lead: Lead) -> list[float]:
    return [lead.offset + lead.scale * sample for sample in lead.samples]
