"""What the history API answers with."""

import json
from typing import Annotated, Any

import msgspec
from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from monitorme.contract.payloads import Category
from monitorme_recorder.history.legs import Leg
from monitorme_recorder.history.losses import Happening, Loss
from monitorme_recorder.history.silences import Silence
from monitorme_recorder.history.stays import Stay
from monitorme_recorder.history_store import Bucket, StoredReading


class Answer(BaseModel):
    """What all answers share: the docstrings of their fields are their documentation."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Problem(Answer):
    """Why there is no answer, and what to do."""

    detail: str
    """A sentence for people."""


class ReadingOut(Answer):
    """A reading; `value` is null where it may not be shown or averaged."""

    device: str
    boot: str
    seq: int
    """(device, boot, seq) names the reading for ever."""
    at_ms: int
    """The time to chart it at."""
    time_ms: int
    """When it was taken, by the device's clock."""
    received_ms: int
    """When it came, by the hub's clock."""
    value: Any
    """A number, a word, an object of numbers, or an object of lead blocks."""
    quality: str
    """good, questionable or invalid."""
    reason: str | None = None
    """Why it is not good."""


class BucketOut(Answer):
    """The usable numbers of one vital between two times; the end is not included."""

    start_ms: int
    end_ms: int
    count: int
    min: float
    max: float
    mean: float


class HistoryOut(Answer):
    """The history of one vital: readings, or buckets where those were asked for."""

    vital: str
    unit: str
    """UCUM code."""
    from_ms: int
    to_ms: int
    """Not included."""
    readings: list[ReadingOut] | None = None
    """In order of time; null where buckets were asked for."""
    buckets: list[BucketOut] | None = None
    """Empty buckets are left out; null where readings were asked for."""
    next_ms: int | None = None
    """The time of the first reading of the next page, if there is one."""
    next: str | None = None
    """Ask for the next page with `after` of this; null where this is the last."""


class CountOut(Answer):
    """How many readings are stored."""

    readings: int
    duplicates_refused: int


class DeviceOut(Answer):
    """What is stored of one boot of a device."""

    device: str
    boot: str
    through_seq: int
    """Every reading up to this is stored, or lost for ever."""
    open_gaps: list[tuple[int, int]]
    """First and last seq of what is missing and asked for."""
    clock_offset_ms: int | None = None
    """How far the device's clock is ahead (above 0) or behind; null: not known yet."""


class LatestOut(Answer):
    """The newest reading of a vital; `value` is null where it may not be shown."""

    at_ms: int
    value: Any
    quality: str
    reason: str | None = None


class EventOut(Answer):
    """An alarm, an admission or an event."""

    received_ms: int
    ward: str
    bed: str
    kind: Annotated[str, Field(examples=["alarm", "admission", "event"])]
    payload: dict[str, Any] | None
    """The message; null where it was empty: the alarm is gone, the bed is free."""


class GapOut(Answer):
    """What is missing: a time without usable readings, or readings lost for ever."""

    from_ms: int | None
    """The time of the last reading before; null where it is not known."""
    to_ms: int | None
    """The time of the first reading after; null where it is not known."""
    reason: str
    """lead_off and others of the device's; gone_at_device, not_sent, …"""
    ward: str
    bed: str
    vital: str | None = None
    """The vital that was asked about."""
    device: str | None = None
    """Device and boot whose readings are lost, from `first_seq` to `last_seq`."""
    boot: str | None = None
    first_seq: int | None = None
    last_seq: int | None = None
    noticed_ms: int | None = None
    """When it was given up."""


class StayOut(Answer):
    """A patient in a bed; never with a name."""

    ward: str
    bed: str
    admission: str
    patient: str
    from_ms: int
    to_ms: int | None
    """Null where they still lie there."""
    category: Category | None = None
    """The kind of patient; null where an earlier version did not keep it."""
    birth_date: str | None = None
    """ISO 8601; null where it is not known."""


def json_of(document: object) -> Response:
    """Return an answer that was built by hand, which takes a fifth of a model's time."""
    return Response(msgspec.json.encode(document), media_type="application/json")


def reading_fields(
    one: StoredReading, component: str | None = None
) -> dict[str, object]:
    """Return the fields of `ReadingOut`; of a composite, perhaps one component's."""
    stream, kept = one
    value: object = kept.value if kept.is_usable else None
    if component is not None and isinstance(value, dict):
        value = value.get(component)
    return {
        "device": stream.device,
        "boot": stream.boot,
        "seq": kept.seq,
        "at_ms": kept.at_ms,
        "time_ms": kept.time_ms,
        "received_ms": kept.received_ms,
        "value": value,
        "quality": kept.quality,
        "reason": kept.reason,
    }


def latest_fields(one: StoredReading) -> dict[str, object]:
    """Return the fields of `LatestOut`."""
    kept = one.kept
    return {
        "at_ms": kept.at_ms,
        "value": kept.value if kept.is_usable else None,
        "quality": kept.quality,
        "reason": kept.reason,
    }


def bucket_fields(bucket: Bucket) -> dict[str, object]:
    """Return the fields of `BucketOut`."""
    return {
        "start_ms": bucket.start_ms,
        "end_ms": bucket.end_ms,
        "count": bucket.numbers,
        "min": bucket.low,
        "max": bucket.high,
        "mean": bucket.mean,
    }


def event_out(leg: Leg, one: Happening) -> EventOut:
    """Return an event as it is answered."""
    try:
        document = json.loads(one.payload)
    except ValueError:
        document = None
    return EventOut(
        received_ms=one.received_ms,
        ward=leg.ward,
        bed=leg.bed,
        kind=one.kind,
        payload=document if isinstance(document, dict) else None,
    )


def silence_out(leg: Leg, vital: str, one: Silence) -> GapOut:
    """Return a silence as it is answered."""
    return GapOut(ward=leg.ward, bed=leg.bed, vital=vital, **one._asdict())


def loss_out(leg: Leg, loss: Loss) -> GapOut:
    """Return a loss as it is answered."""
    return GapOut(ward=leg.ward, bed=leg.bed, **loss._asdict())


def stay_out(stay: Stay) -> StayOut:
    """Return a stay as it is answered."""
    fields = stay._asdict()
    del fields["mrn"]
    return StayOut(**fields)
