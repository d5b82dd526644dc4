"""`monitorme up`: the whole installation, until SIGTERM."""

import logging
from pathlib import Path

import click

from monitorme.commands.options import config_option, data_option

log = logging.getLogger(__name__)


@click.command()
@config_option
@data_option
def up(config: Path | None, data: Path) -> None:
    """Run broker and services until SIGTERM; then drain, stop, and exit with 0."""
    from monitorme import logs
    from monitorme.installation import Installation
    from monitorme.process import termination
    from monitorme.site import Site

    logs.configure("up")
    site = Site.load(config)
    with (
        termination() as stopping,
        Installation(site, config=config, data=data) as installation,
    ):
        names = ", ".join(installation.children)
        log.info("running broker=%s data=%s: %s", installation.broker_url, data, names)
        installation.watch(stopping)
        log.info("stopping")
    log.info("stopped")
