"""The firmware bridge as a plugin: lines in, readings out."""

from collections.abc import Sequence

from monitorme.contract import topics
from monitorme.contract.payloads import DeviceCommand, Durable, decode
from monitorme.contract.topics import DeviceTopic
from monitorme.errors import ContractError, MonitorMeError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_firmware_bridge.config import FirmwareBridgeConfig
from monitorme_firmware_bridge.line import Line


class FirmwareBridge(Plugin[FirmwareBridgeConfig]):
    """Publishes for devices that do not speak MQTT."""

    name = "firmware_bridge"
    Config = FirmwareBridgeConfig
    subscriptions = (topics.device_filter("durable"), topics.device_filter("command"))

    def start(self) -> None:
        """Start every line; one that cannot be started is told, and the rest run."""
        self._lines: dict[str, Line] = {}
        for line in self.config.lines:
            folder = self.context.folder / line.device
            try:
                started = Line(line, self.config, self.context, folder)
            except MonitorMeError as error:
                self.context.trouble[f"line_{line.device}"] = f"{line.device}: {error}"
                continue
            self._lines[line.device] = started
            started.start()

    def handle(self, batch: Sequence[Message]) -> None:
        """Pass on what the hub says to the devices on the lines."""
        for message in batch:
            topic = topics.parse(message.topic)
            if not isinstance(topic, DeviceTopic) or topic.device not in self._lines:
                continue
            line = self._lines[topic.device]
            try:
                if topic.channel == "durable":
                    line.confirmed(decode(Durable, message.payload))
                elif topic.channel == "command":
                    line.asked(decode(DeviceCommand, message.payload))
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1

    def tick(self, now_ms: int) -> None:
        """Report what the lines counted."""
        for device, line in self._lines.items():
            for name, count in line.counts.items():
                self.context.counts[f"line_{device}_{name}"] = count

    def stop(self) -> None:
        """End every line; what is unconfirmed stays on disk."""
        lines = getattr(self, "_lines", {})
        for line in lines.values():
            line.end()
        for line in lines.values():
            line.join(7)
