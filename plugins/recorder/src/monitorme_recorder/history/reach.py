"""How far the journal reaches, and what it has not."""

from collections.abc import Callable

from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history_store import Period
from monitorme_recorder.hours import HOUR_MS, hour_of, set_aside_files

EVER_MS = 2**53
_NEVER = "9"


class Reach:
    """Says for which times the journal is not complete."""

    def __init__(self, readers: HourReaders, now_ms: Callable[[], int]) -> None:
        self._readers = readers
        self.now_ms = now_ms

    def missing(self, period: Period) -> list[Period]:
        """Return the parts of a period for which something may be missing, in order."""
        holes = [Period(0, self.begins_ms()), *self.damaged()]
        inside = [_within(hole, period) for hole in holes]
        return _merged([one for one in inside if one.from_ms < one.to_ms])

    def oldest_hour(self) -> str:
        """Return the name of the oldest hour that is here; of none, one beyond all."""
        paths = self._readers.paths()
        return paths[0].stem if paths else _NEVER

    def begins_ms(self) -> int:
        """Return from when on the journal has everything, but for damaged hours."""
        paths = self._readers.paths()
        return hour_of(paths[0]) if paths else EVER_MS

    def damaged(self) -> list[Period]:
        """Return the hours whose files are set aside or cannot be read, in order."""
        names = {path.stem for path in set_aside_files(self._readers.folder)}
        unreadable = (*self._readers.damaged, *self._readers.torn)
        names |= {name.partition(".")[0] for name in unreadable}
        begins = [hour_of(self._readers.folder / name) for name in sorted(names)]
        return [Period(begin_ms, begin_ms + HOUR_MS) for begin_ms in begins]


def _within(one: Period, other: Period) -> Period:
    return Period(max(one.from_ms, other.from_ms), min(one.to_ms, other.to_ms))


def _merged(periods: list[Period]) -> list[Period]:
    found: list[Period] = []
    for one in sorted(periods):
        if found and one.from_ms <= found[-1].to_ms:
            found[-1] = Period(found[-1].from_ms, max(found[-1].to_ms, one.to_ms))
        else:
            found.append(one)
    return found
