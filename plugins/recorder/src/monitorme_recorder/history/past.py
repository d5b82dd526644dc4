"""Everything that can be asked about the past, in one place."""

from collections.abc import Callable
from typing import Self

from monitorme_recorder.history.arrivals import Arrivals
from monitorme_recorder.history.hour_readers import HourReaders
from monitorme_recorder.history.inventory import Inventory
from monitorme_recorder.history.joined import JoinedHistory
from monitorme_recorder.history.journal import JournalHistory
from monitorme_recorder.history.losses import Written
from monitorme_recorder.history.reach import Reach
from monitorme_recorder.history_store import HistoryStore
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
        self.has_archive = archive is not None

    def close(self) -> None:
        """Close the files."""
        self.readers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
