"""`monitorme sim stayhealthy`: a device that speaks StayHealthy's protocol."""

import click

from monitorme.commands.options import json_option, print_json


class _Address(click.ParamType[tuple[str, int]]):
    name = "HOST:PORT"

    def convert(
        self,
        value: str | tuple[str, int],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            self.fail(f"{value!r} is no HOST:PORT", param, ctx)
        return host, int(port)


@click.command()
@click.option(
    "--listen",
    type=_Address(),
    default="127.0.0.1:7070",
    show_default=True,
    help="Wait here for the bridge; loopback only, port 0 is a free one.",
)
@click.option("--connect", type=_Address(), help="Call the bridge here instead.")
@click.option("--device", default="sh-1", show_default=True, help="What it is called.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--speed", type=click.FloatRange(0.1, 1000), default=1, show_default=True)
@click.option("--seconds", type=click.FloatRange(0), help="Measure so long, then wait.")
@json_option
def stayhealthy(
    listen: tuple[str, int],
    connect: tuple[str, int] | None,
    device: str,
    seed: int,
    speed: float,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Simulate a device that speaks StayHealthy's protocol, until SIGTERM."""
    from monitorme.loopback import require_loopback
    from monitorme.process import termination
    from monitorme_device_sim.physiology.patient import Patient
    from monitorme_device_sim.physiology.profile import Profile
    from monitorme_device_sim.stayhealthy import StayHealthyDevice

    where = None if connect else (require_loopback(listen[0]), listen[1])
    patient = Patient(Profile.drawn(seed), seed)
    simulated = StayHealthyDevice(
        patient, listen=where, connect=connect, device=device, speed=speed
    )
    if where is not None:
        host, port = simulated.address
        click.echo(f"listening on {host}:{port}", err=True)
    with termination() as stopping:
        simulated.run(stopping, seconds=seconds)
    figures = {"made": simulated.made, "unkept": simulated.unkept}
    if as_json:
        print_json(figures)
    else:
        click.echo("  ".join(f"{name} {number}" for name, number in figures.items()))
