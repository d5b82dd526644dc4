"""What is installed: plugins and commands, found by entry point, loaded one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from monitorme import hooks
from monitorme.errors import PluginError

if TYPE_CHECKING:
    import click

    from monitorme.plugin import Plugin


@dataclass(frozen=True, slots=True)
class Installed:
    """One distribution that adds to MonitorMe; `trouble` says why it cannot."""

    name: str
    distribution: str
    version: str
    manager: pluggy.PluginManager | None
    trouble: str | None = None

    @property
    def provides_plugin(self) -> bool:
        """Whether it has a plugin to run."""
        return self.manager is not None and bool(
            self.manager.hook.monitorme_plugin.get_hookimpls()
        )

    def plugin(self) -> "type[Plugin[Any]]":
        """Return its plugin class; raises PluginError where there is none to run."""
        if self.manager is None:
            raise PluginError(f"plugin {self.name} cannot be loaded: {self.trouble}")
        classes = self.manager.hook.monitorme_plugin()
        if not classes:
            raise PluginError(f"{self.name} ({self.distribution}) has no plugin to run")
        found: type[Plugin[Any]] = classes[0]
        return found

    def commands(self) -> "list[click.Command]":
        """Return the commands that it adds."""
        if self.manager is None:
            return []
        return [
            command
            for commands in self.manager.hook.monitorme_commands()
            for command in commands
        ]

    def samples(self) -> dict[str, str]:
        """Return the further sample files that it brings."""
        if self.manager is None:
            return {}
        return {
            name: text
            for files in self.manager.hook.monitorme_samples()
            for name, text in files.items()
        }


def find(name: str | None = None) -> Iterator[Installed]:
    """Load every installed distribution by itself; a broken one is named, not fatal.

    With `name`, only what is installed under it.
    """
    for entry in sorted(entry_points(group=hooks.ENTRY_POINT_GROUP), key=_by_name):
        if name in (None, entry.name):
            yield _load(entry)


def find_named(name: str) -> Installed:
    """Return what is installed under `name`, loading nothing else.

    Raises PluginError that says what is installed where it is not.
    """
    entries = entry_points(group=hooks.ENTRY_POINT_GROUP)
    for entry in entries:
        if entry.name == name:
            return _load(entry)
    known = ", ".join(sorted(entry.name for entry in entries)) or "none"
    raise PluginError(f"no plugin {name!r} is installed; installed: {known}")


def _by_name(entry: EntryPoint) -> str:
    return entry.name


def _load(entry: EntryPoint) -> Installed:
    distribution = entry.dist.name if entry.dist else "?"
    version = entry.dist.version if entry.dist else "?"
    manager = pluggy.PluginManager("monitorme")
    manager.add_hookspecs(hooks)
    try:
        manager.register(entry.load(), name=entry.name)
        manager.check_pending()
    # The boundary to code that is not ours: whatever it raises is told, by name.
    except Exception as error:
        trouble = f"{type(error).__name__}: {error}"
        return Installed(entry.name, distribution, version, None, trouble)
    return Installed(entry.name, distribution, version, manager)
