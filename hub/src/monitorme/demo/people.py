"""Who is in the demo: invented patients, and a nurse who takes alarms on."""

import logging
import threading
import time
from pathlib import Path
from typing import Final

from monitorme.commands.connection import open_bus
from monitorme.contract import topics
from monitorme.contract.payloads import (
    Alarm,
    AlarmState,
    ConditionKind,
    Event,
    decode,
)
from monitorme.contract.topics import AlarmTopic, BedId, EventTopic
from monitorme.errors import CommandFailed, ContractError
from monitorme.messaging import Message, Publisher
from monitorme.plugin import Ward, wall_clock_ms

log = logging.getLogger(__name__)

NURSE: Final = "demo nurse"
ACKNOWLEDGE_AFTER_MS: Final = 6_000
ADMIT_TIMEOUT_S: Final = 10.0
_FIRST: Final = (
    *("Ada", "Ben", "Clara", "David", "Elsa", "Farid", "Greta", "Hugo", "Ines", "Jon"),
    *("Kira", "Leo", "Mara", "Nils", "Olga", "Paul", "Rosa", "Sven", "Tara", "Udo"),
)
_LAST: Final = (
    *("Abel", "Brandt", "Costa", "Dahl", "Evers", "Fuchs", "Gomez", "Hansen"),
    *("Ito", "Jansen", "Kowal", "Lund", "Moreau", "Novak", "Okafor", "Petit"),
    *("Quist", "Rossi", "Sato", "Tamm"),
)


def admit_everybody(data: Path, broker: str, wards: dict[str, Ward]) -> None:
    """Admit an invented patient to every bed; waits for the registry to be there."""
    with open_bus(data, broker) as bus:
        number = 0
        for ward, section in wards.items():
            for bed in section.beds:
                args = {"ward": ward, "bed": bed, **_patient(number)}
                _admit(bus, args)
                number += 1


def _patient(number: int) -> dict[str, str]:
    name = f"{_FIRST[number % 20]} {_LAST[(number * 7 + number // 20) % 20]}"
    return {"name": name, "mrn": f"DEMO-{number + 1:04}"}


def _admit(bus: Publisher, args: dict[str, str]) -> None:
    deadline = time.monotonic() + ADMIT_TIMEOUT_S
    while True:
        try:
            bus.request("registry", "admit", args, by="demo", timeout_s=1.0)
        except CommandFailed as error:
            # An answer that came too late was carried out all the same.
            if "occupied" in str(error):
                return
            if time.monotonic() > deadline:
                raise
            continue
        return


class Observer:
    """Counts alarms, and acknowledges some of them as a nurse would.

    Every other patient's alarm is taken on after six seconds; the rest go by
    themselves. Runs in a thread of its own between `start` and `stop`.
    """

    def __init__(self, data: Path, broker: str) -> None:
        self.raised = 0
        self.resolved = 0
        self.acknowledged = 0
        self._data = data
        self._broker = broker
        self._active: dict[tuple[BedId, str], Alarm] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def start(self) -> None:
        """Start to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; what was counted stays."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        wanted = [topics.alarm_filter(), topics.event_filter()]
        with open_bus(self._data, self._broker, subscriptions=wanted) as bus:
            while not self._stopping.is_set():
                batch = bus.receive(timeout_s=0.25)
                if batch is not None:
                    for message in batch.messages:
                        self._take(message)
                    bus.acknowledge(batch)
                for bed, alarm in self._due(wall_clock_ms()):
                    args = {"ward": bed.ward, "bed": bed.bed, "code": alarm.code}
                    try:
                        bus.request("alerting", "acknowledge", args, by=NURSE)
                        self.acknowledged += 1
                    except CommandFailed as error:
                        log.info("not acknowledged bed=%s: %s", bed, error)

    def _take(self, message: Message) -> None:
        try:
            match topics.parse(message.topic):
                case EventTopic():
                    kind = decode(Event, message.payload).kind
                    self.raised += kind == "alarm_raised"
                    self.resolved += kind == "alarm_resolved"
                case AlarmTopic(bed=bed, code=code):
                    self._active.pop((bed, code), None)
                    if message.payload:
                        alarm = decode(Alarm, message.payload)
                        if alarm.state is AlarmState.ACTIVE:
                            self._active[bed, code] = alarm
        except ContractError as error:
            log.warning("not understood topic=%s: %s", message.topic, error)

    def _due(self, now_ms: int) -> list[tuple[BedId, Alarm]]:
        """Return the alarms to acknowledge now, and forget them."""
        due = [
            (key, alarm)
            for key, alarm in self._active.items()
            if alarm.kind is ConditionKind.PHYSIOLOGICAL
            and int(key[0].bed.rpartition("-")[2] or 0) % 2 == 1
            and now_ms - alarm.raised_ms > ACKNOWLEDGE_AFTER_MS
        ]
        for key, _ in due:
            del self._active[key]
        return [(key[0], alarm) for key, alarm in due]
