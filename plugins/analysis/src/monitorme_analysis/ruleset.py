"""The rules of a site, with their settings, and which of them a vital goes to."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from monitorme.contract.vitals import Catalogue, Vital
from monitorme.errors import ConfigError
from monitorme.site import first_mistake
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.rule import Rule

AnyRule = Rule[Any, Any]


class RuleSet:
    """Rules in the order in which they judge; made once, shared by all beds."""

    def __init__(self, rules: Iterable[AnyRule], catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.rules: dict[str, AnyRule] = {rule.name: rule for rule in rules}
        self.by_vital: dict[str, dict[int, tuple[str, ...]]] = {
            vital: self._stepping(vital, entry) for vital, entry in catalogue.items()
        }
        """The names of the rules that step on a vital, by how often: 0 is always."""
        self.elapsing: dict[int, tuple[str, ...]] = _grouped(
            (rule.elapse_every_ms, name)
            for name, rule in self.rules.items()
            if type(rule).elapse is not Rule.elapse
        )
        """The names of the rules to whom time matters by itself, by how often."""

    def _stepping(self, vital: str, entry: Vital) -> dict[int, tuple[str, ...]]:
        return _grouped(
            (rule.every_ms.get(vital, 0), name)
            for name, rule in self.rules.items()
            if rule.wants(vital, entry)
        )

    @classmethod
    def configured(
        cls,
        classes: Iterable[type[AnyRule]],
        settings: Mapping[str, Mapping[str, object]],
        catalogue: Catalogue,
    ) -> Self:
        """Return the rules that are switched on; raises ConfigError naming a mistake.

        Args:
            classes: all rules there are.
            settings: by name of rule; a rule without any takes its defaults.
            catalogue: the site's vitals.
        """
        known = {rule.name: rule for rule in classes}
        for name in settings:
            if name not in known:
                there = ", ".join(sorted(known))
                raise ConfigError(
                    f"[plugins.analysis.rules] has no rule {name!r}; there are {there}"
                )
        made = [_made(rule, settings.get(name, {})) for name, rule in known.items()]
        return cls([rule for rule in made if rule.settings.enabled], catalogue)

    @classmethod
    def installed(cls, catalogue: Catalogue) -> Self:
        """Return all rules that are installed, with their defaults."""
        classes, _ = installed_rules()
        return cls.configured(classes, {}, catalogue)

    @cached_property
    def adapters(self) -> dict[str, TypeAdapter[Any]]:
        """What writes a rule's state down and reads it back, by name."""
        return {name: TypeAdapter(rule.State) for name, rule in self.rules.items()}


def _grouped(rules: Iterable[tuple[int, str]]) -> dict[int, tuple[str, ...]]:
    grouped: dict[int, tuple[str, ...]] = {}
    for every_ms, name in rules:
        grouped[every_ms] = (*grouped.get(every_ms, ()), name)
    return dict(sorted(grouped.items()))


def _made(rule: type[AnyRule], settings: Mapping[str, object]) -> AnyRule:
    try:
        return rule(rule.Settings.model_validate(settings))
    except ValidationError as error:
        raise ConfigError(
            f"[plugins.analysis.rules.{rule.name}] {first_mistake(error)}"
        ) from error
