"""`monitorme history`: a bed's or a patient's past; and the API's document."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from monitorme.commands.options import (
    BedType,
    broker_option,
    config_option,
    data_option,
    json_option,
)
from monitorme.commands.times import SpanType, TimeType
from monitorme.contract.topics import BedId

if TYPE_CHECKING:
    from monitorme_recorder.terminal.asking import Asking, Whose

DEFAULT_SPAN_MS: Final = 6 * 3_600_000


@click.command()
@click.argument("bed", type=BedType(), required=False)
@click.option("--patient", metavar="MRN|ID", help="Instead of BED: from bed to bed.")
@click.option(
    "--vital",
    "vitals",
    multiple=True,
    help="heart_rate, blood_pressure.mean, …; may be repeated. Else all.",
)
@click.option("--last", "span_ms", type=SpanType(), help="90min, 6h, 2d; else 6h.")
@click.option(
    "--from", "from_ms", type=TimeType(), help="14:30, 6h (ago) or 2026-11-26T14:30."
)
@click.option("--to", "to_ms", type=TimeType(), help="The same; else now.")
@click.option("--plot", "as_plot", is_flag=True, help="Draw curves.")
@click.option("--csv", "as_csv", is_flag=True, help="Print every reading as CSV.")
@click.option("--url", help="The recorder's history API; else that of what runs.")
@json_option
@data_option
@broker_option
@config_option
def history(
    bed: BedId | None,
    patient: str | None,
    vitals: tuple[str, ...],
    span_ms: int | None,
    from_ms: int | None,
    to_ms: int | None,
    as_plot: bool,
    as_csv: bool,
    url: str | None,
    as_json: bool,
    data: Path,
    broker: str | None,
    config: Path | None,
) -> None:
    """Show the past of BED, or of a patient: numbers, gaps and curves.

    With one --vital its numbers through the time, else one line a vital. --csv and
    --json print every reading, for programs. Times are those of this machine's zone.
    """
    from monitorme.commands.connection import history_url
    from monitorme.site import Site
    from monitorme_recorder.terminal.asking import Asking
    from monitorme_recorder.terminal.showing import Showing

    if (bed is None) == (patient is None):
        raise click.UsageError("name a BED (ward-a/bed-01), or a --patient; not both")
    if as_csv and as_json:
        raise click.UsageError("--csv or --json, not both")
    period = _period(span_ms, from_ms, to_ms)
    asking = Asking(url or history_url(data, broker))
    if patient is not None:
        whose = asking.patient(patient)
    else:
        assert bed is not None
        whose = asking.bed(bed)
    if as_csv or as_json:
        _export(asking, whose, vitals, period, "csv" if as_csv else "json")
    else:
        catalogue = Site.load(config).catalogue()
        Showing(asking, whose, catalogue, period).show(vitals, as_plot=as_plot)


@click.command()
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to FILE (the project keeps it in docs/history.openapi.json).",
)
def openapi(file: Path | None) -> None:
    """Print the OpenAPI document of the history API."""
    from monitorme_recorder.api.document import history_document

    text = history_document()
    if file is None:
        click.echo(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    click.echo(file)


def _period(
    span_ms: int | None, from_ms: int | None, to_ms: int | None
) -> dict[str, int]:
    if span_ms is not None and from_ms is not None and to_ms is not None:
        raise click.UsageError("--last, --from and --to are one too many")
    if to_ms is not None:
        end_ms = to_ms
    elif from_ms is not None and span_ms is not None:
        end_ms = from_ms + span_ms
    else:
        end_ms = int(time.time() * 1000) + 1
    begin_ms = from_ms if from_ms is not None else end_ms - (span_ms or DEFAULT_SPAN_MS)
    if begin_ms >= end_ms:
        raise click.UsageError("the time begins after it ends")
    return {"from_ms": max(0, begin_ms), "to_ms": end_ms}


def _export(
    asking: "Asking",
    whose: "Whose",
    vitals: tuple[str, ...],
    period: dict[str, int],
    form: str,
) -> None:
    fields: dict[str, Any] = {**period, "format": form}
    if vitals:
        fields["vital"] = list(vitals)
    for block in asking.stream(f"{whose.path}/export", fields):
        click.echo(block, nl=False)
