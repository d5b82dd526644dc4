"""What charts and tables show of a bed or of a patient."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from monitorme.plugin import Context
from monitorme_recorder.api.asked import Asked, Who
from monitorme_recorder.api.models import (
    EventOut,
    GapOut,
    HistoryOut,
    StayOut,
    bucket_fields,
    event_out,
    json_of,
    loss_out,
    reading_fields,
    silence_out,
    stay_out,
)
from monitorme_recorder.api.paging import cursor_of, position_of
from monitorme_recorder.api.questions import (
    DAY_MS,
    EVER_MS,
    VitalName,
    Wanted,
    require_numbers,
    wanted_vital,
)
from monitorme_recorder.history import legs
from monitorme_recorder.history.past import Past
from monitorme_recorder.history_store import Position, grid_of

MAX_READINGS = 20_000
MAX_BUCKETS = 10_000


def add_charts(router: APIRouter, past: Past, context: Context, who: Who) -> None:
    """Add the routes that answer for whomever `who` says."""
    asked = who(past, context.now_ms, DAY_MS)
    ever = who(past, context.now_ms, EVER_MS)

    def history(
        vital: VitalName,
        question: Asked = Depends(asked),  # noqa: B008  # FastAPI's way
        buckets: Annotated[int | None, Query(ge=1, le=MAX_BUCKETS)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_READINGS)] = 5_000,
        after: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """Return one vital over a time: readings page by page, or equal buckets.

        Without `to_ms` until now, without `from_ms` a day before that. A page that is
        not the last says `next`: ask for the following one with `after` of it.
        """
        wanted = wanted_vital(context.catalogue, vital)
        position = position_of(after)
        if buckets is not None:
            return _in_buckets(past, question, wanted, buckets)
        return _page(past, question, wanted, limit, position)

    def events(
        question: Asked = Depends(ever),  # noqa: B008
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    ) -> list[EventOut]:
        """Return alarms, admissions and events, in order of arrival."""
        found: list[EventOut] = []
        for leg in question.legs:
            left = limit - len(found)
            some = past.written.events(leg.ward, leg.bed, leg.period, left)
            found += [event_out(leg, one) for one in some]
        return found[:limit]

    def gaps(
        question: Asked = Depends(ever),  # noqa: B008
        of_day: Asked = Depends(asked),  # noqa: B008
        vital: Annotated[str | None, Query(max_length=200)] = None,
    ) -> list[GapOut]:
        """Return what is missing, with its span of time and the reason.

        With `vital`: the times in which it has no usable reading for longer than the
        catalogue lets a reading count as known; without `from_ms`, of a day. Without
        `vital`: the readings that are lost for ever, by device, boot and seq.
        """
        if vital is not None:
            entry = wanted_vital(context.catalogue, vital)
            return [
                silence_out(leg, entry.name, one)
                for leg in of_day.legs
                for one in past.silences(leg, entry.name, entry.entry)
            ]
        return [
            loss_out(leg, one)
            for leg in question.legs
            for one in past.written.losses_in(leg.ward, leg.bed, leg.period)
        ]

    def stays(question: Asked = Depends(ever)) -> list[StayOut]:  # noqa: B008
        """Return who lay where in the period, in order."""
        return [stay_out(one) for one in question.stays]

    router.get("/history", response_model=HistoryOut)(history)
    for endpoint in (events, gaps, stays):
        router.get(f"/{endpoint.__name__}")(endpoint)


def _in_buckets(past: Past, question: Asked, wanted: Wanted, count: int) -> Response:
    require_numbers(wanted)
    grid = grid_of(question.period, count)
    found = legs.buckets(
        past.readings, question.legs, wanted.name, grid, wanted.component
    )
    return _answer(question, wanted, buckets=[bucket_fields(one) for one in found])


def _page(
    past: Past, question: Asked, wanted: Wanted, limit: int, after: Position | None
) -> Response:
    found = legs.readings(past.readings, question.legs, wanted.name, after)
    page = list(islice(found, limit + 1))
    readings = [reading_fields(one, wanted.component) for one in page[:limit]]
    if len(page) <= limit:
        return _answer(question, wanted, readings=readings)
    return _answer(
        question,
        wanted,
        readings=readings,
        next_ms=page[limit].kept.at_ms,
        next=cursor_of(page[limit - 1].position),
    )


def _answer(question: Asked, wanted: Wanted, **found: object) -> Response:
    """Return what `HistoryOut` documents."""
    name = wanted.name
    fields = {
        "vital": name if wanted.component is None else f"{name}.{wanted.component}",
        "unit": wanted.entry.unit,
        "from_ms": question.period.from_ms,
        "to_ms": question.period.to_ms,
        **{"readings": None, "buckets": None, "next_ms": None, "next": None},
        **found,
    }
    return json_of(fields)
