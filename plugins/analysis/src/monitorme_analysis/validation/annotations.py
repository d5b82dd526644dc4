"""Beats as two cardiologists marked them: WFDB annotation files of the MIT form.

The form is that of "Annotation files" of the WFDB Applications Guide: 16-bit words of a
6-bit code and a 10-bit interval, with escapes for long intervals and for text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from monitorme_analysis.recording.wfdb_record import RecordError

_SKIP: Final = 59
_AUX: Final = 63
_WITHOUT_TIME: Final = frozenset({60, 61, 62})
FLUTTER_BEGINS: Final = 32
FLUTTER_ENDS: Final = 33
NORMAL: Final = 1
VENTRICULAR: Final = frozenset({5, 10})
"""Premature ventricular contraction and ventricular escape."""
BEATS: Final = frozenset(
    {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 30, 34, 35, 38, 41}
)
"""Codes that mark a QRS complex (`isqrs` of the WFDB library), flutter waves aside."""


@dataclass(frozen=True, slots=True)
class Annotations:
    """What was marked in a record, by sample."""

    beats: list[int]
    codes: list[int]
    """The code of each beat."""
    flutter: list[tuple[int, int]]
    """Episodes of ventricular flutter, in which no beats are marked."""
    rhythms: list[str]
    """The names of the rhythms that were marked, in order of their first."""


def read_annotations(path: Path) -> Annotations:
    """Read the annotation file PATH; raises RecordError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error
    beats: list[int] = []
    codes: list[int] = []
    flutter: list[tuple[int, int]] = []
    rhythms: dict[str, None] = {}
    begins: int | None = None
    sample = position = 0
    while position + 1 < len(data):
        word = data[position] | data[position + 1] << 8
        position += 2
        code, interval = word >> 10, word & 0x3FF
        if word == 0:
            break
        if code == _SKIP:
            high = int.from_bytes(data[position : position + 2], "little")
            low = int.from_bytes(data[position + 2 : position + 4], "little")
            skip = high << 16 | low
            sample += skip - (1 << 32) if skip >= 1 << 31 else skip
            position += 4
        elif code == _AUX:
            text = data[position : position + interval].rstrip(b"\0")
            if text.startswith(b"("):
                rhythms[text[1:].decode("ascii", "replace")] = None
            position += interval + interval % 2
        elif code not in _WITHOUT_TIME:
            sample += interval
            if code in BEATS:
                beats.append(sample)
                codes.append(code)
            elif code == FLUTTER_BEGINS:
                begins = sample
            elif code == FLUTTER_ENDS and begins is not None:
                flutter.append((begins, sample))
                begins = None
    if begins is not None:
        flutter.append((begins, sample))
    return Annotations(beats, codes, flutter, list(rhythms))
