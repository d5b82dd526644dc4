"""`python -m tests.faults`: run the suite, and write its table if asked to."""

import sys
import time

import click
import pytest

from tests.faults import table
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.suite import Row, run_and_clean


@click.command()
@click.option(
    "--only",
    multiple=True,
    help="Only faults whose name contains this, or, after =, is this.",
)
@click.option("--times", type=click.IntRange(1), default=3, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--beds", type=click.IntRange(1), default=500, show_default=True)
@click.option("--write", is_flag=True, help="Write the table in docs/guarantees.md.")
@click.option("--list", "as_list", is_flag=True, help="List the faults.")
def main(
    only: tuple[str, ...], times: int, seed: int, beds: int, write: bool, as_list: bool
) -> None:
    """Do every fault to a hospital under load, and compare what it made and stored.

    Exits with 1 where one was lost, doubled or altered.
    """
    chosen = [one for one in FAULTS if not only or any(_is_meant(o, one) for o in only)]
    if as_list:
        click.echo("\n".join(f"{one.name}: {one.what}" for one in chosen))
        return
    broken = []
    for fault in chosen:
        row = _run(fault, times=times, seed=seed, beds=beds)
        if row is not None and write:
            table.write([row])
        if row is None or not row.is_kept:
            broken.append(fault.name)
    if broken:
        click.echo(f"not kept, or not run: {', '.join(broken)}", err=True)
        sys.exit(1)


def _is_meant(only: str, fault: Fault) -> bool:
    """Say whether a part of a name, or `=` and a whole one, means a fault."""
    return only == f"={fault.name}" or only in fault.name


def _run(fault: Fault, *, times: int, seed: int, beds: int) -> Row | None:
    began_s = time.monotonic()
    try:
        fault.needs()
        row = run_and_clean(fault, times=times, seed=seed, beds=beds)
    except pytest.skip.Exception as reason:
        click.echo(f"{fault.name}: skipped, {reason}")
        return None
    # One fault that cannot be judged does not keep the others from being tried.
    except Exception as error:
        click.echo(f"{fault.name}: {type(error).__name__}: {error}")
        return None
    for wrong in row.wrong_alarms:
        click.echo(f"{fault.name}: alarm {wrong}")
    click.echo(f"{table.line(row)} {time.monotonic() - began_s:.0f} s in all")
    return row


if __name__ == "__main__":
    main()
