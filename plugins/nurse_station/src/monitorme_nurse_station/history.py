"""The past of a vital, asked of the recorder; the page never talks to it itself."""

import json
from typing import Any, Final
from urllib.parse import quote

import urllib3
from fastapi import HTTPException

TREND_BUCKETS: Final = 240
TIMEOUT_S: Final = 5.0


class History:
    """Asks a recorder's history API; safe from any thread."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def trend(
        self,
        url: str | None,
        *,
        ward: str,
        bed: str,
        vital: str,
        span_ms: range,
        since_ms: int | None,
    ) -> dict[str, Any]:
        """Return lowest, highest and mean by bucket, and the gaps with their reasons.

        HTTPException says why there is no answer. Nothing before `since_ms` is in it:
        someone else lay there then. None says that nobody lies there now.
        """
        if url is None:
            raise HTTPException(503, "no recorder has introduced itself yet")
        if since_ms is None:
            raise HTTPException(404, "nobody lies there")
        bed_url = f"{url}/v1/beds/{quote(ward, safe='')}/{quote(bed, safe='')}"
        fields = {
            "vital": vital,
            "from_ms": str(span_ms.start),
            "to_ms": str(span_ms.stop),
        }
        buckets = {**fields, "buckets": str(TREND_BUCKETS)}
        document = self._ask(f"{bed_url}/history", buckets)
        if not isinstance(document, dict):
            raise HTTPException(502, "the recorder's answer makes no sense")
        document["buckets"] = [
            bucket
            for bucket in document.get("buckets") or []
            if isinstance(bucket, dict) and bucket.get("start_ms", 0) >= since_ms
        ]
        begin_ms = max(span_ms.start, since_ms)
        fields["from_ms"] = str(begin_ms)
        is_empty = begin_ms >= span_ms.stop
        gaps = [] if is_empty else self._ask(f"{bed_url}/gaps", fields)
        document["gaps"] = gaps if isinstance(gaps, list) else []
        return document

    def _ask(self, url: str, fields: dict[str, str]) -> Any:  # noqa: ANN401  # JSON
        try:
            answer = self._pool.request("GET", url, fields=fields)
            document = json.loads(answer.data)
        except urllib3.exceptions.HTTPError as error:
            raise HTTPException(503, "the recorder does not answer") from error
        except ValueError as error:
            raise HTTPException(502, "the recorder's answer makes no sense") from error
        if answer.status != 200:
            detail = document.get("detail") if isinstance(document, dict) else None
            raise HTTPException(answer.status, str(detail))
        return document
