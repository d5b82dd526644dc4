"""A ward as a table in the terminal: the newest of everything that the bus says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from rich.table import Table
from rich.text import Text

from monitorme.contract import topics
from monitorme.contract.payloads import (
    Admission,
    Alarm,
    AlarmState,
    Payload,
    Priority,
    decode,
)
from monitorme.contract.readings import Judgement, decode_reading, judge
from monitorme.contract.topics import AdmissionTopic, AlarmTopic, BedId, VitalTopic
from monitorme.contract.vitals import Catalogue, Vital, VitalKind
from monitorme.errors import ContractError
from monitorme.messaging import Message

P = TypeVar("P", bound=Payload)

RANK: Final = {Priority.HIGH: 0, Priority.MEDIUM: 1, Priority.LOW: 2}
MARK: Final = {Priority.HIGH: "***", Priority.MEDIUM: "**", Priority.LOW: "*"}
QUIET: Final = {
    AlarmState.ACKNOWLEDGED: " (acknowledged)",
    AlarmState.LATCHED: " (over, not seen yet)",
}
"""What is added where an alarm calls nobody any more."""
UNIT_WORDS: Final = {"Cel": "°C", "mm[Hg]": "mmHg"}
"""UCUM codes that people write in another way."""
STYLE: Final = {
    Priority.HIGH: "bold white on red",
    Priority.MEDIUM: "bold black on yellow",
    Priority.LOW: "black on cyan",
}


@dataclass(slots=True)
class _Newest:
    judgement: Judgement
    boot: str
    seq: int
    received_ms: int


@dataclass(slots=True)
class _BedView:
    admission: Admission | None = None
    newest: dict[str, _Newest] = field(default_factory=dict)
    alarms: dict[str, Alarm] = field(default_factory=dict)


def ward_filters(ward: str) -> tuple[str, ...]:
    """Return what a view of a ward subscribes to."""
    return (
        topics.vital_filter(ward=ward),
        topics.admission_filter(ward=ward),
        topics.alarm_filter(ward=ward),
    )


class WardView:
    """The newest state of a ward's beds; `take` messages, then `table` them."""

    def __init__(self, ward: str, beds: Iterable[str], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._beds = {BedId(ward, bed): _BedView() for bed in beds}
        self.ward = ward
        self.readings = 0

    def take(self, messages: Iterable[Message]) -> None:
        """Take in messages; what breaks the contract is left out."""
        for message in messages:
            try:
                self._take(message)
            except ContractError:
                # The recorder keeps and counts what is refused; a view only looks.
                continue

    def _take(self, message: Message) -> None:
        match topics.parse(message.topic):
            case VitalTopic(bed=bed, vital=vital) if vital in self._catalogue:
                self._take_reading(self._bed(bed), vital, message)
            case AdmissionTopic(bed=bed):
                self._bed(bed).admission = _or_none(Admission, message)
                self._bed(bed).newest.clear()
            case AlarmTopic(bed=bed, code=code):
                alarm = _or_none(Alarm, message)
                if alarm is None or alarm.state is AlarmState.RESOLVED:
                    self._bed(bed).alarms.pop(code, None)
                else:
                    self._bed(bed).alarms[code] = alarm

    def _bed(self, bed: BedId) -> _BedView:
        return self._beds.setdefault(bed, _BedView())

    def _take_reading(self, view: _BedView, vital: str, message: Message) -> None:
        reading = decode_reading(message.payload)
        judged = judge(reading, self._catalogue[vital], message.received_ms)
        self.readings += 1
        if view.admission is not None and judged.at_ms < view.admission.since_ms:
            return
        known = view.newest.get(vital)
        if known and known.boot == reading.boot and known.seq >= reading.seq:
            return
        view.newest[vital] = _Newest(
            judged, reading.boot, reading.seq, message.received_ms
        )

    def alarms(self) -> list[tuple[BedId, Alarm]]:
        """Return all alarms, worst first, the newest of equal priority first."""
        found = [(b, a) for b, view in self._beds.items() for a in view.alarms.values()]
        return sorted(found, key=lambda one: _urgency(one[1]))

    def table(self, now_ms: int, *, title: str = "") -> Table:
        """Return the ward as a table, a line a bed."""
        table = Table(title=title, expand=True, pad_edge=False, box=None)
        table.add_column("Bed", style="bold", no_wrap=True)
        table.add_column("Patient", no_wrap=True, ratio=2)
        shown = [
            (name, vital)
            for name, vital in self._catalogue.items()
            if vital.kind is not VitalKind.WAVEFORM
        ]
        for _, vital in shown:
            unit = UNIT_WORDS.get(vital.unit, vital.unit)
            heading = f"{vital.label} {unit}".strip()
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("Alarm", no_wrap=True, ratio=3)
        for bed, view in sorted(self._beds.items(), key=lambda one: str(one[0])):
            cells = [
                _cell(view.newest.get(name), vital, now_ms) for name, vital in shown
            ]
            name = view.admission.name if view.admission else "-"
            table.add_row(bed.bed, name, *cells, _strip(view.alarms))
        return table


def _or_none(model: type[P], message: Message) -> P | None:
    return decode(model, message.payload) if message.payload else None


def _cell(newest: _Newest | None, vital: Vital, now_ms: int) -> Text:
    if newest is None:
        return Text("...", style="dim")
    value = newest.judgement.value
    if value is None:
        reason = (newest.judgement.reason or "").replace("_", " ")
        return Text(f"--- {reason}".strip(), style="cyan")
    stale = now_ms - newest.received_ms > vital.stale_after_ms
    return Text(format_value(value, vital), style="dim strike" if stale else "")


def format_value(value: object, vital: Vital) -> str:
    """Return a value as people read it, without its unit."""
    if isinstance(value, float):
        return f"{value:.{vital.decimals}f}"
    if isinstance(value, Mapping):
        parts = [value.get(name) for name in vital.components]
        shown = [
            f"{part:.{vital.decimals}f}" if isinstance(part, float) else "?"
            for part in parts
        ]
        if len(shown) == 3:
            return f"{shown[0]}/{shown[1]} ({shown[2]})"
        return "/".join(shown)
    return str(value)


def _urgency(alarm: Alarm) -> tuple[bool, int, int]:
    """Return what sorts alarms: what still is first, then the worst, then the newest."""
    is_over = alarm.state is AlarmState.LATCHED
    return is_over, RANK[alarm.priority], -alarm.raised_ms


def _strip(alarms: Mapping[str, Alarm]) -> Text:
    if not alarms:
        return Text("")
    worst = min(alarms.values(), key=_urgency)
    more = f" +{len(alarms) - 1}" if len(alarms) > 1 else ""
    taken = QUIET.get(worst.state, "")
    text = f"{MARK[worst.priority]} {worst.text}{more}{taken}"
    return Text(text, style="dim" if taken else STYLE[worst.priority])
