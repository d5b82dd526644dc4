"""`python -m monitorme_analysis.validation`: write docs/analysis.md from recordings."""

import os
from pathlib import Path

import click

from monitorme_analysis.validation.document import SECTIONS, document, present, section

DEFAULT_DATA = "../shared/data"


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice(SECTIONS))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=lambda: os.environ.get("MONITORME_DATA") or DEFAULT_DATA,
    help=f"Where the recordings are; else MONITORME_DATA, else {DEFAULT_DATA}.",
)
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the document to this file instead of printing it.",
)
def main(sections: tuple[str, ...], data: Path, write: Path | None) -> None:
    """Compute the figures of docs/analysis.md, all or only some SECTIONS.

    With --write, sections that are not named stay as they are in the file.
    """
    names = sections or tuple(present())
    if write is None:
        for name in names:
            click.echo(section(name, data))
        return
    before = write.read_text(encoding="utf-8") if write.exists() else ""
    text = document(data, names, before, lambda name: click.echo(f"… {name}", err=True))
    write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
