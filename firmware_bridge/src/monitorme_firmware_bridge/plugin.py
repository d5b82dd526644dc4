"""The firmware bridge as a plugin: lines in, readings out."""

import logging
from collections.abc import Sequence
from typing import Final

from monitorme.contract import topics
from monitorme.contract.payloads import DeviceCommand, Durable, decode
from monitorme.contract.topics import DeviceTopic
from monitorme.errors import ContractError
from monitorme.messaging import Message
from monitorme.plugin import Plugin
from monitorme_firmware_bridge.config import FirmwareBridgeConfig, LineConfig
from monitorme_firmware_bridge.line import Line

log = logging.getLogger(__name__)

END_S: Final = 7.0


class FirmwareBridge(Plugin[FirmwareBridgeConfig]):
    """Publishes for devices that do not speak MQTT."""

    name = "firmware_bridge"
    Config = FirmwareBridgeConfig
    subscriptions = (topics.device_filter("durable"), topics.device_filter("command"))

    _lines: dict[str, Line] | None = None

    def start(self) -> None:
        """Start the line of every device in the wards of this instance."""
        self._lines = {}
        for line in self.config.lines:
            if not self.config.wards or line.ward in self.config.wards:
                self._start(line)

    def handle(self, batch: Sequence[Message]) -> None:
        """Pass on what the hub says to the devices on the lines."""
        for message in batch:
            topic = topics.parse(message.topic)
            if not isinstance(topic, DeviceTopic):
                continue
            line = (self._lines or {}).get(topic.device)
            if line is None:
                continue
            try:
                if topic.channel == "durable":
                    line.tell(decode(Durable, message.payload))
                elif topic.channel == "command":
                    line.tell(decode(DeviceCommand, message.payload))
            except ContractError as error:
                self.context.counts[f"refused_{error.reason}"] += 1

    def tick(self, now_ms: int) -> None:
        """Report how the lines are."""
        context = self.context
        for device, line in (self._lines or {}).items():
            subject = _subject(device)
            report = line.state.report(now_ms)
            for name, count in report.counts.items():
                context.counts[f"{subject}_{name}"] = count
            for name, figure in report.figures.items():
                context.figures[f"{subject}_{name}"] = figure
            if report.trouble is not None:
                context.trouble[subject] = report.trouble
            else:
                context.trouble.pop(subject, None)

    def stop(self) -> None:
        """End every line; what is unconfirmed stays on disk."""
        lines = list((self._lines or {}).values())
        for line in lines:
            line.end()
        for line in lines:
            line.join(END_S)

    def _start(self, config: LineConfig) -> None:
        try:
            line = Line(config, self.config, self.context)
        # The boundary to decoders that are not ours: one that cannot be made is told,
        # and the other lines run.
        except Exception as error:
            self.context.trouble[_subject(config.device)] = (
                f"line of {config.device} cannot be started: {error}"
            )
            log.error("line not started device=%s: %s", config.device, error)
            return
        assert self._lines is not None
        self._lines[config.device] = line
        line.start()


def _subject(device: str) -> str:
    return f"line_{device.replace('-', '_')}"
