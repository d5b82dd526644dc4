"""Requests over a real broker: what they leave behind, and what is never sent late."""

import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from monitorme import credentials
from monitorme.broker.process import BrokerProcess
from monitorme.bus import MqttBus
from monitorme.contract.payloads import Command, Reply, decode
from monitorme.contract.topics import ReplyTopic, command_filter
from monitorme.errors import CommandFailed
from monitorme.testing.brokers import bus_on, running_broker

pytestmark = pytest.mark.broker


class Service(threading.Thread):
    """Answers every command that comes until it is told to stop."""

    def __init__(self, bus: MqttBus) -> None:
        super().__init__(daemon=True)
        self.bus = bus
        self.asked: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            batch = self.bus.receive(timeout_s=0.05)
            for message in batch.messages if batch else ():
                command = decode(Command, message.payload)
                self.asked.append(command.id)
                self.bus.publish(ReplyTopic(command.id), Reply(id=command.id, ok=True))
            if batch:
                self.bus.acknowledge(batch)
        self.bus.flush(timeout_s=5)
        self.bus.close()

    def stop(self) -> None:
        self.stopping.set()
        self.join()


def session_of(broker: BrokerProcess, client_id: str, last: str) -> list[str]:
    """Take over a session; returns the topics of what it gets, `last` being the last."""
    secret = credentials.load_secret(broker.secret_file)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=False)
    client.username_pw_set(client_id, credentials.password_for(secret, client_id))
    got: list[str] = []
    client.on_message = lambda _client, _data, message: got.append(message.topic)
    client.on_connect = lambda *_: client.subscribe(last, 1)
    client.on_subscribe = lambda *_: client.publish(last, b"", 1)
    client.connect(broker.host, broker.port)
    deadline = time.monotonic() + 10
    while last not in got and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    return got


def test_no_subscription_stays_in_the_session_when_the_answer_has_come(
    tmp_path: Path,
) -> None:
    with running_broker(tmp_path) as broker:
        service = Service(bus_on(broker, "service", [command_filter("clock")]))
        service.start()
        asking = bus_on(broker, "asking", ["t/+"])
        asking.request("clock", "tell", {}, by="tester")
        service.stop()
        asking.idle(seconds=0.05)
        asking.close()
        late = bus_on(broker, "late")
        late.publish(ReplyTopic(service.asked[0]), b"{}")
        late.publish("t/kept", b"")
        assert late.flush(timeout_s=5)
        late.close()
        assert session_of(broker, "asking", "t/end") == ["t/kept", "t/end"]


def test_what_nobody_waits_for_any_longer_is_not_sent(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        service = Service(bus_on(broker, "service", [command_filter("clock")]))
        asking = bus_on(broker, "asking", ["t/+"])
        broker.kill()
        asking.idle(seconds=0.05)
        with pytest.raises(CommandFailed, match="did not answer"):
            asking.request("clock", "tell", {"in": "vain"}, by="tester", timeout_s=0.1)
        broker.start()
        assert asking.wait_connected(10)
        service.bus.idle(seconds=0.05)
        assert service.bus.wait_connected(10)
        service.start()
        reply = asking.request("clock", "tell", {}, by="tester")
        service.stop()
        asking.close()
        assert service.asked == [reply.id]
