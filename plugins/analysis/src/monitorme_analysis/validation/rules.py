"""All rules, as they are installed: what each finds, by which settings, and by whom."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monitorme.contract.payloads import Category
from monitorme_analysis.installed import installed_rules
from monitorme_analysis.limits import Band, default_limits
from monitorme_analysis.rule import EVERY_VITAL, Rule
from monitorme_analysis.validation.markdown import table

_SIDES = ("critical_low", "low", "high", "critical_high")


def report(data: Path) -> str:
    """Return the section; it needs no recordings."""
    del data
    classes, _ = installed_rules()
    rules = [[_cell(text) for text in _of_rule(rule)] for rule in classes]
    header = ["rule", "finds", "of", "by default", "source"]
    return f"""## Rules and their sources

{table(header, rules)}

Limits by category of patient, from `config/limits.toml`; delays in seconds before and
after, then the deadband:

{table(["vital", *_SIDES, "delays, deadband", "source"], _limits())}
"""


def _of_rule(rule: type[Rule[Any, Any]]) -> Iterator[str]:
    yield f"`{rule.name}`"
    yield (rule.__doc__ or "").strip().partition("\n\n")[0]
    yield "every vital" if rule.vitals == EVERY_VITAL else ", ".join(rule.vitals)
    yield ", ".join(_settings(rule)) or "-"
    yield str(getattr(rule, "source", "")) or "-"


def _settings(rule: type[Rule[Any, Any]]) -> Iterator[str]:
    for name, value in rule.Settings().model_dump().items():
        if isinstance(value, dict):
            inner = ", ".join(f"{key} {_number(one)}" for key, one in value.items())
            yield f"{name}: {inner}"
        elif name != "enabled":
            yield f"{name} {_number(value)}"


def _limits() -> Iterator[list[object]]:
    limits = default_limits()
    for category in Category:
        for vital, one in limits.of(category).items():
            yield [
                f"{category} {vital}",
                *_of_band(one.awake),
                f"{one.on_delay_s:g}, {one.off_delay_s:g}, {one.deadband:g}",
                one.source,
            ]
            if one.asleep is not None:
                yield ["… asleep", *_of_band(one.asleep), "", ""]


def _of_band(band: Band) -> list[object]:
    given = (getattr(band, side) for side in _SIDES)
    return ["" if limit is None else f"{limit:g}" for limit in given]


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
