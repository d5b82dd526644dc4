"""`monitorme config`: write a site's configuration to start from."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def config(folder: Path, force: bool) -> None:
    """Write the sample configuration of everything installed to FOLDER."""
    from monitorme.errors import ConfigError
    from monitorme.samples import sample_files

    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sample_files().items():
        path = folder / name
        if path.exists() and not force:
            raise ConfigError(f"{path} exists; use --force to overwrite it")
        path.write_text(text, encoding="utf-8")
        click.echo(path)
