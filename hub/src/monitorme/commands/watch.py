"""`monitorme watch`: a ward, live in the terminal."""

from pathlib import Path

import click

from monitorme.commands.options import broker_option, config_option, data_option


@click.command()
@click.option("--ward", default="ward-a", show_default=True, help="The ward's id.")
@config_option
@data_option
@broker_option
def watch(ward: str, config: Path | None, data: Path, broker: str | None) -> None:
    """Show a ward live, a line a bed, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live

    from monitorme.commands.connection import open_bus
    from monitorme.plugin import wall_clock_ms
    from monitorme.site import Site
    from monitorme.ward_view import WardView, ward_filters

    site = Site.load(config)
    known = site.wards.get(ward)
    view = WardView(ward, known.beds if known else (), site.catalogue())
    title = known.name if known else ward
    with (
        open_bus(data, broker, subscriptions=ward_filters(ward)) as bus,
        Live(console=Console(), refresh_per_second=4, screen=True) as live,
    ):
        while True:
            batch = bus.receive(timeout_s=0.25)
            if batch is not None:
                view.take(batch.messages)
                bus.acknowledge(batch)
            connection = "" if bus.is_connected else "  NOT CONNECTED"
            live.update(view.table(wall_clock_ms(), title=title + connection))
