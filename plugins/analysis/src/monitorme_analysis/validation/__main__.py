"""`python -m monitorme_analysis.validation`: write docs/analysis.md from recordings."""

import os
from pathlib import Path

import click

from monitorme_analysis.validation.document import SECTIONS, document, section

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
    """Compute the figures of docs/analysis.md, all or only some SECTIONS."""
    if sections:
        for name in sections:
            click.echo(section(name, data))
        return
    text = document(data, lambda name: click.echo(f"… {name}", err=True))
    if write is None:
        click.echo(text, nl=False)
    else:
        write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
