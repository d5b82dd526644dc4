"""History to take away, streamed as it is read."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import StreamingResponse

from monitorme.plugin import Context
from monitorme_recorder.api.asked import Asked, Who
from monitorme_recorder.api.models import Problem
from monitorme_recorder.api.questions import DAY_MS, Wanted, wanted_vital
from monitorme_recorder.export.rows import Row, rows_of
from monitorme_recorder.export.writing import Format, Writing, writing_of
from monitorme_recorder.history import legs
from monitorme_recorder.history.past import Past

_MISSING = "Parquet needs pyarrow: pip install 'monitorme-recorder[parquet]'"
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, streamed; columns as in the recorder's README.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "array"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {
                "schema": {"type": "string", "format": "binary"}
            },
        },
    },
    501: {"model": Problem, "description": "The format's library is not installed."},
}


def add_export(router: APIRouter, past: Past, context: Context, who: Who) -> None:
    """Add the route that exports for whomever `who` says."""
    asked = who(past, context.now_ms, DAY_MS)

    @router.get("/export", response_class=StreamingResponse, responses=_RESPONSES)
    def export(
        question: Asked = Depends(asked),  # noqa: B008  # FastAPI's way
        vital: Annotated[list[str] | None, Query(max_length=50)] = None,
        format: Annotated[Format, Query()] = Format.CSV,
    ) -> StreamingResponse:
        """Stream readings as CSV, JSON, JSON lines or Parquet, vital by vital.

        Without `vital` all of them, waveforms too.
        """
        names = vital or list(context.catalogue)
        wanted = [wanted_vital(context.catalogue, one) for one in names]
        writing = _writing(format)
        name = f"history-{question.period.from_ms}.{format}"
        return StreamingResponse(
            writing.blocks(_rows(past, question, wanted)),
            media_type=writing.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _rows(past: Past, question: Asked, wanted: list[Wanted]) -> Iterator[Row]:
    for one in wanted:
        found = legs.readings(past.readings, question.legs, one.name)
        yield from rows_of(found, one.entry.unit, one.component)


def _writing(wanted: Format) -> Writing:
    try:
        return writing_of(wanted)
    except ImportError as error:
        raise HTTPException(501, _MISSING) from error
