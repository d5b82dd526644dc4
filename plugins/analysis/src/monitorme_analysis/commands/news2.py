"""`monitorme analysis news2`: NEWS2 of a table of observations."""

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click


@click.command()
@click.argument("table", type=click.Path(path_type=Path), metavar="IN.csv")
def news2(table: Path) -> None:
    """Print IN.csv with the points of each part, the total, and whether a part has 3.

    Columns of IN.csv: rr, spo2, spo2_scale (1 or 2), on_oxygen (True or False), sbp, hr,
    acvpu (A, C, V, P or U), temp_c. Other columns are left out. An empty field is an
    input that is missing: the row has no total, and standard error says the range that
    it can have.

    Lines that make no sense are named on standard error and left out; the exit code is
    then 1.
    """
    from monitorme_analysis.scores.news2_table import COLUMNS, INPUTS, score_rows

    refused = 0

    def refuse(line: int, sentence: str) -> None:
        nonlocal refused
        refused += 1
        click.echo(f"{table}, line {line}: {sentence}", err=True)

    try:
        file = table.open(encoding="utf-8-sig", errors="replace", newline="")
    except OSError as error:
        raise click.ClickException(f"cannot read {table}: {error.strerror}") from error
    with file:
        reader = csv.DictReader(file, skipinitialspace=True)
        header = [name.strip() for name in reader.fieldnames or ()]
        lacking = [name for name in INPUTS if name not in header]
        if lacking:
            raise click.ClickException(
                f"{table} has no column {', '.join(lacking)}; it needs {','.join(INPUTS)}"
            )
        reader.fieldnames = header
        out = csv.writer(sys.stdout)
        out.writerow(COLUMNS)
        for scored in score_rows(_rows(reader, refuse), refuse):
            out.writerow(scored.cells)
            if scored.note:
                click.echo(f"{table}, line {scored.line}: {scored.note}", err=True)
    if refused:
        click.echo(f"{refused} lines were left out", err=True)
        raise SystemExit(1)


def _rows(
    reader: "csv.DictReader[str]", refuse: Callable[[int, str], None]
) -> Iterator[tuple[int, dict[str | None, str | None]]]:
    """Yield rows with their lines; what is no row of a table is refused."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refuse(reader.line_num, str(error))
            continue
        yield reader.line_num, dict(row)
