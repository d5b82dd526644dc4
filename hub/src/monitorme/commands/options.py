"""Options that commands share, so that one word means one thing everywhere."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from monitorme.contract.topics import BedId
from monitorme.errors import ContractError
from monitorme.running import DEFAULT_DATA

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


def config_option(function: F) -> F:
    """Add --config FILE."""
    return click.option(
        "--config",
        type=_FILE,
        help="The site's file; without one, the built-in defaults.",
    )(function)


def data_option(function: F) -> F:
    """Add --data FOLDER."""
    return click.option(
        "--data",
        type=_FOLDER,
        default=DEFAULT_DATA,
        show_default=True,
        help="Where everything that must survive is kept.",
    )(function)


def broker_option(function: F) -> F:
    """Add --broker URL."""
    return click.option(
        "--broker",
        metavar="URL",
        help="mqtt://HOST:PORT; without it, that of what runs on --data.",
    )(function)


def json_option(function: F) -> F:
    """Add --json."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print JSON for programs."
    )(function)


class BedType(click.ParamType[BedId]):
    """`ward/bed`; the ward may be left out where there is only ward-a."""

    name = "bed"

    def convert(
        self,
        value: str | BedId,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> BedId:
        """Return the bed that `value` names."""
        if isinstance(value, BedId):
            return value
        ward, _, bed = value.rpartition("/")
        try:
            return BedId(ward or "ward-a", bed)
        except ContractError as error:
            self.fail(f"{error}; write WARD/BED, such as ward-a/bed-01", param, ctx)


def print_json(value: object) -> None:
    """Print a value as JSON, indented, for programs and people alike."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
