"""A device as analysis sees it: there or not, its clock, what is missing of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.payloads import ConditionKind, Priority
from monitorme.contract.readings import Reading
from monitorme_analysis.rule import Finding

CLOCK_TOLERANCE_MS: Final = 5_000
"""A clock that is more than this off is told."""
CLOCK_READINGS: Final = 8
"""So many readings say how wrong a clock is."""
CLOCK_STEADY_MS: Final = 2_000
"""Readings of a clock that is behind are off by the same, within this."""
CLOCK_SPAN_MS: Final = 3_000
"""They are judged once they came over so long a time: a backlog comes faster."""
MISSING_TOLD_AFTER_MS: Final = 5_000
"""Readings that come in another order are not missing yet."""
MISSING_TOLD_FOR_MS: Final = 300_000
"""How long missing readings are told; the recorder's history knows them for ever."""
MISSING_RANGES: Final = 20
REPEATED_WITHIN_MS: Final = 60_000
REPEATED_BURSTS: Final = 3
"""One burst of repeats is a device that connected again; several are a fault."""
BURST_MS: Final = 10_000
PAST_BOOTS: Final = 4


@dataclass(slots=True)
class Missing:
    """Readings that were skipped, by number within the boot."""

    first: int
    last: int
    noticed_ms: int


@dataclass(slots=True)
class DeviceState:
    """One device of a bed."""

    is_online: bool = True
    boot: str = ""
    past_boots: tuple[str, ...] = ()
    """Boots that are over: what comes of them is a backlog."""
    since_ms: int = 0
    """Since when it is there, or not."""
    seq: int = 0
    """The highest number seen of the boot; 0 where none is expected next."""
    by_vital: dict[str, int] = field(default_factory=dict)
    """The highest number seen of the boot, by vital."""
    offsets_ms: list[int] = field(default_factory=list)
    """How far its newest readings' times were off, oldest first."""
    arrivals_ms: list[int] = field(default_factory=list)
    """When those came."""
    offset_ms: int = 0
    """How wrong its clock is; 0 within the tolerance."""
    offset_since_ms: int = 0
    missing: list[Missing] = field(default_factory=list)
    bursts_ms: list[int] = field(default_factory=list)
    """When readings came again or out of order, a burst each."""

    def restart(self, boot: str) -> None:
        """Begin a boot: its numbers begin anew, and maybe its clock."""
        past = [one for one in (*self.past_boots, self.boot) if one not in ("", boot)]
        self.past_boots = tuple(past[-PAST_BOOTS:])
        self.boot, self.seq = boot, 0
        self.by_vital.clear()
        self.missing.clear()
        self.offsets_ms.clear()
        self.arrivals_ms.clear()

    @property
    def told(self) -> tuple[bool, int, int]:
        """What findings depend on, but for time: they change where it changes."""
        return self.is_online, self.offset_ms, len(self.bursts_ms)

    def take(
        self, vital: str, reading: Reading, received_ms: int, *, may_repeat: bool
    ) -> bool:
        """Take in a reading's number and time; says whether it is the next of its vital.

        One that is not comes again, or too late for its turn; `may_repeat` says that
        this is no fault.
        """
        boot, seq = reading.boot, reading.seq
        if self.boot != boot:
            if boot in self.past_boots:
                return False
            self.restart(boot)
        if not self.is_online:
            self.is_online, self.since_ms = True, received_ms
        self.number(seq, received_ms)
        if seq <= self.by_vital.get(vital, 0):
            if not may_repeat:
                self.repeat(received_ms)
            return False
        self.by_vital[vital] = seq
        self.time(reading.time_ms, received_ms)
        return True

    def number(self, seq: int, received_ms: int) -> None:
        """Take in a reading's number: what it skips is missing, what it fills is not."""
        if seq == self.seq + 1 or not self.seq:
            self.seq = max(seq, self.seq)
        elif seq > self.seq:
            self.missing.append(Missing(self.seq + 1, seq - 1, received_ms))
            del self.missing[:-MISSING_RANGES]
            self.seq = seq
        elif self.missing:
            self.missing = [part for one in self.missing for part in _without(one, seq)]

    def repeat(self, received_ms: int) -> None:
        """Note a reading that came again, or after a newer one of its vital."""
        if not self.bursts_ms or received_ms - self.bursts_ms[-1] >= BURST_MS:
            self.bursts_ms.append(received_ms)
            del self.bursts_ms[:-REPEATED_BURSTS]

    def time(self, time_ms: int, received_ms: int) -> None:
        """Take in how far a reading's time is off, and judge the clock by the newest.

        A backlog looks like a clock that is behind. It is told from one by its pace:
        the readings of a wrong clock are all off by the same.
        """
        offsets, arrivals = self.offsets_ms, self.arrivals_ms
        offset_ms = time_ms - received_ms
        if (
            not self.offset_ms
            and -CLOCK_TOLERANCE_MS <= offset_ms <= CLOCK_TOLERANCE_MS
        ):
            # The usual path: one fresh reading proves the clock.
            if offsets:
                offsets.clear()
                arrivals.clear()
            return
        offsets.append(offset_ms)
        arrivals.append(received_ms)
        if len(offsets) > CLOCK_READINGS:
            del offsets[0], arrivals[0]
        self._judge_clock(received_ms)

    def findings(self, name: str, now_ms: int) -> Iterator[Finding]:
        """Return what is wrong with the device."""
        code = name.replace("-", "_")
        if not self.is_online:
            text = f"device {name} is not connected"
            yield _finding(f"device_silent_{code}", text, name, self.since_ms)
        if self.offset_ms:
            way = "ahead" if self.offset_ms > 0 else "behind"
            text = f"clock of {name} is {_span(abs(self.offset_ms))} {way}"
            yield _finding(f"clock_wrong_{code}", text, name, self.offset_since_ms)
        if lost := [one for one in self.missing if _is_told(one, now_ms)]:
            count = sum(one.last - one.first + 1 for one in lost)
            text = f"{count} readings of {name} are missing"
            yield _finding(f"readings_missing_{code}", text, name, lost[0].noticed_ms)
        if self._keeps_repeating(now_ms):
            text = f"readings of {name} come twice or out of order; they are left out"
            yield _finding(f"readings_repeated_{code}", text, name, self.bursts_ms[0])

    def _keeps_repeating(self, now_ms: int) -> bool:
        bursts = self.bursts_ms
        return (
            len(bursts) == REPEATED_BURSTS and now_ms - bursts[0] <= REPEATED_WITHIN_MS
        )

    def _judge_clock(self, received_ms: int) -> None:
        if len(self.offsets_ms) < CLOCK_READINGS:
            return
        nearest_ms = min(self.offsets_ms, key=abs)
        if abs(nearest_ms) <= CLOCK_TOLERANCE_MS:
            self.offset_ms = 0
        elif nearest_ms > 0 or self._is_live():
            if not self.offset_ms:
                self.offset_since_ms = received_ms
            if abs(nearest_ms - self.offset_ms) > CLOCK_STEADY_MS:
                self.offset_ms = nearest_ms

    def _is_live(self) -> bool:
        """Say whether readings come at the pace at which they are taken."""
        is_steady = max(self.offsets_ms) - min(self.offsets_ms) <= CLOCK_STEADY_MS
        return is_steady and self.arrivals_ms[-1] - self.arrivals_ms[0] >= CLOCK_SPAN_MS


def _without(missing: Missing, seq: int) -> Iterator[Missing]:
    """Return what is still missing when a number has come."""
    if not missing.first <= seq <= missing.last:
        yield missing
        return
    if missing.first < seq:
        yield Missing(missing.first, seq - 1, missing.noticed_ms)
    if seq < missing.last:
        yield Missing(seq + 1, missing.last, missing.noticed_ms)


def _is_told(missing: Missing, now_ms: int) -> bool:
    age_ms = now_ms - missing.noticed_ms
    return MISSING_TOLD_AFTER_MS <= age_ms <= MISSING_TOLD_FOR_MS


def _span(lasted_ms: int) -> str:
    seconds = lasted_ms // 1000
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def _finding(code: str, text: str, device: str, since_ms: int) -> Finding:
    return Finding(
        code=code[:64],
        kind=ConditionKind.TECHNICAL,
        priority=Priority.LOW,
        text=text,
        since_ms=since_ms,
        device=device,
    )
