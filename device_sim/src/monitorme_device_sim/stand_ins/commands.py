"""`monitorme sim stand-ins`: both cloud products' stand-ins, until SIGTERM."""

import json

import click

from monitorme.commands.options import json_option


@click.command("stand-ins")
@click.option("--mymedicaldata-port", type=int, default=8090, show_default=True)
@click.option("--monitorthem-port", type=int, default=8091, show_default=True)
@json_option
def stand_ins(mymedicaldata_port: int, monitorthem_port: int, as_json: bool) -> None:
    """Run stand-ins for MyMedicalData and MonitorThem until SIGTERM."""
    from monitorme.process import termination
    from monitorme.web import WebServer
    from monitorme_device_sim.stand_ins.monitorthem import monitorthem_app
    from monitorme_device_sim.stand_ins.mymedicaldata import mymedicaldata_app

    host = "127.0.0.1"
    with termination() as stopping:
        records = WebServer(mymedicaldata_app(), host=host, port=mymedicaldata_port)
        events = WebServer(monitorthem_app(), host=host, port=monitorthem_port)
        urls = {"mymedicaldata": records.start().url, "monitorthem": events.start().url}
        if as_json:
            click.echo(json.dumps(urls))
        else:
            click.echo("\n".join(f"{name}: {url}" for name, url in urls.items()))
        stopping.wait()
        records.stop()
        events.stop()
