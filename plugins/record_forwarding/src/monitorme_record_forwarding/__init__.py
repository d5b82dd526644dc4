"""Sends patient snapshots to MyMedicalData and keeps them until they are accepted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    import click

    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return record forwarding."""
    from monitorme_record_forwarding.plugin import RecordForwarding

    return RecordForwarding


@hookimpl
def monitorme_commands() -> "Sequence[click.Command]":
    """Return `monitorme snapshot`."""
    from monitorme_record_forwarding.commands import snapshot

    return [snapshot]
