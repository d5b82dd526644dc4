"""The station's state and frames: changed by the host's thread, sent by the web's."""

import threading
from collections import Counter
from typing import Any

import msgspec

from monitorme.contract.payloads import (
    Admission,
    Alarm,
    DeviceStatus,
    LimitsInForce,
    ServiceAlarm,
)
from monitorme.contract.readings import Judgement, Reading, block_duration_ms
from monitorme.contract.topics import BedId
from monitorme.plugin import Context
from monitorme_nurse_station.latency import Latency
from monitorme_nurse_station.services import Services
from monitorme_nurse_station.ward_state import WardState, described

Json = dict[str, Any]


class Station:
    """All wards that the station shows; every method may be called from any thread."""

    def __init__(self, context: Context, *, rotate_s: float) -> None:
        self._context = context
        self._rotate_s = rotate_s
        self._lock = threading.Lock()
        self._wards = {
            ward: WardState(section.beds, context.catalogue)
            for ward, section in context.wards.items()
        }
        self._latency = Latency()
        self._taken_ms: dict[str, list[float]] = {}
        self._counts: Counter[str] = Counter()
        self._histories: dict[str, str] = {}
        self._services = Services(now_ms=context.now_ms())

    @property
    def wards(self) -> list[str]:
        """The wards, in the order of the site's file."""
        return list(self._wards)

    @property
    def history_url(self) -> str | None:
        """Where a recorder that is there serves history, or None."""
        with self._lock:
            return next(iter(self._histories.values()), None)

    def take_service(
        self,
        service: str,
        instance: str,
        *,
        is_there: bool,
        alarms: tuple[ServiceAlarm, ...] = (),
    ) -> None:
        """Note whether a service is there, and what is wrong with it."""
        now_ms = self._context.now_ms()
        with self._lock:
            self._services.take(
                service, instance, is_there=is_there, now_ms=now_ms, alarms=alarms
            )

    def tick(self) -> None:
        """Note that readings are still taken in."""
        with self._lock:
            self._services.tick()

    def take_recorder(self, instance: str, url: str | None) -> None:
        """Note where a recorder serves history; None where it has gone."""
        with self._lock:
            if url is None:
                self._histories.pop(instance, None)
            else:
                self._histories[instance] = url

    def take_admission(self, bed: BedId, admission: Admission | None) -> None:
        """Show another patient, or none."""
        with self._lock:
            self._ward(bed).take_admission(bed.bed, admission)

    def take_alarm(self, bed: BedId, code: str, alarm: Alarm | None) -> None:
        """Show an alarm, or take it away."""
        with self._lock:
            self._ward(bed).take_alarm(bed.bed, code, alarm)

    def take_limits(self, bed: BedId, limits: LimitsInForce | None) -> None:
        """Show by which limits the patient is judged; None where nobody says."""
        with self._lock:
            self._ward(bed).take_limits(bed.bed, limits)

    def take_device(self, bed: BedId, status: DeviceStatus) -> None:
        """Show whether a device is there."""
        with self._lock:
            self._ward(bed).take_device(bed.bed, status)

    def take_reading(
        self, bed: BedId, vital: str, reading: Reading, judged: Judgement, now_ms: int
    ) -> None:
        """Show a reading, where it is the newest of the patient who lies there."""
        with self._lock:
            ward = self._ward(bed)
            if not ward.take_reading(bed.bed, vital, reading, judged, now_ms):
                self._counts["not_shown"] += 1
                return
            self._counts["shown"] += 1
            if not judged.late and judged.reason != "clock_ahead":
                taken = judged.at_ms + block_duration_ms(judged.value)
                self._taken_ms.setdefault(bed.ward, []).append(taken)

    def take_past(self, bed: BedId, vital: str, judged: Judgement) -> None:
        """Fill in a reading from before the station started."""
        with self._lock:
            self._ward(bed).take_past(bed.bed, vital, judged)

    def since_ms(self, ward: str, bed: str) -> int | None:
        """Return since when the patient lies in a bed; None where nobody does."""
        with self._lock:
            found = self._wards.get(ward)
            return found.since_ms(bed) if found is not None else None

    def snapshot(self, ward: str) -> bytes:
        """Return a frame with everything of a ward."""
        context = self._context
        section = context.wards.get(ward)
        with self._lock:
            beds = self._wards[ward].snapshot()
        return msgspec.json.encode(
            {
                "t": "snapshot",
                "now_ms": context.now_ms(),
                "ward": {"id": ward, "name": section.name if section else ward},
                "wards": self.wards,
                "rotate_s": self._rotate_s,
                "catalogue": described(context.catalogue),
                "beds": beds,
            }
        )

    def delta(self, ward: str) -> tuple[bytes | None, list[float]]:
        """Return a frame with what changed, and when its readings were taken."""
        with self._lock:
            beds = self._wards[ward].delta()
            taken_ms = self._taken_ms.pop(ward, [])
        if not beds:
            return None, taken_ms
        frame = {"t": "delta", "now_ms": self._context.now_ms(), "beds": beds}
        return msgspec.json.encode(frame), taken_ms

    def sent(self, taken_ms: list[float]) -> None:
        """Note that a frame is ready for the pages, for the figures."""
        now_ms = self._context.now_ms()
        with self._lock:
            for taken in taken_ms:
                self._latency.add(max(0.0, now_ms - taken))

    def heartbeat(self) -> bytes:
        """Return a frame that says that the station lives, and what it lacks."""
        now_ms = self._context.now_ms()
        is_connected = self._context.bus.is_connected
        with self._lock:
            troubles = self._services.troubles(is_connected=is_connected, now_ms=now_ms)
            alarms = self._services.alarms()
        frame = {"t": "beat", "now_ms": now_ms, "troubles": troubles, "alarms": alarms}
        return msgspec.json.encode(frame)

    def figures(self) -> tuple[dict[str, int], dict[str, float]]:
        """Return what was counted and measured."""
        with self._lock:
            return dict(self._counts), self._latency.figures()

    def _ward(self, bed: BedId) -> WardState:
        ward = self._wards.get(bed.ward)
        if ward is None:
            ward = self._wards[bed.ward] = WardState((), self._context.catalogue)
        return ward
