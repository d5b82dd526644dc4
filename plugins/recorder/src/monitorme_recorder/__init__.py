"""Keeps every reading on disk, confirms it to its device, and serves its history."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    import click

    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return the recorder."""
    from monitorme_recorder.plugin import Recorder

    return Recorder


@hookimpl
def monitorme_commands() -> "Sequence[click.Command]":
    """Return `monitorme recorder` and `monitorme history`."""
    from monitorme_recorder.commands import recorder
    from monitorme_recorder.history_commands import history, openapi

    recorder.add_command(openapi)
    return [recorder, history]
