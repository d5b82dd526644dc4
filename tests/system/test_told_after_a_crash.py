"""A service dies between writing a change down and telling it: it is told all the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monitorme.broker.process import BrokerProcess
from monitorme.contract import topics
from monitorme.contract.payloads import (
    Admission,
    Category,
    Command,
    Condition,
    Event,
    PastCondition,
    Payload,
    decode,
)
from monitorme.contract.topics import (
    AdmissionTopic,
    AlarmTopic,
    BedId,
    CommandTopic,
    ConditionTopic,
    EventTopic,
)
from monitorme.contract.vitals import Catalogue
from monitorme.host import subscriptions
from monitorme.installed import find_named
from monitorme.plugin import Context, Plugin, wall_clock_ms
from monitorme.process import client_id
from monitorme.testing.brokers import bus_on, running_broker

pytestmark = pytest.mark.broker

BED = BedId("ward-a", "bed-01")
LOW = "oxygen_saturation_low"
MARK = EventTopic(BedId("test", "mark"))


class Service:
    """One life of a service after the other, in this process and on a real broker."""

    def __init__(self, name: str, broker: BrokerProcess, folder: Path) -> None:
        self._make = find_named(name).plugin()
        self._folder = folder / name
        self._folder.mkdir()
        wanted = (topics.event_filter(), topics.alarm_filter())
        self.world = bus_on(broker, "world", wanted, clean_session=True)
        self._broker = broker
        self.heard: list[tuple[str, bytes]] = []
        self.start()

    def start(self) -> None:
        """Begin a life; what was published before is confirmed when this returns."""
        name = client_id(self._make.name, "1")
        self.bus = bus_on(self._broker, name, subscriptions(self._make, ()))
        context = Context(self.bus, Catalogue.load(), self._folder)
        self.plugin: Plugin[Any] = self._make(self._make.Config(), context)
        self.plugin.start()
        assert self.bus.flush(timeout_s=30)

    def take(self, topic: topics.Topic, payload: Payload, *, retain: bool) -> None:
        """Publish something, and have the service react to it; nothing goes out yet."""
        self.world.publish(topic, payload, retain=retain)
        assert self.world.flush(timeout_s=30)
        seen: list[str] = []
        while str(topic) not in seen:
            batch = self.bus.receive(timeout_s=30)
            assert batch is not None, f"{topic} arrives"
            seen += [message.topic for message in batch.messages]
            self.plugin.handle(batch.messages)

    def die(self) -> None:
        """Lose the connection with all that was to go out by it."""
        self.bus.abort()
        self.bus.close()
        self.plugin.stop()

    def end(self) -> None:
        """End the last life, and listen no more."""
        self.die()
        self.world.close()

    def events(self) -> list[Event]:
        """Return every event that the broker has from the service up to now."""
        # What it had before the mark comes before the mark.
        self.world.publish(MARK, b"")
        while not self.heard or self.heard[-1] != (str(MARK), b""):
            batch = self.world.receive(timeout_s=30)
            assert batch is not None, "the mark arrives"
            self.heard += [(one.topic, one.payload) for one in batch.messages]
            self.world.acknowledge(batch)
        self.heard.pop()
        here = str(EventTopic(BED))
        return [decode(Event, data) for at, data in self.heard if at == here]


def command(verb: str, **arguments: object) -> tuple[CommandTopic, Command]:
    service, _, name = verb.partition(".")
    now_ms = wall_clock_ms()
    asked = Command(
        id=f"test-{name}",
        time_ms=now_ms,
        # Made when the tests are collected, which may be long before this one runs.
        expires_ms=now_ms + 3_600_000,
        by="nurse-1",
        args={"ward": BED.ward, "bed": BED.bed, **arguments},
    )
    return CommandTopic(service, name.replace("-", "_")), asked


def admission() -> Admission:
    return Admission(
        admission="a-1",
        patient="p-1",
        name="Ada",
        mrn="1",
        category=Category.ADULT,
        admitted_ms=1,
        since_ms=1,
    )


def condition(*, present: bool = True) -> Condition:
    given = {
        "code": LOW,
        "present": present,
        "kind": "physiological",
        "priority": "medium",
        "text": "SpO2 84 ≤ 89",
        "since_ms": 1_000,
        "time_ms": 7_000,
        "admission": "a-1",
    }
    return Condition.model_validate(given, strict=False)


def found_past() -> Event:
    given = {
        "code": LOW,
        "kind": "physiological",
        "priority": "high",
        "text": "SpO2 78 ≤ 80",
        "from_ms": 1_000,
        "to_ms": 61_000,
        "admission": "a-1",
    }
    past = PastCondition.model_validate(given, strict=False)
    return past.event("found-1", "analysis", 70_000)


def _is_retained(topic: topics.Topic) -> bool:
    return not isinstance(topic, CommandTopic | EventTopic)


ADMITTED = (AdmissionTopic(BED), admission())
LIMITED = command("analysis.set-limits", vital="heart_rate", awake={"high": 130.0})
Said = tuple[topics.Topic, Payload]
CHANGES: dict[str, tuple[str, tuple[Said, ...], Said]] = {
    "alarm_raised": ("alerting", (), (ConditionTopic(BED, LOW), condition())),
    "alarm_resolved": (
        "alerting",
        ((ConditionTopic(BED, LOW), condition()),),
        (ConditionTopic(BED, LOW), condition(present=False)),
    ),
    "alarm_found_past": ("alerting", (), (EventTopic(BED), found_past())),
    "patient_admitted": ("registry", (), command("registry.admit", name="A", mrn="1")),
    "snapshot_queued": (
        "record_forwarding",
        (ADMITTED,),
        command("record_forwarding.snapshot"),
    ),
    "limits_set": ("analysis", (ADMITTED,), LIMITED),
    "limits_cleared": (
        "analysis",
        (ADMITTED, LIMITED),
        command("analysis.clear-limits", vital="heart_rate"),
    ),
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with running_broker(tmp_path) as running:
        yield running


@pytest.mark.parametrize("kind", CHANGES)
def test_it_is_told_after_the_next_start_and_no_more_after_the_one_after(
    broker: BrokerProcess, tmp_path: Path, kind: str
) -> None:
    name, before, (topic, payload) = CHANGES[kind]
    service = Service(name, broker, tmp_path)
    for where, said in before:
        service.take(where, said, retain=_is_retained(where))
        service.bus.flush(timeout_s=30)
    service.take(topic, payload, retain=_is_retained(topic))
    service.die()
    assert kind not in [event.kind for event in service.events()]
    service.start()
    assert [event.kind for event in service.events()].count(kind) == 1
    service.plugin.tick(wall_clock_ms())
    service.die()
    service.start()
    assert [event.kind for event in service.events()].count(kind) == 1
    service.end()


def test_an_alarm_that_is_gone_does_not_stay_retained(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    service = Service("alerting", broker, tmp_path)
    for present in (True, False):
        service.take(ConditionTopic(BED, LOW), condition(present=present), retain=True)
        service.bus.flush(timeout_s=30)
    service.plugin.tick(wall_clock_ms() + 60_000)
    service.die()
    shown = str(AlarmTopic(BED, LOW))
    service.events()
    assert [data for at, data in service.heard if at == shown][-1]
    service.start()
    service.events()
    assert [data for at, data in service.heard if at == shown][-1] == b""
    service.end()
