"""`monitorme demo`: a ward of simulated patients, live, on the real system."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click


@click.command()
@click.option("--beds", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Repeats a run.")
@click.option(
    "--broker",
    type=click.Choice(["auto", "embedded", "mosquitto"]),
    default="auto",
    show_default=True,
    help="Mosquitto where it is installed, else the embedded one.",
)
@click.option(
    "--port", type=int, default=8080, show_default=True, help="The page's port."
)
@click.option(
    "--influxdb",
    metavar="URL",
    help="Record into this InfluxDB too, or `managed` to start one.  [token: "
    "MONITORME_INFLUXDB_TOKEN]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep everything here; else in a temporary folder that goes at the end.",
)
@click.option("--seconds", type=click.FloatRange(1), help="End by itself after this.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --seconds: write what was measured, as JSON.",
)
@click.option("--open/--no-open", "open_page", default=True, help="Open the browser.")
def demo(
    beds: int,
    seed: int,
    broker: str,
    port: int,
    influxdb: str | None,
    data: Path | None,
    seconds: float | None,
    report: Path | None,
    open_page: bool,
) -> None:
    """Run the whole system on a ward of simulated patients, until Ctrl-C.

    Alarms come and go by themselves; a simulated nurse acknowledges some.
    """
    from monitorme.demo.director import direct
    from monitorme.demo.stage import DemoOptions
    from monitorme.site import BrokerKind

    if report is not None and seconds is None:
        raise click.UsageError("--report needs --seconds")
    with ExitStack() as stack:
        folder = data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="monitorme-demo-"))
        )
        options = DemoOptions(
            folder.absolute(), beds, seed, BrokerKind(broker), port, influxdb
        )
        outcome = direct(options, seconds=seconds, open_page=open_page)
    if outcome is not None:
        _tell(outcome, report)


def _tell(outcome: dict[str, Any], report: Path | None) -> None:
    import json

    text = json.dumps(outcome, indent=2)
    if report is not None:
        report.write_text(text + "\n", encoding="utf-8")
    click.echo(text)
    if outcome["lost"] or outcome["doubled"] or outcome["altered"]:
        raise click.exceptions.Exit(1)
