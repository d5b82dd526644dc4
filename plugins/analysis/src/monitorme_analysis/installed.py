"""Which rules are installed: those of analysis itself, then those of distributions."""

import logging
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

import pluggy

from monitorme.errors import ConfigError
from monitorme_analysis import built_in, hooks
from monitorme_analysis.rule import Rule

log = logging.getLogger(__name__)

AnyRule = Rule[Any, Any]


def installed_rules(
    *, has_waveforms: bool = True
) -> tuple[list[type[AnyRule]], list[str]]:
    """Return all rule classes, and a sentence for each distribution that failed.

    Without waveforms, those that come along and need one are left out.

    A distribution that cannot be loaded, or that takes another's name for a rule of its
    own, is left out by name and stops no other.
    """
    if has_waveforms:
        found = list(_rules_of("analysis", built_in))
    else:
        found = list(built_in.of_numbers())
    failed = []
    for entry in sorted(
        entry_points(group=hooks.ENTRY_POINT_GROUP), key=lambda one: one.name
    ):
        try:
            found += _added(entry.name, entry.load(), found)
        # The boundary to code that is not ours: whatever it raises is told.
        except Exception as error:
            log.exception("rules cannot be loaded distribution=%s", entry.name)
            failed.append(f"rules of {entry.name} cannot be loaded: {error}")
    return found, failed


def _added(
    name: str, module: object, before: list[type[AnyRule]]
) -> list[type[AnyRule]]:
    added = list(_rules_of(name, module))
    for taken in {rule.name for rule in before} & {rule.name for rule in added}:
        raise ConfigError(f"there is a rule {taken!r} already; rename one of them")
    return added


def _rules_of(name: str, module: object) -> Iterator[type[AnyRule]]:
    manager = pluggy.PluginManager("monitorme_rules")
    manager.add_hookspecs(hooks)
    manager.register(module, name=name)
    manager.check_pending()
    for rules in manager.hook.monitorme_rules():
        yield from rules
