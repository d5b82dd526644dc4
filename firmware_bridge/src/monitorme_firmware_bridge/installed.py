"""Which decoders are installed; each is loaded by itself, when a line asks for it."""

from importlib.metadata import entry_points

import pluggy

from monitorme.errors import ConfigError
from monitorme_firmware_bridge import hooks
from monitorme_firmware_bridge.decoder import Decoder


def find_decoder(name: str) -> type[Decoder]:
    """Return the decoder called `name`; raises ConfigError naming those there are."""
    entries = entry_points(group=hooks.ENTRY_POINT_GROUP)
    for entry in entries:
        if entry.name == name:
            manager = pluggy.PluginManager("monitorme_decoders")
            manager.add_hookspecs(hooks)
            try:
                manager.register(entry.load(), name=name)
                manager.check_pending()
            # The boundary to code that is not ours: whatever it raises is told.
            except Exception as error:
                raise ConfigError(
                    f"decoder {name} cannot be loaded: {error}"
                ) from error
            classes = manager.hook.monitorme_decoder()
            if not classes:
                raise ConfigError(f"{name} has no hook monitorme_decoder")
            found: type[Decoder] = classes[0]
            return found
    known = ", ".join(sorted(entry.name for entry in entries)) or "none"
    raise ConfigError(f"no decoder {name!r} is installed; installed: {known}")
