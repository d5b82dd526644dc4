"""Asking a recorder's history API from the command line."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec
import urllib3

from monitorme.contract.topics import BedId
from monitorme.errors import MonitorMeError

TIMEOUT_S: Final = 60.0
Fields = Mapping[str, Any]


class Whose(NamedTuple):
    """Whose past is asked: the path of a bed or of a patient, and its name."""

    path: str
    name: str


class Asking:
    """Asks one recorder; raises MonitorMeError where it does not answer, or refuses."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def bed(self, bed: BedId) -> Whose:
        """Return a bed, whoever lay there."""
        return Whose(f"/v1/beds/{bed.ward}/{bed.bed}", str(bed))

    def patient(self, named: str) -> Whose:
        """Return the patient of a medical record number, or of an id."""
        found = self.get("/v1/patients", {"mrn": named})
        if len(found) > 1:
            ids = ", ".join(found)
            raise MonitorMeError(f"{named} is the number of {ids}; name one of them")
        patient = found[0] if found else named
        return Whose(f"/v1/patients/{quote(patient, safe='')}", f"patient {patient}")

    def get(self, path: str, fields: Fields) -> Any:  # noqa: ANN401  # JSON
        """Return an answer in JSON."""
        answer = self._request(path, fields)
        return msgspec.json.decode(answer.data)

    def stream(self, path: str, fields: Fields) -> Iterator[bytes]:
        """Return an answer block by block."""
        answer = self._request(path, fields, preload_content=False)
        try:
            yield from answer.stream(1 << 16)
        except urllib3.exceptions.HTTPError as error:
            raise MonitorMeError(f"the recorder stopped answering: {error}") from error

    def _request(
        self, path: str, fields: Fields, *, preload_content: bool = True
    ) -> urllib3.BaseHTTPResponse:
        query = urlencode(fields, doseq=True)
        try:
            answer = self._pool.request(
                "GET", f"{self._url}{path}?{query}", preload_content=preload_content
            )
        except urllib3.exceptions.HTTPError as error:
            raise MonitorMeError(
                f"no answer from the recorder at {self._url}: {error}"
            ) from error
        if answer.status != 200:
            raise MonitorMeError(_refusal(answer))
        return answer


def _refusal(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        return str(msgspec.json.decode(answer.data)["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return f"the recorder answered {answer.status}"
