"""History over HTTP."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel

from monitorme.contract.vitals import VitalKind
from monitorme.plugin import Context
from monitorme_recorder.history import Bucket, History
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.store import Store

DAY_MS = 86_400_000
MAX_READINGS = 20_000


class ReadingOut(BaseModel):
    """A reading; `value` is null where it may not be shown or averaged."""

    device: str
    boot: str
    seq: int
    at_ms: int
    time_ms: int
    received_ms: int
    value: Any
    quality: str
    reason: str | None = None


class BucketOut(BaseModel):
    """The usable numbers of one vital between two times."""

    start_ms: int
    end_ms: int
    count: int
    min: float
    max: float
    mean: float


class HistoryOut(BaseModel):
    """The history of one vital: readings, or buckets where those were asked for."""

    vital: str
    unit: str
    from_ms: int
    to_ms: int
    readings: list[ReadingOut] | None = None
    buckets: list[BucketOut] | None = None
    next_ms: int | None = None


class CountOut(BaseModel):
    """How many readings are stored."""

    readings: int
    duplicates_refused: int


class DeviceOut(BaseModel):
    """What is stored of one boot of a device."""

    device: str
    boot: str
    through_seq: int
    open_gaps: list[tuple[int, int]]


class EventOut(BaseModel):
    """An alarm, an admission or an event."""

    received_ms: int
    kind: str
    payload: dict[str, Any] | None


class GapOut(BaseModel):
    """Readings that nobody can give any more."""

    device: str
    boot: str
    first_seq: int
    last_seq: int
    noticed_ms: int
    reason: str


def history_app(history: History, store: Store, context: Context) -> FastAPI:
    """Return the HTTP API of the recorder's history."""
    app = FastAPI(title="MonitorMe history", version="1", docs_url=None, redoc_url=None)

    @app.exception_handler(RequestValidationError)
    def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return JSONResponse({"detail": f"{where}: {first['msg']}"}, 400)

    @app.get("/v1/beds/{ward}/{bed}/history")
    def bed_history(
        ward: str,
        bed: str,
        vital: str,
        from_ms: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        to_ms: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        buckets: Annotated[int | None, Query(ge=1, le=10_000)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_READINGS)] = 5_000,
    ) -> HistoryOut:
        """Return one vital over a time; a component is named `blood_pressure.mean`."""
        name, _, component = vital.partition(".")
        entry = context.catalogue.get(name)
        if entry is None:
            known = ", ".join(context.catalogue)
            raise HTTPException(400, f"no vital {vital!r}; there are {known}")
        until = context.now_ms() + 1 if to_ms is None else to_ms
        since = until - DAY_MS if from_ms is None else from_ms
        if since >= until:
            raise HTTPException(400, "from_ms must be before to_ms")
        answer = HistoryOut(vital=vital, unit=entry.unit, from_ms=since, to_ms=until)
        if buckets is not None:
            if entry.kind in (VitalKind.STATE, VitalKind.WAVEFORM):
                raise HTTPException(400, f"{vital} has no numbers to average")
            if entry.kind is VitalKind.COMPOSITE and component not in entry.components:
                named = ", ".join(f"{name}.{part}" for part in entry.components)
                raise HTTPException(400, f"name a component: {named}")
            found = history.buckets(
                ward, bed, name, since, until, buckets, component or None
            )
            answer.buckets = [_bucket(one) for one in found]
            return answer
        readings = list(history.readings(ward, bed, name, since, until))
        answer.readings = [_reading(*one) for one in readings[:limit]]
        if len(readings) > limit:
            answer.next_ms = readings[limit][1].at_ms
        return answer

    @app.get("/v1/beds/{ward}/{bed}/latest")
    def latest(ward: str, bed: str) -> dict[str, dict[str, Any]]:
        """Return the newest reading of each of a bed's vitals."""
        now_ms = context.now_ms()
        found = {}
        for vital in history.vitals(ward, bed):
            kept = history.latest(ward, bed, vital, now_ms)
            if kept is not None:
                found[vital] = {
                    "at_ms": kept.at_ms,
                    "value": _value(kept),
                    "quality": kept.quality,
                    "reason": kept.reason,
                }
        return found

    @app.get("/v1/beds/{ward}/{bed}/events")
    def events(
        ward: str,
        bed: str,
        from_ms: Annotated[int, Query(ge=0, le=2**53)] = 0,
        to_ms: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> list[EventOut]:
        """Return a bed's alarms, admissions and events, in order of arrival."""
        until = context.now_ms() + 1 if to_ms is None else to_ms
        return [
            EventOut(
                received_ms=one.received_ms,
                kind=one.kind,
                payload=_document(one.payload),
            )
            for one in history.events(ward, bed, from_ms, until, limit)
        ]

    @app.get("/v1/beds/{ward}/{bed}/gaps")
    def gaps(ward: str, bed: str) -> list[GapOut]:
        """Return what of a bed is lost for ever, and why."""
        return [GapOut(**one._asdict()) for one in history.gaps(ward, bed)]

    @app.get("/v1/devices")
    def devices() -> list[DeviceOut]:
        """Return what is stored of every boot of every device."""
        with store.lock:
            marks = list(store.marks().items())
            return [
                DeviceOut(
                    device=device,
                    boot=boot,
                    through_seq=mark.through,
                    open_gaps=[(gap.first, gap.last) for gap in mark.missing()],
                )
                for (device, boot), mark in marks
            ]

    @app.get("/v1/count")
    def count() -> CountOut:
        """Return how many readings are stored."""
        return CountOut(
            readings=history.count(), duplicates_refused=store.tally.duplicates
        )

    @app.get("/v1/readings")
    def readings() -> StreamingResponse:
        """Stream every reading as sent, a line of JSON each, for comparison."""
        lines = (_line(stream, kept) for stream, kept in history.everything())
        return StreamingResponse(_blocks(lines), media_type="application/x-ndjson")

    return app


def _value(kept: Kept) -> Any:  # noqa: ANN401  # JSON of any of the vitals' kinds
    return msgspec.to_builtins(kept.value) if kept.is_usable else None


def _reading(stream: Stream, kept: Kept) -> ReadingOut:
    return ReadingOut(
        device=stream.device,
        boot=stream.boot,
        seq=kept.seq,
        at_ms=kept.at_ms,
        time_ms=kept.time_ms,
        received_ms=kept.received_ms,
        value=_value(kept),
        quality=kept.quality,
        reason=kept.reason,
    )


def _bucket(bucket: Bucket) -> BucketOut:
    return BucketOut(
        start_ms=bucket.start_ms,
        end_ms=bucket.end_ms,
        count=bucket.numbers,
        min=bucket.low,
        max=bucket.high,
        mean=bucket.mean,
    )


def _document(payload: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(payload)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _line(stream: Stream, kept: Kept) -> bytes:
    from monitorme_recorder.verify import comparable

    fields = {
        "device": stream.device,
        "boot": stream.boot,
        "seq": kept.seq,
        "bed": f"{stream.ward}/{stream.bed}",
        "vital": stream.vital,
        "time_ms": kept.time_ms,
        "value": comparable(kept.value),
    }
    return msgspec.json.encode(fields) + b"\n"


def _blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join lines, so that a reading does not cost a chunk of HTTP."""
    block: list[bytes] = []
    for line in lines:
        block.append(line)
        if len(block) == 500:
            yield b"".join(block)
            block.clear()
    yield b"".join(block)
