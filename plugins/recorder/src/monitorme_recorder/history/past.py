"""Everything that can be asked about the past, in one place."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Self

from monitorme.contract.vitals import Vital, VitalKind
from monitorme.plugin import Context, Ward
from monitorme_recorder.history.ahead import Ahead
from monitorme_recorder.history.arrivals import Arrivals
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.inventory import Inventory
from monitorme_recorder.history.joined import JoinedHistory
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.legs import Leg
from monitorme_recorder.history.losses import Written
from monitorme_recorder.history.reach import Reach
from monitorme_recorder.history.silences import Silence, quiet, silences
from monitorme_recorder.history.stays import Stays
from monitorme_recorder.history_store import (
    Archive,
    HistoryStore,
    Latest,
    Period,
    Series,
)
from monitorme_recorder.hours import HOUR_MS
from monitorme_recorder.store import Store

_DAMAGED: Final = "journal_damaged"
_UNREADABLE: Final = "unreadable_"
_NAMED: Final = 5
"""So many damaged hours are named in an alarm."""
LATEST_MS: Final = 48 * HOUR_MS
"""What is older than this is no newest reading."""
MOST_SUSPECTS: Final = 50
"""With more, all readings are looked at in one go."""


class Past:
    """Wires the parts of history together; used from any thread."""

    def __init__(
        self,
        store: Store,
        now_ms: Callable[[], int],
        archive: Archive | None = None,
    ) -> None:
        self.readers = HourReaders(store.folder)
        self.reach = Reach(self.readers, now_ms)
        self._journal = JournalHistory(store, self.readers)
        self._joined = (
            JoinedHistory(self._journal, archive, self.reach)
            if archive is not None
            else None
        )
        self.readings: HistoryStore = self._joined or self._journal
        self.arrivals = Arrivals(store, self.readers)
        self.inventory = Inventory(store, self.readers)
        self.written = Written(store, self.readers)
        self._ahead: Ahead | None = None
        self.stays = Stays(store.folder)
        if self.stays.is_new:
            self.stays.take(self.written.admissions())
        elif self.stays.is_older:
            self.stays.complete(self.written.admissions())

    def close(self) -> None:
        """Close the files, and ask no archive any more."""
        if self._ahead is not None:
            self._ahead.stop()
        if self._joined is not None:
            self._joined.close()
        self.readers.close()
        self.stays.close()

    def tell(self, context: Context) -> None:
        """Say which files turned out to be unreadable, and raise or end the alarm.

        It lasts until the damaged hours have been dropped: what they lack is missing
        until then.
        """
        unreadable = {
            name: f"{name} is damaged; history is served without it: {why}"
            for name, why in {**self.readers.torn, **self.readers.damaged}.items()
        }
        texts = {
            _UNREADABLE + name: text
            for name, text in {**unreadable, **self.readers.mended}.items()
        }
        told = [name for name in context.trouble if name.startswith(_UNREADABLE)]
        for subject in told:
            if subject not in texts:
                del context.trouble[subject]
        context.trouble.update(texts)
        damaged = self.reach.damaged()
        if not damaged:
            context.over(_DAMAGED)
            return
        hours = ", ".join(_hour(one.from_ms) for one in damaged[:_NAMED])
        more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
        context.alarm(
            _DAMAGED,
            f"the journal is damaged in the hours from {hours}{more} (UTC): what could "
            "be read of them is served; look at the recorder's disk",
        )

    def latest(self, ward: str, beds: tuple[str, ...]) -> dict[str, Latest]:
        """Return the newest reading of each vital of each bed, of two days at most."""
        return self.readings.latest(ward, beds, self._latest_since_ms())

    def latest_at_hand(
        self, ward: str, beds: tuple[str, ...]
    ) -> dict[str, Latest] | None:
        """Return what `latest` does where it waits for nothing, else None.

        It takes no lock, and no disk, so that an event loop can ask.
        """
        store = self._joined or self._journal
        return store.latest_at_hand(ward, beds, self._latest_since_ms())

    def ask_ahead(self, wards: Mapping[str, Ward], served: tuple[str, ...]) -> None:
        """Ask for the newest of the wards served from now on; none means all of them."""
        asked = {name: wards[name] for name in served or wards if name in wards}
        self._ahead = Ahead(self.latest, asked)
        self._ahead.start()

    def silences(self, leg: Leg, name: str, vital: Vital) -> Iterator[Silence]:
        """Return when a vital had no usable reading for longer than it may be stale."""
        series = Series(leg.ward, leg.bed, name)
        end_ms = min(leg.period.to_ms, self.reach.now_ms() + 1)
        period = Period(leg.period.from_ms, end_ms)
        longest_ms = vital.stale_after_ms
        losses = self.written.losses_in(leg.ward, leg.bed, period)
        damaged = self.reach.damaged()
        for part in self._suspects(series, period, vital):
            found = self.readings.readings(series, part)
            yield from silences(found, part, longest_ms, losses, damaged)

    def _latest_since_ms(self) -> int:
        return max(0, self.reach.now_ms() - LATEST_MS)

    def _suspects(self, series: Series, period: Period, vital: Vital) -> list[Period]:
        """Return where a silence may be: of a numeric vital, what its curve leaves out.

        So that of a day without a gap no reading is looked at.
        """
        if vital.kind is not VitalKind.NUMERIC:
            return [period]
        points = (
            self._joined.points(series, period)
            if self._joined
            else self._journal.points(series, period, None)
        )
        if points is None:
            return [period]
        found = quiet(points[0], period, vital.stale_after_ms)
        return found if len(found) <= MOST_SUSPECTS else [period]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _hour(begin_ms: int) -> str:
    return f"{datetime.fromtimestamp(begin_ms / 1000, UTC):%Y-%m-%d %H}:00"
