"""Turns conditions into alarms that people see, take on and see resolved."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from monitorme import hookimpl

if TYPE_CHECKING:
    import click

    from monitorme.plugin import Plugin


@hookimpl
def monitorme_plugin() -> "type[Plugin[Any]]":
    """Return alerting."""
    from monitorme_alerting.plugin import Alerting

    return Alerting


@hookimpl
def monitorme_commands() -> "Sequence[click.Command]":
    """Return `monitorme alarms` and `monitorme acknowledge`."""
    from monitorme_alerting.commands import acknowledge, alarms

    return [alarms, acknowledge]
