"""Ships the journal to InfluxDB, in order and for ever, from a thread of its own.

The cursor advances only when InfluxDB has confirmed. Whatever goes wrong is told, waited
for and tried again: nothing here ever stops the recorder, and nothing is passed over.
While InfluxDB takes in a parcel, the next one is made ready: in a backlog neither waits
for the other.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Final

from monitorme.contract.vitals import Catalogue
from monitorme.errors import MonitorMeError
from monitorme_recorder.influx.backlog import Backlog, Parcel
from monitorme_recorder.influx.cursor import Cursor
from monitorme_recorder.influx.delivery import Delivery, RefusedLines
from monitorme_recorder.influx.errors import InfluxError, NotAllowed, NotThere
from monitorme_recorder.influx.lines import LineWriters
from monitorme_recorder.influx.server import InfluxServer
from monitorme_recorder.influx.settings import InfluxSettings
from monitorme_recorder.writer import Writer

log = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 30.0
LONGEST_ASKED_S: Final = 300.0
"""A server that asks for more patience than this is asked again all the same."""
STOP_TIMEOUT_S: Final = 5.0
SOON_S: Final = 0.05
"""How long readings are collected behind a full parcel, which is the end of a backlog."""
CURVES_EVERY_S: Final = 0.2
"""Between parcels of curves, so that they are in nobody's way."""
CURVE_ROWS: Final = 500
"""So many rows of an hour's curves go at once; a hospital's hour has 50,000."""


@dataclass(slots=True)
class Progress:
    """How shipping goes; written by its thread, read by the recorder's."""

    lines: int = 0
    curves: int = 0
    refused: int = 0
    too_old: int = 0
    unreadable: int = 0
    retries: int = 0
    lost_hours: list[str] = field(default_factory=list)
    trouble: str | None = None
    needs_technician: bool = False
    """Whether the trouble lasts until somebody mends token, organisation or bucket."""
    last_refusal: str | None = None
    waiting_since_ms: int = 0
    """When the oldest reading came that is not in InfluxDB; 0 where all are."""


class Shipper:
    """Ships one journal to one InfluxDB."""

    def __init__(
        self,
        folder: Path,
        settings: InfluxSettings,
        catalogue: Catalogue,
        now_ms: Callable[[], int],
    ) -> None:
        self.progress = Progress()
        self._settings = settings
        own = folder / "influx"
        self._cursor = Cursor(own / "cursor.db")
        self._backlog = Backlog(folder, self._cursor, LineWriters(catalogue))
        self._refused = RefusedLines(own, now_ms)
        self._now_ms = now_ms
        self._delivery: Delivery | None = None
        self._server: InfluxServer | None = None
        self._parcel: Parcel | None = None
        self._sender = Writer("influx-send")
        self._stopping = threading.Event()
        self._much = threading.Event()
        self._noticed = 0
        self._was_full = False
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)

    def start(self) -> None:
        """Begin to ship."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not shipped is shipped after the next start."""
        self._stopping.set()
        self._much.set()
        if self._thread.is_alive():
            self._thread.join(STOP_TIMEOUT_S)

    def notice(self, readings: int) -> None:
        """Take note of so many more in the journal: a full parcel is not waited for."""
        self._noticed += readings
        if self._noticed >= self._settings.batch_lines:
            self._much.set()

    @property
    def unshipped_from_ms(self) -> int:
        """The beginning of the oldest hour that is not all in InfluxDB."""
        return self._backlog.unshipped_from_ms

    @property
    def curves_from_ms(self) -> int | None:
        """From when on every hour's curves are in the journal or in InfluxDB."""
        return self._backlog.curves_from_ms

    def lag_ms(self) -> int:
        """Return how long the oldest reading waits for InfluxDB; 0 where none does."""
        waiting_ms = self.progress.waiting_since_ms
        return max(0, self._now_ms() - waiting_ms) if waiting_ms else 0

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            self._noticed = 0
            self._much.clear()
            try:
                linger_s = self._ship()
            # The boundary of the thread: whatever it is, it is told and tried again.
            except Exception as error:
                self._stopping.wait(self._patience_s(error, wait_s))
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
                continue
            wait_s = FIRST_WAIT_S
            self.progress.trouble, self.progress.needs_technician = None, False
            if linger_s and not self._stopping.is_set():
                self._much.wait(linger_s)
        self._close()

    def _ship(self) -> float:
        """Ship what there is; returns how long to collect readings for the next parcel."""
        self._backlog.look()
        was_full, self._was_full = self._was_full, self._ship_readings()
        if self._was_full:
            return 0.0
        # Readings go first: the journal has an hour's curves until InfluxDB has them.
        has_curves = self._ship_curves()
        soon_s = SOON_S if was_full else CURVES_EVERY_S if has_curves else inf
        return min(self._settings.linger_s, soon_s)

    def _ship_curves(self) -> bool:
        """Ship some curves of a finished hour; says whether there were any."""
        parcel = self._backlog.next_curves(CURVE_ROWS)
        if parcel is None:
            return False
        delivery = self._delivery or self._connect()
        try:
            delivery.deliver(self._settings.curve_bucket, parcel.lines)
        finally:
            self.progress.curves += delivery.written
            delivery.written = 0
            self._count(delivery)
        self._cursor.advance_curve(parcel.hour, parcel.last)
        return True

    def _ship_readings(self) -> bool:
        """Ship a parcel of readings; says whether there may be more at once."""
        parcel = self._parcel or self._backlog.next_parcel(self._settings.batch_lines)
        self.progress.lost_hours = self._backlog.lost_hours
        self.progress.waiting_since_ms = parcel.first_ms if parcel else 0
        delivery = self._delivery or self._connect()
        if parcel is None:
            return False
        self._parcel = parcel
        following = self._deliver(delivery, parcel)
        self._cursor.advance(parcel.hour, parcel.last_row)
        self._parcel = following
        self.progress.unreadable += parcel.unreadable
        return parcel.is_full(self._settings.batch_lines)

    def _deliver(self, delivery: Delivery, parcel: Parcel) -> Parcel | None:
        """Deliver a parcel; returns what follows it, made ready meanwhile."""

        def deliver() -> None:
            # Series by series they cost InfluxDB up to a tenth less.
            parcel.readings.sort()
            delivery.deliver(self._settings.bucket, parcel.readings)
            delivery.deliver(self._settings.waveform_bucket, parcel.waveforms)

        lines = self._settings.batch_lines
        sent = self._sender.submit(deliver)
        try:
            if parcel.is_full(lines):
                return self._backlog.following(parcel, lines)
            return None
        finally:
            try:
                sent.result()
            finally:
                self._count(delivery)

    def _connect(self) -> Delivery:
        if self._server is None:
            self._server = InfluxServer(self._settings)
        self._server.make_buckets()
        self._delivery = Delivery(self._server, self._refused)
        return self._delivery

    def _count(self, delivery: Delivery) -> None:
        progress = self.progress
        progress.lines += delivery.written
        progress.refused += delivery.set_aside
        progress.too_old += delivery.too_old
        progress.last_refusal = delivery.last_refusal or progress.last_refusal
        delivery.written = delivery.set_aside = delivery.too_old = 0

    def _patience_s(self, error: Exception, wait_s: float) -> float:
        """Tell what went wrong, and return how long to wait before the next try."""
        self.progress.retries += 1
        self.progress.needs_technician = isinstance(error, NotAllowed | NotThere)
        if isinstance(error, MonitorMeError):
            if self.progress.trouble is None:
                log.warning("cannot ship, trying on: %s", error)
            self.progress.trouble = str(error)
        else:
            log.exception("shipping failed, trying on")
            self.progress.trouble = f"shipping to InfluxDB fails: {error!r}"
        self._forget(error)
        if isinstance(error, InfluxError) and error.wait_s is not None:
            return min(error.wait_s, LONGEST_ASKED_S)
        return wait_s * random.uniform(0.5, 1.0)

    def _forget(self, error: Exception) -> None:
        """Forget what an error makes doubtful: the token, or that the buckets exist."""
        if isinstance(error, NotAllowed | NotThere):
            self._delivery = None
        if isinstance(error, NotAllowed) and self._server is not None:
            self._server.close()
            self._server = None

    def _close(self) -> None:
        self._sender.stop(STOP_TIMEOUT_S)
        self._backlog.close()
        self._cursor.close()
        if self._server is not None:
            self._server.close()
