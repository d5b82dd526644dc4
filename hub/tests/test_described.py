"""Models are described by the docstrings of their attributes, when somebody asks."""

import subprocess
import sys

from pydantic import BaseModel, Field

from monitorme.contract.payloads import Alarm
from monitorme.described import described


class Leaf(BaseModel):
    """Something small."""

    size_mm: float = 1.0
    """How small,

    in millimetres.
    """
    bare: int = 0


class Tree(BaseModel):
    """Something that holds others."""

    height_m: float
    """How high."""
    leaves: list[Leaf] | None = None
    """What it bears."""
    given: int = Field(default=0, description="As it was given.")
    """Not this."""
    count: int = 0
    unit = "m"
    """Not of the one before: this is no field."""

    model_config = {"ignored_types": (str,)}


class Oak(Tree):
    """A tree that has more."""

    acorns: dict[str, tuple[Leaf, ...]] = Field(default_factory=dict)
    """By branch."""


def test_fields_are_described_by_the_string_below_them() -> None:
    fields = described(Oak).model_fields
    assert {name: field.description for name, field in fields.items()} == {
        "height_m": "How high.",
        "leaves": "What it bears.",
        "given": "As it was given.",
        "count": None,
        "acorns": "By branch.",
    }


def test_a_schema_has_the_descriptions_of_models_within() -> None:
    schema = described(Oak).model_json_schema()
    leaf = schema["$defs"]["Leaf"]["properties"]
    assert leaf["size_mm"]["description"] == "How small,\n\nin millimetres."
    assert schema["properties"]["acorns"]["description"] == "By branch."


def test_every_field_of_an_alarm_is_described_once_asked() -> None:
    fields = described(Alarm).model_fields.values()
    assert all(field.description for field in fields)


def test_nothing_reads_its_own_source_at_a_start() -> None:
    code = (
        "import linecache, sys, monitorme.plugin, monitorme.site, monitorme.running;"
        "sys.exit(len(linecache.cache))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
