"""Which readings are unconfirmed, and where each of them is."""

from collections import deque
from collections.abc import Iterable

from monitorme.outbox.segment import Place


class Unconfirmed:
    """The places of unconfirmed readings: boots oldest first, each in order of seq."""

    def __init__(self) -> None:
        self._boots: dict[str, deque[Place]] = {}

    def __len__(self) -> int:
        return sum(len(places) for places in self._boots.values())

    @property
    def boots(self) -> tuple[str, ...]:
        """The boots of which something is unconfirmed."""
        return tuple(self._boots)

    def add(self, boot: str, place: Place) -> None:
        """Add a reading; nearly always it is the boot's newest."""
        places = self._boots.setdefault(boot, deque())
        if not places or places[-1].seq <= place.seq:
            places.append(place)
            return
        # Taken again after a failure: what is held stays in order of seq.
        at = len(places)
        while at and places[at - 1].seq > place.seq:
            at -= 1
        places.insert(at, place)

    def add_missing(self, boot: str, found: Iterable[Place]) -> list[Place]:
        """Add those whose seq is not there yet; returns them."""
        held = {place.seq: place for place in self._boots.get(boot, ())}
        added: list[Place] = []
        for place in found:
            if place.seq not in held:
                held[place.seq] = place
                added.append(place)
        if added:
            self._boots[boot] = deque(held[seq] for seq in sorted(held))
        return added

    def confirm(self, boot: str, seq: int) -> list[Place]:
        """Take out all of a boot up to `seq`, and return them."""
        places = self._boots.get(boot)
        confirmed: list[Place] = []
        while places and places[0].seq <= seq:
            confirmed.append(places.popleft())
        self._forget_if_empty(boot)
        return confirmed

    def remove(self, boot: str, place: Place) -> None:
        """Take out one that is there."""
        self._boots[boot].remove(place)
        self._forget_if_empty(boot)

    def remove_segment(self, number: int) -> None:
        """Take out all that are in a segment."""
        for boot, places in list(self._boots.items()):
            self._boots[boot] = deque(one for one in places if one.segment != number)
            self._forget_if_empty(boot)

    def from_seq(self, boot: str, seq: int) -> list[Place]:
        """Return those of a boot from `seq` on."""
        return [place for place in self._boots.get(boot, ()) if place.seq >= seq]

    def may_hold(self, boot: str, place: Place) -> bool:
        """Say whether a place that was there is not confirmed meanwhile."""
        places = self._boots.get(boot)
        return places is not None and place.seq >= places[0].seq

    def next_seq(self, boot: str, seq: int) -> int | None:
        """Return the first seq of a boot from `seq` on."""
        places = self._boots.get(boot, ())
        return next((one.seq for one in places if one.seq >= seq), None)

    def newest_seq(self, boot: str) -> int | None:
        """Return the newest seq of a boot."""
        places = self._boots.get(boot)
        return places[-1].seq if places else None

    def oldest(self) -> tuple[str, int] | None:
        """Return boot and seq of the oldest of all."""
        for boot, places in self._boots.items():
            return boot, places[0].seq
        return None

    def _forget_if_empty(self, boot: str) -> None:
        if boot in self._boots and not self._boots[boot]:
            del self._boots[boot]
