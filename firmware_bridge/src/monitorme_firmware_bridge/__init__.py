"""Speaks the protocols of devices that do not speak MQTT, and publishes for them."""

from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return the firmware bridge."""
    from monitorme_firmware_bridge.plugin import FirmwareBridge

    return FirmwareBridge
