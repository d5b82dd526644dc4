"""Everything that can be asked about the past, in one place."""

from collections.abc import Callable, Iterator
from typing import Self

from monitorme_recorder.history.arrivals import Arrivals
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.inventory import Inventory
from monitorme_recorder.history.joined import JoinedHistory
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.legs import Leg
from monitorme_recorder.history.losses import Written
from monitorme_recorder.history.reach import Reach
from monitorme_recorder.history.silences import Silence, silences
from monitorme_recorder.history.stays import Stays
from monitorme_recorder.history_store import HistoryStore, Period, Series
from monitorme_recorder.store import Store


class Past:
    """Wires the parts of history together; used from any thread."""

    def __init__(
        self,
        store: Store,
        now_ms: Callable[[], int],
        archive: HistoryStore | None = None,
    ) -> None:
        self.readers = HourReaders(store.folder)
        self.reach = Reach(self.readers, now_ms)
        journal = JournalHistory(store, self.readers)
        self.readings: HistoryStore = (
            journal if archive is None else JoinedHistory(journal, archive, self.reach)
        )
        self.arrivals = Arrivals(store, self.readers)
        self.inventory = Inventory(store, self.readers)
        self.written = Written(store, self.readers)
        self.stays = Stays(store.folder)
        if self.stays.is_new:
            self.stays.take(self.written.admissions())

    def close(self) -> None:
        """Close the files."""
        self.readers.close()
        self.stays.close()

    def silences(self, leg: Leg, vital: str, longest_ms: int) -> Iterator[Silence]:
        """Return when a vital had no usable reading for longer than `longest_ms`."""
        period = Period(
            leg.period.from_ms, min(leg.period.to_ms, self.reach.now_ms() + 1)
        )
        return silences(
            self.readings.readings(Series(leg.ward, leg.bed, vital), period),
            period,
            longest_ms,
            self.written.losses_in(leg.ward, leg.bed, period),
            self.reach.damaged(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
