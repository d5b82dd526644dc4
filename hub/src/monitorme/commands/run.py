"""`monitorme run`: one plugin in this process."""

from pathlib import Path

import click

from monitorme.commands.options import config_option, data_option


@click.command()
@click.argument("plugin")
@config_option
@data_option
@click.option("--broker", metavar="URL", help="mqtt://HOST:PORT; else the site's.")
@click.option("--instance", default="1", show_default=True, help="Tells twins apart.")
def run(
    plugin: str, config: Path | None, data: Path, broker: str | None, instance: str
) -> None:
    """Run one PLUGIN in this process until SIGTERM; then drain and leave."""
    from monitorme.process import run_plugin

    run_plugin(plugin, config=config, data=data, broker=broker, instance=instance)
