"""The command line: `monitorme …`."""

import sys

import click

from monitorme import __version__
from monitorme.commands.catalogue import CommandCatalogue
from monitorme.errors import MonitorMeError


@click.group(cls=CommandCatalogue, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name="monitorme")
def cli() -> None:
    """MonitorMe: patient monitoring for a hospital, over MQTT. Not a medical device."""


def main() -> None:
    """Run the command line; a MonitorMeError is one line and its exit code."""
    try:
        # Without standalone mode, click returns the code that a command exits with.
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except MonitorMeError as error:
        click.echo(f"monitorme: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
