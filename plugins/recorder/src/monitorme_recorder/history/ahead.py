"""The newest readings of every ward are asked for before anybody does.

The first question reads every file and connects to the archive, and so does the first
after the journal has dropped an hour: a person would wait for what nobody needs to.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from monitorme.errors import StorageError
from monitorme.plugin import Ward

log = logging.getLogger(__name__)

EVERY_S: Final = 10.0
"""What is still known costs about a millisecond a ward."""
PAUSE_S: Final = 0.1
"""Between two wards, so that what comes in, and who asks, goes first."""
STOP_S: Final = 5.0


class Ahead:
    """Asks from a thread of its own, so that the answers are known; until `stop`."""

    def __init__(
        self,
        ask: Callable[[str, tuple[str, ...]], object],
        wards: Mapping[str, Ward],
        *,
        every_s: float = EVERY_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._ask = ask
        self._wards = wards
        self._every_s = every_s
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        began_s = time.monotonic()
        self._round()
        if not self._stopping.is_set():
            log.info("asked ahead taken_s=%.1f", time.monotonic() - began_s)
        while not self._stopping.wait(self._every_s):
            self._round()

    def _round(self) -> None:
        for name, ward in self._wards.items():
            try:
                self._ask(name, ward.beds)
            except StorageError as error:
                # Whoever asks is told, where it is still so by then.
                log.warning("cannot ask ahead ward=%s: %s", name, error)
            if self._stopping.wait(self._pause_s):
                return
