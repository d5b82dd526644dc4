"""What is noticed of devices by the readings that were stored."""

import logging
from collections import deque
from collections.abc import Iterator
from typing import Final

from monitorme.contract.payloads import Event
from monitorme.contract.readings import LATE_AFTER_MS
from monitorme.contract.topics import BedId, EventTopic
from monitorme.plugin import Context
from monitorme_recorder.claims import Claims
from monitorme_recorder.clocks import TOLERANCE_MS, Clocks
from monitorme_recorder.confirming import Confirming
from monitorme_recorder.floods import Floods
from monitorme_recorder.store import Sorted
from monitorme_recorder.tracks import Boot

log = logging.getLogger(__name__)

DELAYS: Final = 2_000
REPORT_EVERY_MS: Final = 5_000


class Watching:
    """Follows clocks, claims and floods, and how soon what was taken is on disk."""

    def __init__(
        self, context: Context, confirming: Confirming, floods: Floods
    ) -> None:
        self.clocks = Clocks()
        self._claims = Claims()
        self._context = context
        self._confirming = confirming
        self._floods = floods
        self._newest_boot: dict[str, str] = {}
        self._delays_ms: deque[int] = deque(maxlen=DELAYS)
        self._waits_ms: deque[int] = deque(maxlen=DELAYS)
        self._next_ms = 0
        self._told: set[str] = set()

    def stored(self, arrivals: list[Sorted], now_ms: int) -> None:
        """Take in a batch that is on disk: the last reading of every boot in it."""
        if not arrivals:
            return
        self._waits_ms.append(now_ms - arrivals[0][1].received_ms)
        slowest_ms = 0
        for boot, (track, kept, _, _) in {one[0].boot: one for one in arrivals}.items():
            stream = track.stream
            self._confirming.changed(boot, stream.ward, stream.bed, now_ms)
            if kept.seq <= boot.newest_seq:
                continue
            boot.newest_seq = kept.seq
            time_ms, received_ms = kept.time_ms, kept.received_ms
            self.clocks.sample(boot.device, time_ms, received_ms)
            place = (boot.boot, stream.ward, stream.bed)
            if self._claims.note(boot.device, place, time_ms, received_ms):
                self._claimed(boot, BedId(stream.ward, stream.bed), now_ms)
            delay_ms = now_ms - kept.at_ms
            if slowest_ms < delay_ms < LATE_AFTER_MS:
                slowest_ms = delay_ms
        self._delays_ms.append(slowest_ms)

    def born(self, device: str, boot: str) -> None:
        """Note the boot that a device is in now."""
        self._newest_boot[device] = boot

    def hopeless(
        self, now_ms: int, after_s: float
    ) -> Iterator[tuple[Boot, BedId, int]]:
        """Return boots whose gaps nobody will fill, where, and before which seq."""
        for boot, bed in self._confirming.gaps():
            newest = self._newest_boot.get(boot.device, boot.boot)
            mark = boot.mark
            if newest != boot.boot and now_ms - mark.gap_since_ms > after_s * 1000:
                yield boot, bed, mark.beyond[-1].first

    def report(self, now_ms: int) -> None:
        """Say what was noticed, in figures and troubles."""
        if now_ms < self._next_ms:
            return
        self._next_ms = now_ms + REPORT_EVERY_MS
        self._confirming.forget(now_ms)
        figures = self._context.figures
        figures["open_gaps"] = float(len(self._confirming.gaps()))
        figures["commit_p99_ms"] = _p99(self._waits_ms)
        figures["confirm_p99_ms"] = _p99(self._delays_ms)
        offsets = self.clocks.offsets_ms()
        figures["clocks_wrong"] = float(
            sum(abs(offset) > TOLERANCE_MS for offset in offsets.values())
        )
        self._tell({**self._claims.claimed(now_ms), **self._floods.flooding(now_ms)})

    def _tell(self, troubles: dict[str, str]) -> None:
        shown = self._context.trouble
        for subject in self._told - troubles.keys():
            shown.pop(subject, None)
        shown.update(troubles)
        self._told = set(troubles)

    def _claimed(self, boot: Boot, bed: BedId, now_ms: int) -> None:
        self._context.counts["ids_claimed_twice"] += 1
        log.error("two devices claim one id device=%s bed=%s", boot.device, bed)
        event = Event(
            id=f"claimed-{boot.device[:30]}-{now_ms}",
            time_ms=now_ms,
            service="recorder",
            kind="device_id_claimed_twice",
            details={"device": boot.device, "boot": boot.boot},
        )
        self._context.bus.publish(EventTopic(bed), event)


def _p99(values: deque[int]) -> float:
    ordered = sorted(values)
    return float(ordered[len(ordered) * 99 // 100]) if ordered else 0.0
