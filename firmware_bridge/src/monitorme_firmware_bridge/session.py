"""One connection's conversation with a device: bytes in, readings kept, answers out."""

import time
from dataclasses import dataclass
from typing import Final

from monitorme.contract.payloads import MAX_INT
from monitorme.contract.readings import Reading
from monitorme.contract.vitals import Catalogue
from monitorme.errors import ContractError, StorageError
from monitorme.messaging import Message
from monitorme.quarantine import Quarantine
from monitorme_firmware_bridge.decoder import (
    Decoded,
    Decoder,
    Greeting,
    Measurement,
    Name,
    Refusal,
)
from monitorme_firmware_bridge.delivery import Delivery
from monitorme_firmware_bridge.measured import reading_of
from monitorme_firmware_bridge.numbering import Numbering
from monitorme_firmware_bridge.presence import About, Presence
from monitorme_firmware_bridge.state import LineState

ASK_AGAIN_AFTER_S: Final = 1.0
KEPT_REFUSALS: Final = 100
"""How many refusals of a connection go into quarantine; all of them are counted."""


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device on a line, and what outlives a connection to it."""

    device: str
    identity: str
    catalogue: Catalogue
    numbering: Numbering
    delivery: Delivery
    presence: Presence
    state: LineState
    quarantine: Quarantine

    def held_from_seq(self, boot: str) -> int:
        """Return from which seq on the bridge or the device still holds readings."""
        beyond = self.numbering.kept_through(boot) + 1
        return min(self.delivery.held_from_seq(boot) or beyond, beyond)

    def next_held(self, boot: str, from_seq: int) -> int:
        """Return the first seq from one on that the bridge or the device can give."""
        held = self.delivery.next_held(boot, from_seq)
        if not self.numbering.knows(boot):
            return held or from_seq + 1
        beyond = self.numbering.kept_through(boot) + 1
        return min(held or beyond, beyond)


class Session:
    """Takes in what a device says on one connection, and says what to answer."""

    def __init__(self, known: KnownDevice, decoder: Decoder) -> None:
        self._known = known
        self._decoder = decoder
        self._boot: str | None = None
        self._batch: list[tuple[str, Reading]] = []
        self._refusals = 0
        self._asked_s = 0.0
        self._has_gap = False
        self._taken: Name | None = None
        self._told: int | None = None

    def begin(self) -> None:
        """Say that the device is there, unless it is going to greet."""
        if self._decoder.numbers_readings:
            return
        boot, seq = self._known.numbering.own_name()
        about = About(boot, self._decoder.vitals, self._decoder.name)
        self._known.presence.online(about, seq)

    def take(self, data: bytes, now_ms: int) -> bytes:
        """Keep and publish what bytes complete; return what to write to the device.

        Raises ContractError where another device than the line's is on it.
        """
        try:
            for one in self._decoder.feed(data, now_ms):
                self._take_one(one, now_ms)
        except Exception:
            self._untake()
            raise
        return self._answer()

    def _take_one(self, one: Decoded, now_ms: int) -> None:
        match one:
            case Greeting():
                self._greet(one, now_ms)
            case Refusal():
                if one.name is None or self._is_next(one.name, now_ms):
                    self._refuse(one.reason, one.data, now_ms)
            case Measurement():
                self._measure(one, now_ms)

    def _greet(self, one: Greeting, now_ms: int) -> None:
        known = self._known
        if one.device != known.identity:
            raise ContractError(
                f"device {one.device!r} is on the line of {known.identity!r}: check the "
                "cable, or `identity` in the configuration",
                reason="wrong_device",
            )
        if not 1 <= one.oldest_seq <= MAX_INT:
            self._refuse("malformed", repr(one).encode(), now_ms)
            return
        self._boot, self._told = one.boot, None
        known.state.works()
        if lost := known.numbering.greet(one.boot, one.oldest_seq):
            known.state.count("lost_at_device", lost)
        about = About(
            one.boot,
            one.vitals or self._decoder.vitals,
            one.model or self._decoder.name,
            one.firmware,
        )
        known.presence.online(about, known.held_from_seq(one.boot))

    def _measure(self, one: Measurement, now_ms: int) -> None:
        known = self._known
        name = one.name or known.numbering.own_name()
        if not self._is_next(name, now_ms):
            return
        try:
            reading = reading_of(one, known.device, name, known.catalogue, now_ms)
        except ContractError as error:
            self._refuse(error.reason, repr(one).encode(), now_ms)
            if one.name is None:
                known.numbering.give_back(*name)
            return
        self._batch.append((one.vital, reading))
        known.state.count("readings")

    def _is_next(self, name: Name, now_ms: int) -> bool:
        """Say whether a reading is new and in order; takes its number if so."""
        boot, seq = name
        if self._decoder.numbers_readings and boot != self._boot:
            self._refuse("no_greeting", repr(name).encode(), now_ms)
            return False
        place = self._known.numbering.place(boot, seq)
        if place == "beyond" and not self._decoder.resend(boot, seq):
            self._known.numbering.skip_to(boot, seq)
            self._known.state.count("gaps")
            place = "next"
        if place == "next":
            self._taken = self._taken or name
            return True
        self._known.state.count(place)
        self._has_gap = self._has_gap or place == "beyond"
        self._told = None
        return False

    def _refuse(self, reason: str, data: bytes, now_ms: int) -> None:
        self._known.state.refuse(reason, len(data), now_ms)
        self._refusals += 1
        if self._refusals <= KEPT_REFUSALS:
            message = Message(f"line/{self._known.device}", data, now_ms)
            self._known.quarantine.keep(message, reason)

    def _answer(self) -> bytes:
        can_keep = self._keep()
        if self._boot is None:
            return b""
        return self._kept(self._boot) + self._asking(self._boot, can_keep)

    def _keep(self) -> bool:
        """Keep what was taken; says whether there was any, and it is on disk."""
        batch, self._batch = self._batch, []
        if batch:
            try:
                self._known.delivery.keep(batch)
            except StorageError as error:
                self._known.state.count("not_kept", len(batch))
                self._known.state.breaks(str(error))
                self._untake()
                return False
            self._known.state.works()
        self._taken = None
        return bool(batch)

    def _untake(self) -> None:
        """Expect again, once the disk is well, what was taken and is not on it."""
        if self._taken is not None and self._decoder.numbers_readings:
            self._known.numbering.not_kept(*self._taken)
        self._taken = None

    def _kept(self, boot: str) -> bytes:
        """Tell the device what is on disk; of repeated readings it is said again."""
        through = self._known.numbering.kept_through(boot)
        if not through or through == self._told:
            return b""
        self._told = through
        return self._decoder.kept(boot, through)

    def _asking(self, boot: str, can_keep: bool) -> bytes:
        """Ask for what is missing, or could not be kept while the disk refused."""
        if can_keep and self._known.numbering.recover(boot):
            self._has_gap, self._asked_s = True, 0.0
        now_s = time.monotonic()
        if not self._has_gap or now_s - self._asked_s < ASK_AGAIN_AFTER_S:
            return b""
        self._has_gap, self._asked_s = False, now_s
        return self._decoder.resend(boot, self._known.numbering.next_seq(boot))
