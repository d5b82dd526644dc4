"""Sample configurations, rendered from the pydantic models that are their one source.

As Telegraf does it: a `##` sentence above each option; `# key = default` where the
default usually does, `key = …` where it has to be set.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from monitorme.described import described
from monitorme.plugin import Plugin
from monitorme.site import Site

README_BLOCK: Final = ("<!-- configuration -->", "<!-- /configuration -->")
_WIDTH: Final = 78


def render(plugin: type[Plugin[Any]]) -> str:
    """Return the sample configuration of a plugin, as TOML."""
    table = f"plugins.{plugin.name}"
    lines = [f"[{table}]", *_options(plugin.Config), *_sections(table, plugin.Config)]
    return "\n".join(lines).rstrip() + "\n"


def render_site() -> str:
    """Return the sample configuration of a site, without its plugins, as TOML."""
    site = Site()
    lines = [*_options(Site, skip=("broker", "influxdb", "wards", "plugins"))]
    lines += ["[broker]", *_options(type(site.broker))]
    lines += ["[influxdb]", *_options(type(site.influxdb))]
    for ward, section in site.wards.items():
        lines += [
            f"[wards.{ward}]",
            *_comment("What staff call it."),
            f"name = {_toml(section.name)}",
            "",
            *_comment("Ids of its beds, in the order of the screen."),
            f"beds = {_toml(section.beds)}",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def in_readme(plugin: type[Plugin[Any]], readme: str) -> str:
    """Return `readme` with its configuration block brought up to date."""
    start, end = README_BLOCK
    head, found_start, rest = readme.partition(start)
    _, found_end, tail = rest.partition(end)
    if not (found_start and found_end):
        raise ValueError(f"the README lacks {start} … {end}")
    return f"{head}{start}\n```toml\n{render(plugin)}```\n{end}{tail}"


def _options(model: type[BaseModel], skip: Sequence[str] = ()) -> Iterator[str]:
    for name, field in described(model).model_fields.items():
        if name in skip or _section_of(field) is not None:
            continue
        yield from _comment(field.description or name)
        default = field.get_default(call_default_factory=True)
        if default is PydanticUndefined:
            yield f'{name} = ""'
        elif default is None:
            yield f"# {name} = "
        else:
            yield from (
                f"# {line}" for line in f"{name} = {_toml(default)}".split("\n")
            )
        yield ""


def _sections(table: str, model: type[BaseModel]) -> Iterator[str]:
    """Show the tables that are there only where somebody writes them."""
    for name, field in described(model).model_fields.items():
        section = _section_of(field)
        if section is not None:
            yield from _comment(field.description or name)
            yield f"# [{table}.{name}]"
            for line in _options(section):
                yield line if not line or line.startswith("#") else f"# {line}"


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of an option that is a table or nothing."""
    if field.get_default(call_default_factory=True) is not None:
        return None
    for one in get_args(field.annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _comment(text: str) -> Iterator[str]:
    for line in textwrap.wrap(" ".join(text.split()), _WIDTH):
        yield f"## {line}"


def _toml(value: object) -> str:
    """Return a default as TOML; long lists get a line for ten items."""
    match value:
        case Enum():
            return _toml(value.value)
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return json.dumps(value, ensure_ascii=False)
        case Path():
            return json.dumps(str(value))
        case BaseModel():
            return _toml(value.model_dump(exclude_none=True))
        case Mapping():
            pairs = (f"{json.dumps(str(k))} = {_toml(v)}" for k, v in value.items())
            return "{ " + ", ".join(pairs) + " }" if value else "{}"
        case Sequence():
            return _toml_list([_toml(item) for item in value])
    raise TypeError(f"no TOML for {type(value).__name__}")


def _toml_list(items: list[str]) -> str:
    inline = "[" + ", ".join(items) + "]"
    if len(inline) <= _WIDTH:
        return inline
    wrapped = textwrap.wrap(", ".join(items), _WIDTH - 2)
    return "[\n" + "\n".join(f"  {line}" for line in wrapped) + "\n]"
