"""`monitorme plugins`: what is installed."""

import click

from monitorme.commands.options import json_option, print_json


@click.command()
@json_option
def plugins(as_json: bool) -> None:
    """List what is installed; a broken one is named. Exits with 1 then."""
    from monitorme import installed

    found = list(installed.find())
    if as_json:
        print_json(
            {
                "plugins": [
                    {
                        "name": one.name,
                        "distribution": one.distribution,
                        "version": one.version,
                        "runs": one.provides_plugin,
                        "commands": [command.name for command in one.commands()],
                        "trouble": one.trouble,
                    }
                    for one in found
                ]
            }
        )
    else:
        for one in found:
            what = one.trouble or ("service" if one.provides_plugin else "commands")
            click.echo(f"{one.name:20} {one.distribution} {one.version}  {what}")
    if any(one.trouble for one in found):
        raise click.exceptions.Exit(1)
