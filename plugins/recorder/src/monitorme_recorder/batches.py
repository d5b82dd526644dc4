"""What a batch consists of when it goes to the store."""

from dataclasses import dataclass
from typing import NamedTuple

from monitorme.contract.readings import Judgement, Reading
from monitorme_recorder.records import Kept, Stream
from monitorme_recorder.tracks import Packed, Track


class Arrival(NamedTuple):
    """A reading that may be stored: where it belongs, what it says, what arrived."""

    stream: Stream
    reading: Reading
    judgement: Judgement
    received_ms: int
    payload: bytes
    shift_ms: int = 0


Sorted = tuple[Track, Kept | Packed, bytes, int]
"""The same on the hot path: stream, what is kept of it, what arrived, the shift in ms."""


class BedEvent(NamedTuple):
    """An alarm, an admission or an event that arrived."""

    received_ms: int
    ward: str
    bed: str
    kind: str
    payload: bytes


@dataclass(slots=True)
class Tally:
    """What has been stored since the journal began, as far as it reaches back."""

    stored: int = 0
    duplicates: int = 0
