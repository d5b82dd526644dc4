"""Comparing a ledger of what was made with what is stored, reading by reading."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from monitorme.contract.readings import Lead, ReadingValue
from monitorme.errors import MonitorMeError

Name = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many readings were made, stored, and are not as they should be.

    `stored` counts those of the ledger that are stored, each once.
    """

    made: int
    stored: int
    lost: int
    doubled: int
    altered: int

    @property
    def is_exact(self) -> bool:
        """Whether every reading is stored once, as it was made."""
        return not (self.lost or self.doubled or self.altered)


def comparable(value: ReadingValue) -> object:
    """Return a value as a ledger has it: a waveform block as its checksum."""
    if isinstance(value, dict) and any(isinstance(v, Lead) for v in value.values()):
        return {"crc32": zlib.crc32(msgspec.json.encode(value, order="sorted"))}
    return value


def read_ledger(path: Path) -> dict[Name, tuple[object, ...]]:
    """Return what a ledger says was made; a line cut short by a kill is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise MonitorMeError(
            f"cannot read the ledger {path}: {error.strerror}"
        ) from error
    made = {}
    for number, line in enumerate(lines, 1):
        try:
            fields = json.loads(line)
            made[_name(fields)] = _content(fields)
        except (ValueError, KeyError) as error:
            if number == len(lines):
                continue
            raise MonitorMeError(f"{path}:{number}: not a ledger's line") from error
    return made


def compare(
    made: dict[Name, tuple[object, ...]], stored: Iterable[bytes]
) -> Comparison:
    """Compare a ledger with the recorder's lines of JSON."""
    seen: set[Name] = set()
    doubled = altered = 0
    for line in stored:
        fields = json.loads(line)
        name = _name(fields)
        if name not in made:
            continue
        if name in seen:
            doubled += 1
            continue
        seen.add(name)
        altered += made[name] != _content(fields)
    lost = len(made) - len(seen)
    return Comparison(len(made), len(seen), lost, doubled, altered)


def _name(fields: dict[str, object]) -> Name:
    seq = fields["seq"]
    if not isinstance(seq, int):
        raise ValueError("seq is no number")
    return str(fields["device"]), str(fields["boot"]), seq


def _content(fields: dict[str, object]) -> tuple[object, ...]:
    return fields["bed"], fields["vital"], fields["time_ms"], fields["value"]
