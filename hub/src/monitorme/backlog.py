"""What is to be sent again of an outbox: paced, so that live readings go first.

Whoever takes readings publishes a new one at once. What an interruption left behind
follows from here: oldest first, so many a second, and only where the connection has
room. So five hundred devices that come back after hours delay nobody's newest value.
"""

from collections.abc import Iterator
from typing import Final

from monitorme.outbox import Entry, Outbox

PER_S: Final = 40.0
"""Readings a second: ten times what a bed makes, so 2 h are caught up in 12 minutes."""
BURST_S: Final = 1.0
"""For how long the pace may be saved up."""
LONGEST_WAIT_S: Final = 3600.0
"""Without an answer everything is sent again at least this often."""


class Backlog:
    """What is being sent again of one outbox; for the outbox's thread.

    It begins anew on a new connection (`begin`), where it is asked to (`begin_from`),
    and when the oldest reading has been sent and stays unconfirmed. That ever more
    seldom: a recorder that is away finds with the broker what was sent once.

    All times are of one clock that never goes back, such as `time.monotonic`.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        resend_after_s: float,
        per_s: float = PER_S,
    ) -> None:
        self._outbox = outbox
        self._per_s = per_s
        self._resend_after_s = self._wait_s = resend_after_s
        self._oldest: tuple[str, int] | None = None
        self._waiting_since_s = 0.0
        self._paced_s = 0.0
        self._allowed = 0.0
        self._ranges: dict[str, tuple[int, int]] = {}
        self._entries: Iterator[Entry] = iter(())
        self._head: Entry | None = None
        self.sent = 0

    def begin(self) -> None:
        """Send everything again that is held now; what is taken later is live."""
        held = {boot: (1, self._outbox.newest_seq(boot)) for boot in self._outbox.boots}
        self._start(held)

    def begin_from(self, boot: str, seq: int) -> None:
        """Send again, before anything else, what is held now of a boot from `seq` on."""
        others = {key: span for key, span in self._ranges.items() if key != boot}
        self._start({boot: (seq, self._outbox.newest_seq(boot)), **others})

    def due(self, now_s: float, room: int) -> Iterator[Entry]:
        """Return what may be sent now, at most `room` readings.

        A reading counts as sent when the next one is asked for; where the caller stops
        before that, it comes again.
        """
        self._begin_where_stuck(now_s)
        allowed = self._allowed + (now_s - self._paced_s) * self._per_s
        self._allowed = min(allowed, self._per_s * BURST_S)
        self._paced_s = now_s
        while room > 0 and self._allowed >= 1 and (entry := self._next()) is not None:
            yield entry
            self._pass(entry)
            self._allowed -= 1
            self.sent += 1
            room -= 1

    def _start(self, ranges: dict[str, tuple[int, int]]) -> None:
        self._ranges, self._entries, self._head = ranges, iter(()), None

    def _begin_where_stuck(self, now_s: float) -> None:
        oldest = self._outbox.oldest()
        if oldest != self._oldest:
            self._oldest, self._wait_s = oldest, self._resend_after_s
            self._waiting_since_s = now_s
        elif oldest is None or self._ranges:
            self._waiting_since_s = now_s
        elif now_s - self._waiting_since_s > self._wait_s:
            self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
            self._waiting_since_s = now_s
            self.begin()

    def _next(self) -> Entry | None:
        """Return the next reading of the first boot that still has one."""
        while self._head is None and self._ranges:
            boot, (first, last) = next(iter(self._ranges.items()))
            entry = next(self._entries, None)
            if entry is None:
                self._entries = self._outbox.pending_from(boot, first)
                entry = next(self._entries, None)
            if entry is not None and entry.seq <= last:
                self._head = entry
            else:
                del self._ranges[boot]
                self._entries = iter(())
        return self._head

    def _pass(self, entry: Entry) -> None:
        """Note that a reading was sent, unless its boot has begun anew meanwhile."""
        if entry is self._head:
            self._head = None
            self._ranges[entry.boot] = (entry.seq + 1, self._ranges[entry.boot][1])
