"""docs/analysis.md: an introduction, then a section from each module that has figures.

A section is a module with `report(data: Path) -> str`: Markdown that begins with a
heading of the second level. The last line of the document holds a digest of the rest, so
that a test sees whether it was changed by hand without computing it all again.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

SECTIONS: Final = (
    "ecg",
    "night",
    "intensive_care",
    "trends",
    "glucose",
    "respiration",
    "news2",
    "rules",
)
"""Modules of this package, in the order of the document."""

_MARK: Final = re.compile(
    r"<!-- made by `make validate`; sha256 ([0-9a-f]{64}) -->\n\Z"
)

_INTRODUCTION: Final = """# What the analysis finds, measured

The rules of the analysis service on recordings that nobody of this project made: real
patients, real devices, with their noise, their gaps and their codes for "no value". Which
ones they are, and where from, is said at each. The recordings themselves are not part of
the project; tests and this document find them through `MONITORME_DATA`.

`make validate` writes this document again, from the recordings, with the rules as they
are now; some minutes. Nothing in it is written by hand, and a test says so.

MonitorMe is not a medical device. These figures say how the rules behave on these
recordings; a hospital that uses them has to look at its own.
"""


def document(
    data: Path,
    names: Iterable[str],
    before: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> str:
    """Return the whole document; sections that are not named stay as they were before.

    Args:
        data: the folder of the recordings.
        names: sections to make again.
        before: the document as it is.
        say: is told which section is being made.
    """
    texts = dict(sections(before))
    for name in names:
        say(name)
        texts[name] = section(name, data)
    parts = [_INTRODUCTION.rstrip()]
    for name in SECTIONS:
        if name in texts:
            parts += [f"<!-- section {name} -->", texts[name].strip()]
    return seal("\n\n".join(parts) + "\n")


def sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each section of a document, and its Markdown."""
    body = _MARK.sub("", text)
    for part in body.split("<!-- section ")[1:]:
        name, _, markdown = part.partition(" -->\n")
        yield name, markdown.strip()


def present() -> Iterator[str]:
    """Yield the sections of SECTIONS that this installation has."""
    package = "monitorme_analysis.validation"
    return (name for name in SECTIONS if find_spec(f"{package}.{name}") is not None)


def section(name: str, data: Path) -> str:
    """Return one section."""
    module = import_module(f"monitorme_analysis.validation.{name}")
    text: str = module.report(data)
    if not text.startswith("## "):
        raise ValueError(f"the section {name} must begin with a heading: ## …")
    return text


def seal(text: str) -> str:
    """Return a document with the digest of itself as its last line."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return f"{text}\n<!-- made by `make validate`; sha256 {digest} -->\n"


def is_as_made(text: str) -> bool:
    """Say whether a document is as it was made: its digest is that of the rest."""
    found = _MARK.search(text)
    return found is not None and seal(text[: found.start() - 1]) == text
