"""`monitorme analysis ecg`: what the waveforms of a record say."""

import dataclasses
import json
from pathlib import Path

import click


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
def ecg(record: Path) -> None:
    """Print the conditions of RECORD (a WFDB record, without extension), a line each."""
    from monitorme_analysis.recording.conditions import conditions_of
    from monitorme_analysis.recording.wfdb_record import read_record

    for spell in conditions_of(read_record(record)):
        click.echo(json.dumps(dataclasses.asdict(spell)))
