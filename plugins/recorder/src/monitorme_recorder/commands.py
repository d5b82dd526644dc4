"""`monitorme recorder …`: comparing and looking into what was refused."""

import dataclasses
from pathlib import Path

import click

from monitorme.commands.options import (
    broker_option,
    config_option,
    data_option,
    json_option,
    print_json,
)


@click.group()
def recorder() -> None:
    """Look into what the recorder has stored and refused."""


@recorder.command()
@click.argument(
    "ledgers",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
)
@click.option(
    "--store",
    type=click.Choice(["recorder", "influxdb"]),
    default="recorder",
    show_default=True,
    help="Where to look: in the recorder's journal, or in InfluxDB itself.",
)
@click.option("--url", help="The recorder's history API; else that of what runs.")
@config_option
@data_option
@broker_option
@json_option
def verify(
    ledgers: tuple[Path, ...],
    store: str,
    url: str | None,
    config: Path | None,
    data: Path,
    broker: str | None,
    as_json: bool,
) -> None:
    """Compare simulators' LEDGERS with what is stored.

    Exits with 1 unless nothing is lost, doubled or altered. InfluxDB is where the
    settings of --config, or MONITORME_INFLUXDB_URL, say.
    """
    from monitorme.commands.connection import history_url
    from monitorme_recorder import stored
    from monitorme_recorder.verify import compare, read_ledger

    made = {}
    for ledger in ledgers:
        made.update(read_ledger(ledger))
    if store == "influxdb":
        lines = stored.in_influxdb(made.values(), config)
    else:
        lines = stored.in_recorder(url or history_url(data, broker))
    outcome = compare(made, lines)
    fields = dataclasses.asdict(outcome)
    if as_json:
        print_json(fields)
    else:
        click.echo("  ".join(f"{name} {value}" for name, value in fields.items()))
    if not outcome.is_exact:
        raise click.exceptions.Exit(1)


@recorder.command()
@click.option(
    "--retry", is_flag=True, help="Publish them again, on the topics they came on."
)
@click.option("--reason", default="", help="Only those whose reason begins with this.")
@data_option
@broker_option
@json_option
def quarantine(
    retry: bool, reason: str, data: Path, broker: str | None, as_json: bool
) -> None:
    """List what was refused, with the reason; or try it again.

    Try again once the cause is gone: an unknown vital is in the catalogue now, say. What
    is refused again is kept again. A reading that is stored already changes nothing.
    """
    from monitorme_recorder.retrying import list_refused, retry_refused

    folder = data / "recorder"
    if retry:
        fields = retry_refused(folder, data, broker, reason)
        if as_json:
            print_json(fields)
        else:
            click.echo("  ".join(f"{name} {value}" for name, value in fields.items()))
        return
    refused = list_refused(folder, reason)
    if as_json:
        print_json({"refused": refused})
        return
    for one in refused:
        click.echo(
            f"{one['received_ms']}  {one['topic']}  {one['reason']}  "
            f"{one['bytes']} bytes: {one['beginning']}"
        )
    if not refused:
        click.echo("nothing was refused")
