"""The registry: wards, beds, devices and who lies where; a built-in plugin."""

from typing import TYPE_CHECKING, Any

from monitorme.hooks import hookimpl

if TYPE_CHECKING:
    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return the registry."""
    from monitorme.registry.plugin import Registry

    return Registry
