"""One bed as analysis knows it: pure state, and the conditions that follow from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from monitorme.contract.payloads import (
    Admission,
    Category,
    Condition,
    ConditionKind,
    Priority,
)
from monitorme.contract.readings import Judgement, Reading
from monitorme.contract.vitals import Catalogue, Vital
from monitorme_analysis.limits import Band, Limits, VitalLimits
from monitorme_analysis.threshold import Side, SideState, step

SIDES: Final[tuple[Side, Side]] = ("low", "high")
CLOCK_TOLERANCE_MS: Final = 5_000
CLOCK_READINGS: Final = 8
_SIGN: Final = {"low": "\u2264", "high": "\u2265"}
_REASONS: Final = {
    "lead_off": "lead off",
    "probe_off": "probe off",
    "no_signal": "no signal",
    "out_of_range": "impossible value",
    "demo": "demonstration mode",
}


@dataclass(slots=True)
class Seen:
    """The newest of one vital of a bed."""

    device: str
    boot: str
    seq: int
    at_ms: int
    arrived_ms: int
    is_valid: bool
    reason: str | None = None


@dataclass(slots=True)
class DeviceSeen:
    """One device of a bed: whether it is there, and how wrong its clock is."""

    is_online: bool = True
    vitals: tuple[str, ...] = ()
    boot: str = ""
    since_ms: int = 0
    offsets_ms: list[int] = field(default_factory=list)


@dataclass(slots=True)
class BedState:
    """Everything that analysis knows of a bed; it can be written down and read back."""

    admission: str | None = None
    category: Category = Category.ADULT
    admitted_since_ms: int = 0
    sides: dict[str, SideState] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    devices: dict[str, DeviceSeen] = field(default_factory=dict)
    sleep: list[str] = field(default_factory=list)
    """The last two sleep states that were given."""


class BedAnalysis:
    """Judges one bed; `conditions` says what is true of it now.

    Limits apply where somebody is admitted; a free bed has no conditions.
    """

    def __init__(
        self, catalogue: Catalogue, limits: Limits, state: BedState | None = None
    ) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self.state = state or BedState()

    def admit(self, admission: Admission | None) -> None:
        """Begin anew for somebody else; the same admission again changes nothing."""
        state = self.state
        name = admission.admission if admission else None
        since_ms = admission.since_ms if admission else 0
        if (name, since_ms) == (state.admission, state.admitted_since_ms):
            return
        state.sides.clear()
        state.seen.clear()
        state.sleep.clear()
        state.admission, state.admitted_since_ms = name, since_ms
        state.category = admission.category if admission else Category.ADULT

    def connect(
        self, device: str, boot: str, vitals: tuple[str, ...], now_ms: int
    ) -> None:
        """Note that a device is there, and what it sends."""
        known = self.state.devices.get(device)
        offsets = known.offsets_ms if known and known.boot == boot else []
        self.state.devices[device] = DeviceSeen(True, vitals, boot, now_ms, offsets)

    def disconnect(self, device: str, boot: str, now_ms: int) -> None:
        """Note that a device is gone; a death of an older boot is ignored."""
        known = self.state.devices.get(device)
        if known is not None and known.boot in ("", boot):
            known.is_online, known.since_ms = False, now_ms

    def take(
        self, vital: str, reading: Reading, judged: Judgement, now_ms: int
    ) -> bool:
        """Judge a reading; says whether it was the newest of its vital.

        An older one than the newest changes nothing here: it is for the record.
        """
        state = self.state
        self._note_device(reading, judged, now_ms)
        if judged.at_ms < state.admitted_since_ms:
            return False
        known = state.seen.get(vital)
        if known is not None and _is_older(known, reading, judged):
            return False
        valid = judged.value is not None
        state.seen[vital] = Seen(
            device=reading.device,
            boot=reading.boot,
            seq=reading.seq,
            at_ms=judged.at_ms,
            arrived_ms=now_ms,
            is_valid=valid,
            reason=judged.reason,
        )
        if valid:
            self._judge(vital, judged)
        return True

    def conditions(self, now_ms: int) -> Iterator[Condition]:
        """Return what is true of the bed now, each condition once."""
        if self.state.admission is None:
            return
        yield from self._physiological(now_ms)
        for vital, entry in self._catalogue.items():
            yield from self._technical(vital, entry, now_ms)
        for device, seen in self.state.devices.items():
            yield from self._of_device(device, seen, now_ms)

    @property
    def is_asleep(self) -> bool:
        """Whether the last two sleep states given say asleep."""
        return self.state.sleep == ["asleep", "asleep"]

    def _note_device(self, reading: Reading, judged: Judgement, now_ms: int) -> None:
        device = self.state.devices.setdefault(reading.device, DeviceSeen())
        if not device.is_online:
            device.is_online, device.since_ms = True, now_ms
        device.offsets_ms.append(reading.time_ms - now_ms)
        del device.offsets_ms[:-CLOCK_READINGS]

    def _judge(self, vital: str, judged: Judgement) -> None:
        entry = self._catalogue[vital]
        value = judged.value
        if isinstance(value, str):
            if vital == "sleep_state":
                self.state.sleep = [*self.state.sleep[-1:], value]
        elif isinstance(value, float):
            self._judge_number(vital, entry, judged.at_ms, value)
        elif isinstance(value, dict):
            for component, part in value.items():
                if isinstance(part, float):
                    name = f"{vital}.{component}"
                    self._judge_number(name, entry, judged.at_ms, part)

    def _judge_number(self, name: str, entry: Vital, at_ms: int, value: float) -> None:
        limits = self._limits.of(self.state.category).get(name)
        if limits is None:
            return
        for side in SIDES:
            key = f"{name}:{side}"
            state = self.state.sides.get(key, SideState())
            band = self._band(limits, state, at_ms)
            self.state.sides[key] = step(
                state, side, at_ms, value, limits, band, episodic=entry.episodic
            )

    def _band(self, limits: VitalLimits, state: SideState, at_ms: int) -> Band:
        """Return the limits that apply: never ending an alarm by falling asleep."""
        sleep = self.state.seen.get("sleep_state")
        stale_ms = self._catalogue["sleep_state"].stale_after_ms if sleep else 0
        is_fresh = sleep is not None and abs(at_ms - sleep.at_ms) <= stale_ms
        asleep = is_fresh and self.is_asleep and state.level is None
        return limits.band(asleep=asleep)

    def _physiological(self, now_ms: int) -> Iterator[Condition]:
        for key, state in self.state.sides.items():
            if state.level is None:
                continue
            name, _, side = key.rpartition(":")
            vital, _, component = name.partition(".")
            entry = self._catalogue[vital]
            yield Condition(
                code=f"{name.replace('.', '_')}_{side}",
                present=True,
                kind=ConditionKind.PHYSIOLOGICAL,
                priority=Priority.HIGH
                if state.level == "critical"
                else Priority.MEDIUM,
                text=_limit_text(entry, component, side, state),
                vital=vital,
                component=component or None,
                value=state.value,
                worst=state.worst,
                limit=state.limit,
                unit=entry.unit,
                since_ms=state.since_ms,
                time_ms=now_ms,
                caused_by_ms=self.state.seen[vital].at_ms,
                admission=self.state.admission,
            )

    def _technical(self, vital: str, entry: Vital, now_ms: int) -> Iterator[Condition]:
        seen = self.state.seen.get(vital)
        if seen is not None:
            age_ms = now_ms - seen.arrived_ms
            if age_ms > entry.stale_after_ms:
                yield self._technically(
                    f"{vital}_stale",
                    f"{entry.label}: no values",
                    seen.arrived_ms,
                    now_ms,
                    vital=vital,
                    device=seen.device,
                )
            elif not seen.is_valid:
                reason = _REASONS.get(seen.reason or "", seen.reason or "invalid")
                yield self._technically(
                    f"{vital}_invalid",
                    f"{entry.label}: {reason.replace('_', ' ')}",
                    seen.at_ms,
                    now_ms,
                    vital=vital,
                    device=seen.device,
                )

    def _of_device(
        self, device: str, seen: DeviceSeen, now_ms: int
    ) -> Iterator[Condition]:
        code = device.replace("-", "_")
        if not seen.is_online:
            text = f"device {device} is not connected"
            yield self._technically(
                f"device_silent_{code}"[:64], text, seen.since_ms, now_ms, device=device
            )
        offset_ms = _clock_offset_ms(seen.offsets_ms)
        if abs(offset_ms) > CLOCK_TOLERANCE_MS:
            way = "ahead" if offset_ms > 0 else "behind"
            text = f"clock of {device} is more than 5 s {way}"
            yield self._technically(
                f"clock_wrong_{code}"[:64], text, now_ms, now_ms, device=device
            )

    def _technically(
        self,
        code: str,
        text: str,
        since_ms: int,
        now_ms: int,
        *,
        vital: str | None = None,
        device: str | None = None,
    ) -> Condition:
        return Condition(
            code=code,
            present=True,
            kind=ConditionKind.TECHNICAL,
            priority=Priority.LOW,
            text=text,
            vital=vital,
            device=device,
            since_ms=since_ms,
            time_ms=now_ms,
            admission=self.state.admission,
        )


def _is_older(known: Seen, reading: Reading, judged: Judgement) -> bool:
    if (known.device, known.boot) == (reading.device, reading.boot):
        return reading.seq <= known.seq
    return judged.at_ms < known.at_ms


def _clock_offset_ms(offsets_ms: list[int]) -> int:
    """Return how wrong a clock is, from its newest readings.

    A backlog looks like a clock that is behind, but what is sent meanwhile does not: the
    offset nearest to zero is what the clock cannot explain away.
    """
    if len(offsets_ms) < CLOCK_READINGS:
        return 0
    return min(offsets_ms, key=abs)


def _limit_text(entry: Vital, component: str, side: str, state: SideState) -> str:
    label = entry.label
    if component:
        label = f"{label} {entry.components[component].label}"
    worst = f"{state.worst:.{entry.decimals}f}"
    limit = f"{state.limit:.{entry.decimals}f}"
    return f"{label} {worst} {_SIGN[side]} {limit}"
