"""Simulated patients and devices, replay of recordings, load and stand-ins."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitorme import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def monitorme_commands() -> "Sequence[click.Command]":
    """Return `monitorme sim`."""
    from monitorme_device_sim.commands import sim

    return [sim]
