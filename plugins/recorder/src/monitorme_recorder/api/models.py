"""What the history API answers with."""

from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from monitorme_recorder.history.losses import Loss
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


class EventOut(Answer):
    """An alarm, an admission or an event."""

    received_ms: int
    kind: Annotated[str, Field(examples=["alarm", "admission", "event"])]
    payload: dict[str, Any] | None
    """The message; null where it was empty: the alarm is gone, the bed is free."""


class LossOut(Answer):
    """Readings that nobody can give any more."""

    device: str
    boot: str
    first_seq: int
    last_seq: int
    noticed_ms: int
    reason: str
    from_ms: int | None = None
    """The time of the reading before, where known."""
    to_ms: int | None = None
    """The time of the reading after, where known."""


def reading_out(one: StoredReading) -> ReadingOut:
    """Return a reading as it is answered."""
    stream, kept = one
    return ReadingOut(
        device=stream.device,
        boot=stream.boot,
        seq=kept.seq,
        at_ms=kept.at_ms,
        time_ms=kept.time_ms,
        received_ms=kept.received_ms,
        value=shown_value(one),
        quality=kept.quality,
        reason=kept.reason,
    )


def shown_value(one: StoredReading) -> Any:  # noqa: ANN401  # JSON of any of the kinds
    """Return what may be shown of a reading, as JSON has it; None where nothing may."""
    return msgspec.to_builtins(one.kept.value) if one.kept.is_usable else None


def bucket_out(bucket: Bucket) -> BucketOut:
    """Return a bucket as it is answered."""
    return BucketOut(
        start_ms=bucket.start_ms,
        end_ms=bucket.end_ms,
        count=bucket.numbers,
        min=bucket.low,
        max=bucket.high,
        mean=bucket.mean,
    )


def loss_out(loss: Loss) -> LossOut:
    """Return a loss as it is answered."""
    return LossOut(**loss._asdict())
