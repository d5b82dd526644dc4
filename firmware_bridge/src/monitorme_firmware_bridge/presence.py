"""What the hub is told about a device on a line: that it is there, or gone."""

from dataclasses import dataclass, replace
from typing import Literal

from monitorme.contract.payloads import DeviceStatus
from monitorme.contract.topics import BedId, DeviceTopic
from monitorme.errors import BusError
from monitorme.plugin import Context


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a device."""

    boot: str
    vitals: tuple[str, ...]
    model: str | None = None
    firmware: str | None = None


class Presence:
    """Publishes births and deaths of one device, in the bridge's name."""

    def __init__(self, context: Context, bed: BedId, device: str) -> None:
        self._context = context
        self._topic = DeviceTopic(bed, device, "status")
        self._about: About | None = None
        self._is_online = False
        self._unsaid: DeviceStatus | None = None

    def online(self, about: About, held_from_seq: int) -> None:
        """Say that the device is there, and what is still held of its boot."""
        self._about, self._is_online = about, True
        self._say(self._status(about, "online", held_from_seq))

    def offline(self) -> None:
        """Say that the device is gone, where it had been there."""
        if self._about is not None and self._is_online:
            self._is_online = False
            self._say(self._status(self._about, "offline", None))

    def held(self, boot: str, held_from_seq: int) -> None:
        """Say what is still held of a boot, also where the device is not in it now."""
        about = self._about
        if about is not None and about.boot == boot and self._is_online:
            self._say(self._status(about, "online", held_from_seq))
            return
        spoken_of = replace(about, boot=boot) if about else About(boot, ())
        # Not retained, and followed by the truth: nothing has been born by this.
        self._publish(self._status(spoken_of, "online", held_from_seq), retain=False)
        state: Literal["online", "offline"] = "online" if self._is_online else "offline"
        self._say(self._status(about or spoken_of, state, None))

    def insist(self) -> None:
        """Say again what the bus had no room for."""
        if self._unsaid is not None:
            self._say(self._unsaid)

    def _say(self, status: DeviceStatus) -> None:
        self._unsaid = None if self._publish(status, retain=True) else status

    def _publish(self, status: DeviceStatus, *, retain: bool) -> bool:
        try:
            self._context.bus.publish(self._topic, status, retain=retain)
        except BusError:
            return False
        return True

    def _status(
        self,
        about: About,
        state: Literal["online", "offline"],
        held_from_seq: int | None,
    ) -> DeviceStatus:
        return DeviceStatus(
            device=self._topic.device,
            boot=about.boot,
            state=state,
            time_ms=self._context.now_ms(),
            vitals=about.vitals,
            model=about.model,
            firmware=about.firmware,
            via=f"firmware-bridge-{self._context.instance}",
            held_from_seq=held_from_seq,
        )
