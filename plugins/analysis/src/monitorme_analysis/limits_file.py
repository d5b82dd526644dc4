"""Limits as a TOML file, each with its source."""

import json
from collections.abc import Iterator, Mapping

from monitorme.contract.payloads import Category
from monitorme_analysis.limit import Limits, LimitsByCategory, VitalLimits


def render(limits: Limits) -> str:
    """Return limits as a TOML file, each with its source."""
    lines = [
        "# Alarm limits by category of patient and vital, or vital.component; then by age",
        "# of a child whose date of birth is known ([ages.…]), and by ward ([wards.…]).",
        "# The most particular limits of a vital go before all others, as a whole.",
        "# A value at or beyond a limit violates it: warning limits make an alarm of",
        "# medium priority, critical ones of high. Not a medical device: a hospital",
        "# sets its own. Written by `monitorme config`.",
        *_by_category("", limits),
    ]
    for name, age in limits.ages.items():
        table = f"ages.{json.dumps(name)}"
        lines += ["", f"[{table}]", f"from_years = {age.from_years}"]
        lines += [f"to_years = {age.to_years}"]
        lines += _tables(f"{table}.limits", age.limits)
    for ward, of_ward in limits.wards.items():
        lines += _by_category(f"wards.{json.dumps(ward)}.", of_ward)
    return "\n".join(lines) + "\n"


def _by_category(prefix: str, limits: LimitsByCategory) -> Iterator[str]:
    for category in Category:
        yield from _tables(f"{prefix}{category}", limits.of(category))


def _tables(prefix: str, limits: Mapping[str, VitalLimits]) -> Iterator[str]:
    for vital, one in limits.items():
        yield from ("", f"# {one.source}", f"[{prefix}.{json.dumps(vital)}]")
        yield from _pairs(one)


def _pairs(one: VitalLimits) -> Iterator[str]:
    for name, value in one.model_dump(exclude={"source"}, exclude_none=True).items():
        if isinstance(value, dict):
            inner = ", ".join(f"{key} = {number}" for key, number in value.items())
            yield f"{name} = {{ {inner} }}"
        else:
            yield f"{name} = {value}"
