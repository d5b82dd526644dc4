"""`monitorme analysis beats`: the heartbeats of a record."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
def beats(record: Path) -> None:
    """Print the heartbeats of RECORD (a WFDB record, without extension), a line each."""
    from monitorme_analysis.recording.beats import beats_of
    from monitorme_analysis.recording.wfdb_record import read_record

    read = read_record(record)
    for beat in beats_of(read):
        line = {
            "sample": beat.sample,
            "time_ms": round(beat.sample / read.rate_hz * 1000),
            "lead": beat.lead,
        }
        click.echo(json.dumps(line))
