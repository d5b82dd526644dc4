"""`monitorme sim …`: simulated devices, load, replay, stand-ins."""

import asyncio
import dataclasses
import json
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitorme.commands.options import BedType, json_option, print_json
from monitorme.contract.topics import BedId
from monitorme.contract.vitals import Catalogue
from monitorme_device_sim.fleet import Bed
from monitorme_device_sim.ledger import Ledger
from monitorme_device_sim.stand_ins.commands import stand_ins
from monitorme_device_sim.stayhealthy_command import stayhealthy

if TYPE_CHECKING:
    from monitorme_device_sim.fleet import Fleet, FleetReport

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)

Make = Callable[[Path, Ledger | None], list[Bed]]


@click.group()
def sim() -> None:
    """Simulate patients and devices, replay recordings, make load."""


def _fleet_options(function: F) -> F:
    """Add what all commands that run devices take."""
    for option in reversed(
        [
            click.option("--broker", metavar="URL", help="mqtt://HOST:PORT."),
            click.option("--secret-file", type=_FILE, help="The site's secret."),
            click.option(
                "--site-data",
                type=_FOLDER,
                default=Path("data"),
                show_default=True,
                help="The data folder of what runs; tells broker and secret.",
            ),
            click.option(
                "--data", type=_FOLDER, help="Keep outboxes here, over restarts."
            ),
            click.option("--vitals", type=_FILE, help="The site's vitals catalogue."),
            click.option("--seconds", type=click.FloatRange(0), help="End after this."),
            click.option("--ledger", type=_FILE, help="Write every reading down."),
            click.option("--report", type=_FILE, help="Write the outcome as JSON."),
            click.option(
                "--keepalive",
                "keepalive_s",
                type=click.IntRange(1, 60),
                default=30,
                show_default=True,
                help="After 1.5 times these seconds, a silent device counts as gone.",
            ),
            click.option(
                "--clock-file",
                type=_FILE,
                help="Holds by how many ms the devices' clocks are wrong; may change.",
            ),
            json_option,
        ]
    ):
        function = option(function)
    return function


@sim.command()
@click.option("--ward", default="ward-a", show_default=True)
@click.option("--beds", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1, show_default=True)
@_fleet_options
def ward(
    ward: str, beds: int, seed: int, speed: float, **options: Any
) -> None:  # click's
    """Simulate a ward in which something happens to some of the patients."""
    from monitorme_device_sim.beds import ward_beds

    catalogue = Catalogue.load(options["vitals"])
    now = time.localtime()
    time_of_day_s = now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec

    def make(folder: Path, ledger: Ledger | None) -> list[Bed]:
        return ward_beds(
            ward, beds, seed, catalogue, folder, ledger, time_of_day_s=time_of_day_s
        )

    _run(make, speed=speed, **options)


@sim.command()
@click.option("--beds", type=click.IntRange(1, 10_000), default=500, show_default=True)
@click.option("--ward-size", type=click.IntRange(1), default=20, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--rate-factor",
    type=click.FloatRange(0.1, 1000),
    default=1,
    show_default=True,
    help="Send this many times as often.",
)
@click.option(
    "--first-bed",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Begin with this one, where other processes load the beds before it.",
)
@_fleet_options
def load(
    beds: int,
    ward_size: int,
    seed: int,
    rate_factor: float,
    first_bed: int,
    **options: Any,
) -> None:  # click's
    """Load the system with stable patients, one device a bed."""
    from monitorme_device_sim.beds import load_beds

    catalogue = Catalogue.load(options["vitals"])

    def make(folder: Path, ledger: Ledger | None) -> list[Bed]:
        return load_beds(
            beds, ward_size, seed, catalogue, folder, ledger, first=first_bed
        )

    _run(make, speed=rate_factor, **options)


@sim.command()
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--ward", default="ward-a", show_default=True)
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1, show_default=True)
@_fleet_options
def replay(
    recordings: tuple[Path, ...], ward: str, speed: float, **options: Any
) -> None:  # click's
    """Replay RECORDINGS as the beds of a ward, one each."""
    from monitorme_device_sim.beds import replay_beds

    def make(folder: Path, ledger: Ledger | None) -> list[Bed]:
        return replay_beds(ward, recordings, folder, ledger)

    _run(make, speed=speed, **options)


@sim.command()
@click.argument("bed", type=BedType())
@click.argument("scenario")
@click.option("--seed", type=int, default=1, show_default=True)
@_fleet_options
def bed(bed: BedId, scenario: str, seed: int, **options: Any) -> None:  # click's
    """Simulate one BED with one SCENARIO."""
    from monitorme_device_sim.beds import scenario_bed

    catalogue = Catalogue.load(options["vitals"])

    def make(folder: Path, ledger: Ledger | None) -> list[Bed]:
        return scenario_bed(bed, scenario, seed, catalogue, folder, ledger)

    _run(make, speed=1, **options)


@sim.command()
@json_option
def scenarios(as_json: bool) -> None:
    """List the scenarios."""
    from monitorme_device_sim import scenarios as known

    names = list(known.names())
    if as_json:
        print_json({"scenarios": names})
    else:
        click.echo("\n".join(names))


sim.add_command(stand_ins)
sim.add_command(stayhealthy)


def _run(
    make: Make,
    *,
    speed: float,
    broker: str | None,
    secret_file: Path | None,
    site_data: Path,
    data: Path | None,
    vitals: Path | None,
    seconds: float | None,
    ledger: Path | None,
    report: Path | None,
    keepalive_s: int,
    clock_file: Path | None,
    as_json: bool,
) -> None:
    from monitorme import credentials, running
    from monitorme.commands.connection import address
    from monitorme_device_sim.device import Broker
    from monitorme_device_sim.fleet import Fleet

    host, port = address(broker or running.broker_url(site_data))
    file = secret_file or running.secret_file(site_data)
    secret = credentials.load_secret(file) if file.exists() else None
    with ExitStack() as stack:
        folder = data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="monitorme-sim-"))
        )
        book = stack.enter_context(Ledger(ledger)) if ledger else None
        where = Broker(host, port, secret, keepalive_s)
        beds = make(folder, book)
        fleet = Fleet(beds, where, speed=speed, clock_file=clock_file)
        outcome = asyncio.run(_until_told(fleet, seconds))
    fields = dataclasses.asdict(outcome)
    if report is not None:
        report.write_text(json.dumps(fields) + "\n", encoding="utf-8")
    if as_json:
        print_json(fields)
    else:
        click.echo("  ".join(f"{name} {value}" for name, value in fields.items()))
    if outcome.unconfirmed or outcome.unkept:
        raise click.exceptions.Exit(1)


async def _until_told(fleet: "Fleet", seconds: float | None) -> "FleetReport":
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return await fleet.run(stopping, seconds)
