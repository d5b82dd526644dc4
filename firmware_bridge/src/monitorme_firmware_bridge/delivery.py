"""From the line to the recorder: kept on disk, published, sent again until durable."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from monitorme.backlog import PER_S, Backlog
from monitorme.contract.payloads import DeviceCommand, Durable
from monitorme.contract.readings import Reading
from monitorme.contract.topics import BedId, VitalTopic
from monitorme.errors import BusError
from monitorme.messaging import Publisher
from monitorme.outbox import KEEP_CONFIRMED_S, Entry, Outbox

AGAIN_AT_ONCE: Final = 500
"""How many readings are published again at most between two reads of the line."""


class Delivery:
    """The outbox of one device, and what is on its way from it; for one thread."""

    def __init__(
        self,
        bus: Publisher,
        bed: BedId,
        folder: Path,
        *,
        resend_after_s: float,
        backlog_per_s: float = PER_S,
        keep_confirmed_s: float = KEEP_CONFIRMED_S,
    ) -> None:
        """Open the outbox, and begin with what it holds; may raise StorageError."""
        self._bus = bus
        self._bed = bed
        self._outbox = Outbox(folder, sync=True, keep_confirmed_s=keep_confirmed_s)
        self._backlog = Backlog(
            self._outbox, resend_after_s=resend_after_s, per_s=backlog_per_s
        )
        self._backlog.begin()

    def held(self) -> dict[str, list[int]]:
        """Return the seqs that are held of every boot."""
        return {boot: self._outbox.held_seqs(boot) for boot in self._outbox.boots}

    def keep(self, readings: Sequence[tuple[str, Reading]]) -> None:
        """Put (vital, reading) pairs on disk, then publish them.

        Raises StorageError where the disk refuses; they are published all the same,
        because the screen must go on, but nobody may count on them.
        """
        entries = [self._entry(vital, reading) for vital, reading in readings]
        try:
            self._outbox.append_all(entries)
        finally:
            for entry in entries:
                self._publish(entry)

    def confirm(self, durable: Durable) -> None:
        """Forget what the recorder has on disk."""
        self._outbox.confirm(durable.boot, durable.seq)

    def take_back(self, boot: str, from_seq: int) -> None:
        """Hold again what the recorder had confirmed and asks for; or StorageError."""
        self._outbox.take_back(boot, from_seq)

    def send_again(self, command: DeviceCommand) -> None:
        """Publish what is held of a boot from a seq on again."""
        assert command.boot is not None
        self._backlog.begin_from(command.boot, command.from_seq or 1)

    def held_from_seq(self, boot: str) -> int | None:
        """Return the oldest seq of a boot that can still be given."""
        return self._outbox.held_from_seq(boot)

    def next_held(self, boot: str, from_seq: int) -> int | None:
        """Return the first unconfirmed seq of a boot from one on."""
        return self._outbox.next_held(boot, from_seq)

    @property
    def unconfirmed(self) -> int:
        """How many readings are held."""
        return len(self._outbox)

    @property
    def dropped(self) -> int:
        """How many readings went because the outbox was full."""
        return self._outbox.dropped

    def go_on(self) -> None:
        """Publish some of what is to be sent again; call it often."""
        for entry in self._backlog.due(time.monotonic(), AGAIN_AT_ONCE):
            if not self._publish(entry):
                return

    def close(self) -> None:
        """Close the outbox; what is unconfirmed stays on disk."""
        self._outbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _entry(self, vital: str, reading: Reading) -> Entry:
        topic = str(VitalTopic(self._bed, vital))
        return Entry(reading.boot, reading.seq, topic, reading.to_json())

    def _publish(self, entry: Entry) -> bool:
        """Publish; says whether the bus had room. Where not, the outbox has it."""
        try:
            self._bus.publish(entry.topic, entry.payload)
        except BusError:
            return False
        return True
