"""A range of recorded history as rows, asked of the recorder page by page."""

from collections.abc import Iterator
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec
import urllib3

from monitorme.contract.readings import ReadingValue
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme.errors import MonitorMeError
from monitorme_analysis.replay.rows import Row

PAGE: Final = 20_000
TIMEOUT_S: Final = 30.0
RUNNING: Final = "running"
"""In place of a URL: the recorder of what runs here."""


class _Kept(msgspec.Struct, frozen=True):
    at_ms: Annotated[int, msgspec.Meta(ge=0)]
    value: ReadingValue
    quality: str
    reason: str | None = None


class _Page(msgspec.Struct, frozen=True):
    readings: list[_Kept]
    next: str | None = None


_decoder = msgspec.json.Decoder(_Page)


def read_history(
    url: str, bed: BedId, from_ms: int, to_ms: int, catalogue: Catalogue
) -> Iterator[Row]:
    """Yield a bed's readings between two times, vital by vital, without waveforms.

    Raises MonitorMeError where the recorder does not answer, or says no.
    """
    pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)
    for vital, entry in catalogue.items():
        if entry.kind is not VitalKind.WAVEFORM:
            yield from _of_vital(pool, url.rstrip("/"), bed, vital, from_ms, to_ms)


def _of_vital(
    pool: urllib3.PoolManager,
    url: str,
    bed: BedId,
    vital: str,
    from_ms: int,
    to_ms: int,
) -> Iterator[Row]:
    path = f"/v1/beds/{quote(bed.ward, safe='')}/{quote(bed.bed, safe='')}/history"
    fields: dict[str, Any] = {
        "vital": vital,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "limit": PAGE,
    }
    while True:
        page = _ask(pool, url + path, fields)
        for one in page.readings:
            quality = "invalid" if one.value is None else one.quality
            yield Row(one.at_ms, str(bed), vital, "", one.value, quality, one.reason)
        if page.next is None:
            return
        fields["after"] = page.next


def _ask(pool: urllib3.PoolManager, url: str, fields: dict[str, Any]) -> _Page:
    try:
        answer = pool.request("GET", url, fields=fields)
        if answer.status != 200:
            text = answer.data.decode(errors="replace")[:200]
            raise MonitorMeError(f"the recorder at {url} said {answer.status}: {text}")
        return _decoder.decode(answer.data)
    except urllib3.exceptions.HTTPError as error:
        raise MonitorMeError(
            f"no answer from the recorder at {url}: {error}"
        ) from error
    except msgspec.DecodeError as error:
        raise MonitorMeError(f"{url} is no recorder's history: {error}") from error
