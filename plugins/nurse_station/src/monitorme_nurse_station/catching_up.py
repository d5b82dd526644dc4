"""The newest readings from before the station started, asked of the recorder.

A blood pressure comes once an hour: without this, a page would lack it for as long.
"""

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import urllib3

from monitorme.contract.readings import Judgement, QualityWord, ReadingValue, check_kind
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue, VitalKind
from monitorme.errors import ContractError
from monitorme.plugin import Ward
from monitorme_nurse_station.station import Station

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 5.0


class _Latest(msgspec.Struct, frozen=True):
    at_ms: Annotated[int, msgspec.Meta(ge=0)]
    value: ReadingValue
    quality: QualityWord
    reason: str | None = None


_OfBed = dict[str, _Latest]
_of_ward = msgspec.json.Decoder(dict[str, _OfBed])
_of_bed = msgspec.json.Decoder(_OfBed)


class CatchingUp:
    """Asks once for every ward, from a thread of its own; again where that failed.

    A bed that the recorder does not know to be in the ward is asked about by itself.
    """

    def __init__(
        self, station: Station, wards: Mapping[str, Ward], catalogue: Catalogue
    ) -> None:
        self._station = station
        self._wards = wards
        self._catalogue = catalogue
        self._pool = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)
        self._thread: threading.Thread | None = None
        self._is_done = False
        self._must_stop = threading.Event()

    def begin(self, url: str) -> None:
        """Ask the recorder at `url`, unless it has answered or is being asked."""
        if self._is_done or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(
            target=self._run, args=(url,), name="catching-up", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._must_stop.set()
        if self._thread is not None:
            self._thread.join(TIMEOUT_S)

    def _run(self, url: str) -> None:
        for ward, section in self._wards.items():
            if self._must_stop.is_set():
                return
            try:
                self._ask(url, ward, section.beds)
            except (urllib3.exceptions.HTTPError, msgspec.DecodeError) as error:
                log.warning("no readings from before the start: %s", error)
                return
        self._is_done = True

    def _ask(self, url: str, ward: str, beds: Iterable[str]) -> None:
        of_ward = _of_ward.decode(
            self._answer(f"{url}/v1/wards/{quote(ward, safe='')}/latest")
        )
        for name in beds:
            bed = BedId(ward, name)
            found = of_ward.get(name)
            if found is None:
                where = f"{quote(ward, safe='')}/{quote(name, safe='')}"
                found = _of_bed.decode(self._answer(f"{url}/v1/beds/{where}/latest"))
            for vital, latest in found.items():
                self._take(bed, vital, latest)

    def _answer(self, url: str) -> bytes:
        answer = self._pool.request("GET", url)
        if answer.status != 200:
            raise urllib3.exceptions.HTTPError(f"the recorder said {answer.status}")
        return answer.data

    def _take(self, bed: BedId, name: str, latest: _Latest) -> None:
        vital = self._catalogue.get(name)
        if vital is None or vital.kind is VitalKind.WAVEFORM:
            return
        try:
            check_kind(latest.value, vital)
        except ContractError:
            return  # the catalogue has changed since it was recorded
        judged = Judgement(
            latest.value, latest.quality, latest.reason, latest.at_ms, late=True
        )
        self._station.take_past(bed, name, judged)
