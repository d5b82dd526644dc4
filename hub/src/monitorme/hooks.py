"""The hooks by which a distribution adds to MonitorMe; messages never travel by hook.

A distribution names its module under the entry point group `monitorme.plugins`; the
module (or package) implements any of these with `@hookimpl`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    import click

    from monitorme.plugin import Plugin

ENTRY_POINT_GROUP: Final = "monitorme.plugins"

hookspec = pluggy.HookspecMarker("monitorme")
hookimpl = pluggy.HookimplMarker("monitorme")


@hookspec
def monitorme_plugin() -> "type[Plugin[Any]]":  # type: ignore[empty-body]  # a declaration
    """Return the plugin class that this distribution provides."""


@hookspec
def monitorme_commands() -> "Sequence[click.Command]":  # type: ignore[empty-body]  # a declaration
    """Return the commands to add to `monitorme`."""


@hookspec
def monitorme_samples() -> "Mapping[str, str]":  # type: ignore[empty-body]  # a declaration
    """Return further sample configuration files: file name to text."""
