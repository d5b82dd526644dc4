"""A newest hour that is damaged: what comes is held until it is written anew.

The other hours serve meanwhile. A repeat can be refused only by who knows what the hour
has, so that nothing is stored before.
"""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from monitorme.plugin import Context
from monitorme_recorder.history.past import Past
from monitorme_recorder.mending import mend
from monitorme_recorder.salvage import Mended
from monitorme_recorder.store import Store
from monitorme_recorder.writer import Writer

_TROUBLE: Final = "rescue"


class Rescue:
    """Has the hour written anew by the thread that writes, before all else."""

    def __init__(self, store: Store, past: Past, context: Context) -> None:
        self._store = store
        self._readers = past.readers
        self._context = context
        self._stopping = threading.Event()

    @property
    def is_over(self) -> bool:
        """Say whether nothing is held."""
        return self._store.damaged is None

    def begin(self, writer: Writer) -> None:
        """Begin it, if there is anything to rescue."""
        damaged = self._store.damaged
        if damaged is not None:
            text = f"{damaged.name} is damaged; what comes is held, it is written anew"
            self._context.trouble[_TROUBLE] = text
            self._readers.damaged[damaged.name] = text
            writer.submit(partial(self._store.rescue, self._mend))

    def first(self, work: Callable[[], int]) -> int:
        """Do what needs the hour whole; for the thread that writes."""
        self._store.rescue(self._mend)
        return work()

    def tell(self) -> None:
        """Say when it is over."""
        if self.is_over:
            self._context.trouble.pop(_TROUBLE, None)

    def stop(self) -> None:
        """Leave it for the next start."""
        self._stopping.set()

    def _mend(self, path: Path) -> Mended | None:
        catalogue = self._context.catalogue
        return mend(path, catalogue, self._readers, self._stopping, is_newest=True)
