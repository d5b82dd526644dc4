"""A range of recorded history as rows, asked of the recorder page by page."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

import msgspec
import urllib3

from monitorme.contract.payloads import Admission, Category, Event, decode
from monitorme.contract.readings import ReadingValue
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme.errors import ContractError, MonitorMeError
from monitorme_analysis.bed_state import midnight_ms
from monitorme_analysis.replay.lain import Lain, Tell, patient_of, settings_of
from monitorme_analysis.replay.rows import Row

PAGE: Final = 20_000
EVENTS: Final = 10_000
"""So many events are asked for at a time."""
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


class _Stay(msgspec.Struct, frozen=True):
    admission: str
    patient: str
    from_ms: int
    to_ms: int | None
    category: Category | None = None
    """None from a recorder that does not keep it: its events may tell."""
    birth_date: str | None = None


class _Happening(msgspec.Struct, frozen=True):
    received_ms: int
    kind: str
    payload: msgspec.Raw


T = TypeVar("T")

_page = msgspec.json.Decoder(_Page)
_stays = msgspec.json.Decoder(list[_Stay])
_happenings = msgspec.json.Decoder(list[_Happening])


def read_history(
    url: str, bed: BedId, from_ms: int, to_ms: int, catalogue: Catalogue
) -> Iterator[Row]:
    """Yield a bed's readings between two times, vital by vital, without waveforms.

    Raises MonitorMeError where the recorder does not answer, or says no.
    """
    pool = _pool()
    for vital, entry in catalogue.items():
        if entry.kind is not VitalKind.WAVEFORM:
            yield from _of_vital(pool, url.rstrip("/"), bed, vital, from_ms, to_ms)


def who_lay(url: str, bed: BedId, from_ms: int, to_ms: int, tell: Tell) -> list[Lain]:
    """Return who lay in a bed between two times, and what was set for them, in order.

    Raises MonitorMeError where the recorder does not answer, or says no.
    """
    pool, url = _pool(), url.rstrip("/")
    fields = {"from_ms": from_ms, "to_ms": to_ms}
    found = []
    for stay in _ask(pool, f"{url}{_path(bed)}/stays", fields, _stays):
        said = list(_happened(pool, url, stay.patient, to_ms))
        admissions = [one for one in said if isinstance(one, Admission)]
        events = [one for one in said if isinstance(one, Event)]
        category, birth_ms = patient_of(stay.admission, admissions)
        if stay.category is not None:
            category, birth_ms = stay.category, midnight_ms(stay.birth_date)
        if category is None:
            tell(
                f"{bed}: the recorder no longer knows what kind of patient stay "
                f"{stay.admission} is; name --category or --age"
            )
        found.append(
            Lain(
                str(bed),
                stay.admission,
                stay.from_ms,
                stay.to_ms,
                category,
                birth_ms,
                bed,
                settings_of(stay.admission, events, tell),
            )
        )
    return found


def _happened(
    pool: urllib3.PoolManager, url: str, patient: str, to_ms: int
) -> Iterator[Admission | Event]:
    """Yield what is kept of a patient's admissions and events, in order of arrival."""
    path = f"{url}/v1/patients/{quote(patient, safe='')}/events"
    fields = {"from_ms": 0, "to_ms": to_ms, "limit": EVENTS}
    while True:
        page = _ask(pool, path, fields, _happenings)
        for one in page:
            payload = bytes(one.payload)
            with suppress(ContractError):  # what is of another version
                if one.kind == "admission" and payload != b"null":
                    yield decode(Admission, payload)
                elif one.kind == "event":
                    yield decode(Event, payload)
        if len(page) < EVENTS or page[-1].received_ms == fields["from_ms"]:
            return
        # What came in the same millisecond comes again, and changes nothing.
        fields["from_ms"] = page[-1].received_ms


def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)


def _path(bed: BedId) -> str:
    return f"/v1/beds/{quote(bed.ward, safe='')}/{quote(bed.bed, safe='')}"


def _of_vital(
    pool: urllib3.PoolManager,
    url: str,
    bed: BedId,
    vital: str,
    from_ms: int,
    to_ms: int,
) -> Iterator[Row]:
    path = f"{_path(bed)}/history"
    fields: dict[str, Any] = {
        "vital": vital,
        "from_ms": from_ms,
        "to_ms": to_ms,
        "limit": PAGE,
    }
    while True:
        page = _ask(pool, url + path, fields, _page)
        for one in page.readings:
            quality = "invalid" if one.value is None else one.quality
            yield Row(one.at_ms, str(bed), vital, "", one.value, quality, one.reason)
        if page.next is None:
            return
        fields["after"] = page.next


def _ask(
    pool: urllib3.PoolManager,
    url: str,
    fields: dict[str, Any],
    decoder: msgspec.json.Decoder[T],
) -> T:
    try:
        answer = pool.request("GET", url, fields=fields)
        if answer.status != 200:
            text = answer.data.decode(errors="replace")[:200]
            raise MonitorMeError(f"the recorder at {url} said {answer.status}: {text}")
        return decoder.decode(answer.data)
    except urllib3.exceptions.HTTPError as error:
        raise MonitorMeError(
            f"no answer from the recorder at {url}: {error}"
        ) from error
    except msgspec.DecodeError as error:
        raise MonitorMeError(f"{url} is no recorder's history: {error}") from error
