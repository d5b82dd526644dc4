"""The seam by which a distribution adds a decoder to the firmware bridge.

It names its module under the entry point group `monitorme.decoders`; the module
implements this hook with `@hookimpl`.
"""

from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from monitorme_firmware_bridge.decoder import Decoder

ENTRY_POINT_GROUP: Final = "monitorme.decoders"

hookspec = pluggy.HookspecMarker("monitorme_decoders")
hookimpl = pluggy.HookimplMarker("monitorme_decoders")


@hookspec
def monitorme_decoder() -> "type[Decoder]":  # type: ignore[empty-body]  # a declaration
    """Return the decoder class that this distribution provides."""
