"""`monitorme analysis respiration`: breaths a minute, from waveforms."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from monitorme_analysis.respiration.choice import Source


@click.command()
@click.argument("record", type=click.Path(path_type=Path), metavar="RECORD_OR_CSV")
@click.option(
    "--from",
    "source",
    type=click.Choice(["best", "impedance", "ecg", "pulse", "heart"]),
    default="best",
    show_default=True,
    help="What to read it from; heart is ECG and pulse together.",
)
def respiration(record: Path, source: "Source") -> None:
    """Print breaths a minute for each second, from the 32 s before it, a line each.

    RECORD_OR_CSV is a WFDB record, without extension, or a table of samples: a column
    Time [s], then one for each signal (RESP, PLETH, II …). Where the signals are too poor
    to say, the second is left out.
    """
    from monitorme_analysis.recording.respiration import read_waveforms, respiration_of
    from monitorme_analysis.respiration.choice import choose

    for second in respiration_of(read_waveforms(record)):
        per_min = choose(second, source)
        if per_min is not None:
            line = {"time_ms": second.at_s * 1_000, "value": round(per_min, 1)}
            click.echo(json.dumps(line))
