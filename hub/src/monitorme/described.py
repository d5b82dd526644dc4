"""Models whose fields are described by the docstrings of their attributes.

Pydantic can read those whenever it makes a class: that was a quarter of what a command
needs to start, for words that only documents and samples show. Here they are read, from
the same source, when somebody asks.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import get_args

from pydantic import BaseModel


@cache
def described(model: type[BaseModel]) -> type[BaseModel]:
    """Return the model; its fields, and those of models within it, say what they are.

    A description that a field was given stays.
    """
    texts: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            texts |= _docstrings(one)
    for name, field in model.model_fields.items():
        for within in _models_in(field.annotation):
            described(within)
        field.description = field.description or texts.get(name)
    model.model_rebuild(force=True)
    return model


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings of a class's own attributes: the strings below them."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    found: dict[str, str] = {}
    if isinstance(tree, ast.ClassDef):
        for attribute, below in pairwise(tree.body):
            name, text = _name(attribute), _text(below)
            if name is not None and text is not None:
                found[name] = inspect.cleandoc(text)
    return found


def _name(line: ast.stmt) -> str | None:
    target = line.target if isinstance(line, ast.AnnAssign) else None
    return target.id if isinstance(target, ast.Name) else None


def _text(line: ast.stmt) -> str | None:
    value = line.value if isinstance(line, ast.Expr) else None
    text = value.value if isinstance(value, ast.Constant) else None
    return text if isinstance(text, str) else None


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Return the models that a field can hold, however deep in its type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
