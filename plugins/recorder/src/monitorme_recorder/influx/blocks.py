"""Samples of a waveform's lead as text: base64 of little-endian integers."""

import base64
import struct
from collections.abc import Mapping
from functools import cache
from typing import Final, Protocol

from monitorme.contract.readings import Lead
from monitorme.errors import StorageError
from monitorme_recorder.influx.schema import quote

PIECE_CHARACTERS: Final = 60_000
"""InfluxDB takes string fields of up to 64 KiB; a longer text is cut."""
_FORMATS: Final = {"i16le-b64": ("h", 2), "i32le-b64": ("i", 4)}
_NARROW, _WIDE = _FORMATS


class Samples(Protocol):
    """What a lead has; `monitorme.contract.readings.Lead` has it."""

    rate_hz: float
    unit: str
    scale: float
    samples: list[int]
    offset: float


def fields_of(lead: Samples | Lead) -> str:
    """Return a lead's fields as line protocol has them, its samples last."""
    encoding, data = pack(lead.samples)
    head = (
        f"rate_hz={lead.rate_hz!r},unit={quote(lead.unit)},scale={lead.scale!r},"
        f'offset={lead.offset!r},samples={len(lead.samples)},encoding="{encoding}"'
    )
    if len(data) <= PIECE_CHARACTERS:
        return f'{head},data="{data}"'
    starts = range(0, len(data), PIECE_CHARACTERS)
    pieces = [
        f'{piece_name(number)}="{data[start : start + PIECE_CHARACTERS]}"'
        for number, start in enumerate(starts)
    ]
    return ",".join([head, *pieces])


def lead_of(row: Mapping[str, object]) -> Lead:
    """Return the lead that a row of fields says; raises StorageError."""
    pieces = [text := row.get(piece_name(0))]
    while isinstance(text, str):
        pieces.append(text := row.get(piece_name(len(pieces))))
    data = "".join(piece for piece in pieces if isinstance(piece, str))
    try:
        return Lead(
            rate_hz=float(str(row["rate_hz"])),
            unit=str(row["unit"]),
            scale=float(str(row["scale"])),
            samples=unpack(str(row["encoding"]), data),
            offset=float(str(row["offset"])),
        )
    except (KeyError, ValueError, struct.error) as error:
        raise StorageError(f"a block in InfluxDB cannot be read: {error!r}") from error


def pack(samples: list[int]) -> tuple[str, str]:
    """Return encoding and text of samples, in two bytes each where they fit."""
    count = len(samples)
    try:
        encoding, data = _NARROW, _layout(_NARROW, count).pack(*samples)
    except struct.error:
        encoding, data = _WIDE, _layout(_WIDE, count).pack(*samples)
    return encoding, base64.b64encode(data).decode("ascii")


def unpack(encoding: str, text: str) -> list[int]:
    """Return the samples of a text; raises KeyError or ValueError."""
    data = base64.b64decode(text, validate=True)
    count = len(data) // _FORMATS[encoding][1]
    return list(_layout(encoding, count).unpack(data))


def piece_name(number: int) -> str:
    """Return the field of a piece of the text."""
    return f"data_{number}" if number else "data"


@cache
def _layout(encoding: str, count: int) -> struct.Struct:
    return struct.Struct(f"<{count}{_FORMATS[encoding][0]}")
