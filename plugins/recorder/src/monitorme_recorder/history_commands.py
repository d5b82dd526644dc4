"""`monitorme recorder openapi`: the history API as a document for other languages."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to FILE (the project keeps it in docs/history.openapi.json).",
)
def openapi(file: Path | None) -> None:
    """Print the OpenAPI document of the history API."""
    from monitorme_recorder.api.document import history_document

    text = history_document()
    if file is None:
        click.echo(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    click.echo(file)
