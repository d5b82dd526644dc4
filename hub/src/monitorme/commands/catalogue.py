"""Which commands there are: the hub's own, and those that distributions add."""

from collections.abc import Iterable
from importlib import import_module
from typing import Final

import click

from monitorme import installed

BUILT_IN: Final = {
    "demo": "demo",
    "up": "up",
    "run": "run",
    "status": "status",
    "doctor": "doctor",
    "watch": "watch",
    "plugins": "plugins",
    "config": "config",
    "schema": "schema",
    "admit": "patients",
    "transfer": "patients",
    "discharge": "patients",
    "beds": "patients",
    "devices": "devices",
}
"""Command to module; a module is imported only when its command is called."""


class CommandCatalogue(click.Group):
    """Finds a command by name; loads other distributions only where it must."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, built in ones first."""
        return [*BUILT_IN, *sorted(self._added())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where nothing is called so."""
        if cmd_name in BUILT_IN:
            module = import_module(f"monitorme.commands.{BUILT_IN[cmd_name]}")
            command: click.Command = getattr(module, cmd_name)
            return command
        # Most are named after what brings them, and the others need not be loaded then.
        of_that_name = installed.find(cmd_name)
        return _commands(of_that_name).get(cmd_name) or self._added().get(cmd_name)

    def _added(self) -> dict[str, click.Command]:
        return _commands(installed.find())


def _commands(distributions: Iterable[installed.Installed]) -> dict[str, click.Command]:
    return {
        command.name: command
        for distribution in distributions
        for command in distribution.commands()
        if command.name and command.name not in BUILT_IN
    }
