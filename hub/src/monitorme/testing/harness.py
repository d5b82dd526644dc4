"""Runs a plugin as the host does, on a bus in memory, with a clock that tests set."""

from pathlib import Path
from typing import Any, TypeVar

from monitorme.contract import topics
from monitorme.contract.payloads import Command, Payload, Reply, decode
from monitorme.contract.vitals import Catalogue
from monitorme.host import Host, birth, subscriptions
from monitorme.messaging import Message
from monitorme.plugin import Context, Plugin, PluginConfig
from monitorme.testing.memory import MemoryBroker

P = TypeVar("P", bound=Payload)

START_MS = 1_750_000_000_000
"""Where a test's clock starts unless told otherwise."""


class PluginRun:
    """One plugin, started, on a broker in memory.

    `send` publishes and lets the plugin react; `tick` moves the clock on; `restart`
    kills the plugin without a word and starts it again on the same folder and session.
    """

    def __init__(
        self,
        plugin: type[Plugin[Any]],
        folder: Path,
        *,
        config: PluginConfig | None = None,
        catalogue: Catalogue | None = None,
        broker: MemoryBroker | None = None,
        instance: str = "1",
        now_ms: int = START_MS,
    ) -> None:
        self.broker = broker or MemoryBroker()
        self.now_ms = now_ms
        self.broker.now_ms = lambda: self.now_ms
        self._make = plugin
        self._config = config or plugin.Config()
        self._catalogue = catalogue or Catalogue.load()
        self._folder = folder
        self._instance = instance
        self._elsewhere = self.broker.connect(f"test-{id(self)}", clean_session=True)
        self.start()

    def start(self) -> None:
        """Connect and start the plugin."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = self._make.name
        self.bus = self.broker.connect(
            f"{name.replace('_', '-')}-{self._instance}",
            subscriptions(self._make, self._config.wards),
        )
        self.context = Context(
            bus=self.bus,
            catalogue=self._catalogue,
            folder=self._folder,
            instance=self._instance,
            now_ms=lambda: self.now_ms,
        )
        self.plugin = self._make(self._config, self.context)
        self.host = Host(
            self.plugin, self.bus, born=birth(name, self._instance, "test")
        )
        self.plugin.start()
        self.settle()

    def settle(self) -> None:
        """Let the plugin handle everything that waits."""
        while (batch := self.bus.receive(timeout_s=0)) is not None:
            self.host._handle(batch)

    def send(
        self,
        topic: topics.Topic | str,
        payload: Payload | bytes,
        *,
        retain: bool = False,
    ) -> None:
        """Publish from elsewhere, and let the plugin react."""
        self._elsewhere.publish(topic, payload, retain=retain)
        self.settle()

    def request(self, verb: str, /, *, by: str = "tester", **args: object) -> Reply:
        """Send the plugin a command and return its answer, refusals included."""
        number = len(self.broker.published)
        command = Command(
            id=f"test-{number}",
            time_ms=self.now_ms,
            expires_ms=self.now_ms + 5_000,
            by=by,
            args=args,
        )
        self.send(topics.CommandTopic(self._make.name, verb), command)
        answer = self.broker.last(topics.ReplyTopic(command.id))
        assert answer is not None, f"{self._make.name} did not answer {verb}"
        return decode(Reply, answer)

    def tick(self, *, after_ms: int = 1_000) -> None:
        """Move the clock on and tick, a second at a time."""
        end_ms = self.now_ms + after_ms
        while self.now_ms < end_ms:
            self.now_ms = min(self.now_ms + 1_000, end_ms)
            self.plugin.tick(self.now_ms)
            self.settle()

    def published(self, wanted: str) -> list[Message]:
        """Return everything published so far that matches a filter, in order."""
        return [m for m in self.broker.published if topics.matches(wanted, m.topic)]

    def last(self, topic: topics.Topic | str, model: type[P]) -> P | None:
        """Return the payload last published to a topic, None for an empty one."""
        payload = self.broker.last(topic)
        return decode(model, payload) if payload else None

    def restart(self) -> None:
        """Kill the plugin without a word, and start it again."""
        self.bus.drop()
        self.plugin.stop()
        self.start()

    def stop(self) -> None:
        """Stop the plugin in good order."""
        self.plugin.stop()
        self.bus.close()
