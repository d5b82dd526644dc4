"""Devices that flood: what is too much of one is not taken, so that others are.

What is not taken is not confirmed either: the device keeps it and sends it again, at its
pace. What comes late is never too much: it is a backlog, which a broker hands over as fast
as it can.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from monitorme.contract.readings import LATE_AFTER_MS
from monitorme_recorder.batches import Sorted
from monitorme_recorder.records import Kept
from monitorme_recorder.tracks import Packed

BURST_S: Final = LATE_AFTER_MS / 1000
"""So much may be saved up: what came together and is older than this came late."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at_ms: int
    flooding_ms: int = 0


class Floods:
    """A token bucket for each device."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._most = per_s * BURST_S
        self._buckets: dict[str, _Bucket] = {}
        self._last_ms = 0

    def pass_on(self, arrivals: list[Sorted]) -> list[Sorted]:
        """Return the arrivals that are not too much, in order."""
        if not arrivals:
            return arrivals
        now_ms = arrivals[-1][1].received_ms
        since_ms = now_ms - self._last_ms if self._last_ms else 0
        calm = max(0, since_ms) / 1000 * self._per_s
        self._last_ms = now_ms
        # What comes late takes nothing of what a device may send.
        sent = Counter([one[0].boot.device for one in arrivals if not _is_late(one[1])])
        # Who sends no more than it may between two batches needs no bucket.
        busy = [d for d, count in sent.items() if count > calm or d in self._buckets]
        if not busy:
            return arrivals
        flooding = {
            device: room
            for device in busy
            if (room := self._take(device, sent[device], now_ms)) < sent[device]
        }
        self._forget_full(now_ms)
        return _without(arrivals, flooding) if flooding else arrivals

    def flooding(self, now_ms: int) -> dict[str, str]:
        """Return what to say of each device that floods, or did lately."""
        return {
            f"floods_{device}": f"{device} sends more than {self._per_s:g} readings/s: "
            "what is over is not taken, and not confirmed"
            for device, bucket in self._buckets.items()
            if bucket.flooding_ms and now_ms - bucket.flooding_ms < LATE_AFTER_MS
        }

    def _take(self, device: str, count: int, now_ms: int) -> int:
        """Return how many of `count` readings there is room for."""
        bucket = self._buckets.get(device)
        if bucket is None:
            bucket = self._buckets[device] = _Bucket(self._most, now_ms)
        gained = max(0, now_ms - bucket.at_ms) / 1000 * self._per_s
        left = min(self._most, bucket.left + gained)
        bucket.at_ms = now_ms
        bucket.left = max(0.0, left - count)
        if left < count:
            bucket.flooding_ms = now_ms
        return int(left)

    def _forget_full(self, now_ms: int) -> None:
        """Forget buckets that are full again, unless they were empty lately."""
        for device, bucket in list(self._buckets.items()):
            idle_s = (now_ms - bucket.at_ms) / 1000
            is_full = bucket.left + idle_s * self._per_s >= self._most
            if is_full and now_ms - bucket.flooding_ms >= LATE_AFTER_MS:
                del self._buckets[device]


def _without(arrivals: list[Sorted], flooding: dict[str, int]) -> list[Sorted]:
    kept = []
    for one in arrivals:
        device, reading = one[0].stream.device, one[1]
        if device in flooding and not _is_late(reading):
            flooding[device] -= 1
            if flooding[device] < 0:
                continue
        kept.append(one)
    return kept


def _is_late(reading: Kept | Packed) -> bool:
    return reading.received_ms - reading.at_ms > LATE_AFTER_MS
