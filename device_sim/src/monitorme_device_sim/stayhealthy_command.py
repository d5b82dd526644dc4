"""`monitorme sim stayhealthy`: a device that speaks StayHealthy's protocol."""

import click


@click.command()
@click.option("--port", type=int, default=7070, show_default=True, help="On loopback.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(0), help="Measure so long, then drain."
)
def stayhealthy(port: int, seed: int, seconds: float | None) -> None:
    """Simulate a device that speaks StayHealthy's protocol, until SIGTERM."""
    from monitorme.process import termination
    from monitorme_device_sim.physiology.patient import Patient
    from monitorme_device_sim.physiology.profile import Profile
    from monitorme_device_sim.stayhealthy import StayHealthyDevice

    patient = Patient(Profile.drawn(seed), seed)
    device = StayHealthyDevice(patient, host="127.0.0.1", port=port)
    click.echo(f"listening on {device.address[0]}:{device.address[1]}")
    with termination() as stopping:
        device.run(stopping, seconds=seconds)
    click.echo(f"made {device.made}  unkept {device.unkept}")
