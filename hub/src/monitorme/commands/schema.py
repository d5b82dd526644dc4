"""`monitorme schema`: the wire contract as documents for other languages."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--write",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write all documents below FOLDER (the project keeps them in docs/).",
)
@click.argument("payload", required=False)
def schema(folder: Path | None, payload: str | None) -> None:
    """Print the AsyncAPI 3 document, or the JSON Schema of one PAYLOAD."""
    from monitorme.contract.schema import files

    documents = files()
    if folder is not None:
        for name, text in documents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(path)
        return
    wanted = f"schemas/{payload}.json" if payload else "asyncapi.json"
    if wanted not in documents:
        known = ", ".join(Path(name).stem for name in documents)
        raise click.UsageError(f"no payload {payload!r}; there are {known}")
    click.echo(documents[wanted], nl=False)
